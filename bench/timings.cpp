// Registers the parts with Google Benchmark and collects what it measures.
#include "bench/timings.hpp"

#include "base/ids.hpp"
#include "base/log.hpp"
#include "bench/parts.hpp"
#include "bench/traffic.hpp"
#include "frontend/http/server.hpp"
#include "ledger/lane.hpp"

#include <benchmark/benchmark.h>
#include <pthread.h>
#include <time.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

namespace bench {
namespace asio = boost::asio;

namespace {

class Collector final : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const auto& run : runs) {
            if (run.error_occurred) throw std::runtime_error(run.error_message);
            const auto per_item = run.counters.find("items_per_second");
            microseconds[run.run_name.function_name] =
                per_item == run.counters.end() ? run.GetAdjustedCPUTime() : 1e6 / per_item->second;
        }
    }
    std::map<std::string, double> microseconds;
};

/// A full batch after the other through one lane.
class LaneLoad {
  public:
    LaneLoad(const std::string& url, std::vector<ledger::AccountPtr> accounts)
        : accounts_(std::move(accounts)), lane_(options(url), base::Logger(base::LogLevel::warning)) {}

    void run(benchmark::State& state) {
        const auto batch = static_cast<std::int64_t>(ledger::LaneOptions().batch_max);
        for ([[maybe_unused]] const auto turn : state) {
            for (std::int64_t i = 0; i < batch; ++i) {
                asio::co_spawn(
                    io_, lane_.post(next()),
                    [&](const std::exception_ptr& error, const ledger::Result<ledger::Receipt>& result) {
                        if (error || !result) state.SkipWithError("a posting was refused");
                    });
            }
            io_.restart();
            io_.run();
        }
        state.SetItemsProcessed(state.iterations() * batch);
    }

  private:
    static ledger::LaneOptions options(const std::string& url) {
        ledger::LaneOptions options;
        options.session.url = url;
        options.limits = {1'000'000'000'000'000, std::chrono::hours(1)};
        return options;
    }

    ledger::Posting next() {
        ledger::Posting posting;
        std::uniform_int_distribution<std::size_t> pick(0, accounts_.size() - 1);
        posting.account = accounts_[pick(random_)];
        posting.application = 1;
        posting.reference = run_ + std::to_string(++count_);
        posting.amount = {base::Decimal::of_minor(150, 2), "EUR"};
        posting.contra = "revenue";
        posting.description = "song";
        posting.digest = ledger::digest_of(posting);
        return posting;
    }

    std::vector<ledger::AccountPtr> accounts_;
    std::mt19937 random_{std::random_device{}()};
    const std::string run_ = base::random_hex_id();
    std::int64_t count_ = 0;
    asio::io_context io_{1};
    ledger::Lane lane_;
};

/// Answers at once, with as much as a charge's response has.
class Echo final : public http::Handler {
  public:
    asio::awaitable<http::Response> handle(const http::Request&) override {
        http::Response response;
        response.content_type = "text/xml; charset=utf-8";
        response.body = std::string(300, ' ');
        co_return response;
    }
    http::Response refuse(const http::Request&, http::Refusal, unsigned status) override {
        http::Response response;
        response.status = status;
        return response;
    }
};

double http_only_microseconds() {
    Echo echo;
    asio::io_context io(1);
    const auto work = asio::make_work_guard(io);
    std::jthread thread([&io] { io.run(); });
    clockid_t clock{};
    if (::pthread_getcpuclockid(thread.native_handle(), &clock) != 0)
        throw std::runtime_error("a thread without a clock");
    const auto seconds = [clock] {
        timespec time{};
        ::clock_gettime(clock, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    };
    double result = 0;
    {
        http::Options options;
        options.listen.front().port = 0;
        http::Server server({&io}, echo, options);
        server.start();
        Traffic traffic;
        traffic.duration = std::chrono::seconds(2);
        const auto before = seconds();
        const auto run = run_traffic(server.port(), traffic);
        result = (seconds() - before) / static_cast<double>(run.answered) * 1e6;
    }
    io.stop();
    return result;
}

}  // namespace

std::map<std::string, double> part_microseconds(const std::string& url,
                                                const std::vector<ledger::AccountPtr>& accounts) {
    LaneLoad lane(url, accounts);
    for (const auto& part : make_parts()) {
        benchmark::RegisterBenchmark(part.name.c_str(), [run = part.run](benchmark::State& state) {
            for ([[maybe_unused]] const auto turn : state) run();
        })->Unit(benchmark::kMicrosecond);
    }
    benchmark::RegisterBenchmark("lane_and_sql", [&lane](benchmark::State& state) {
        lane.run(state);
    })->UseRealTime();
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector);
    benchmark::ClearRegisteredBenchmarks();
    collector.microseconds["http_only"] = http_only_microseconds();
    return std::move(collector.microseconds);
}

}  // namespace bench
