// Counters and their text.
#include "telephony/applications/application_metrics.hpp"

namespace applications {
namespace {

constexpr std::array<std::string_view, 6> ask_results{"answered", "slow",    "failed",
                                                      "nonsense", "skipped", "unknown"};
constexpr std::array<std::string_view, 5> tell_results{"delivered", "refused", "lost", "skipped", "unknown"};

}  // namespace

std::string_view to_string(AskResult result) { return ask_results[static_cast<std::size_t>(result)]; }
std::string_view to_string(TellResult result) { return tell_results[static_cast<std::size_t>(result)]; }

void ApplicationMetrics::count(AskResult result, std::chrono::steady_clock::duration time) {
    asks_[static_cast<std::size_t>(result)].fetch_add(1, std::memory_order_relaxed);
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    ask_microseconds_.fetch_add(static_cast<std::uint64_t>(microseconds), std::memory_order_relaxed);
}

void ApplicationMetrics::count(TellResult result) {
    tells_[static_cast<std::size_t>(result)].fetch_add(1, std::memory_order_relaxed);
}

void ApplicationMetrics::write(std::string& out) const {
    const auto heading = [&out](const std::string& name, const std::string& type,
                                const std::string& meaning) {
        out += "# HELP " + name + ' ' + meaning + "\n# TYPE " + name + ' ' + type + '\n';
    };
    const auto sample = [&out](const std::string& name, const std::string& value) {
        out += name + ' ' + value + '\n';
    };
    const auto results = [&](const std::string& name, const auto& names, const auto& counters) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto value = counters[i].load(std::memory_order_relaxed);
            sum += value;
            sample(name + "{result=\"" + std::string(names[i]) + "\"}", std::to_string(value));
        }
        return sum;
    };
    heading("ledgerline_application_asks_total", "counter", "Questions to applications about calls.");
    const auto asked = results("ledgerline_application_asks_total", ask_results, asks_);
    heading("ledgerline_application_ask_seconds", "summary", "How long calls waited for applications.");
    const auto seconds = static_cast<double>(ask_microseconds_.load(std::memory_order_relaxed)) / 1e6;
    sample("ledgerline_application_ask_seconds_sum", std::to_string(seconds));
    sample("ledgerline_application_ask_seconds_count", std::to_string(asked));
    heading("ledgerline_application_tells_total", "counter", "What applications were told about calls.");
    results("ledgerline_application_tells_total", tell_results, tells_);
    heading("ledgerline_application_tells_waiting", "gauge", "What is still to be told.");
    sample("ledgerline_application_tells_waiting", std::to_string(waiting_.load(std::memory_order_relaxed)));
    heading("ledgerline_application_endpoints_open", "gauge",
            "Endpoints that are left alone because they failed.");
    sample("ledgerline_application_endpoints_open", std::to_string(open_.load(std::memory_order_relaxed)));
}

}  // namespace applications
