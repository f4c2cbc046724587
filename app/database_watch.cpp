// The thread that looks at the database.
#include "app/database_watch.hpp"

#include "base/pause.hpp"

#include <exception>
#include <utility>

namespace app {
namespace {

using Clock = std::chrono::steady_clock;

/// Looks that may fail to come back in time before that is trouble.
constexpr int late_intervals = 3;

}  // namespace

DatabaseWatch::DatabaseWatch(Options options, base::Database& database, base::Logger log)
    : options_(options), database_(database), log_(std::move(log)), answered_(Clock::now()) {
    look();
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

DatabaseWatch::~DatabaseWatch() = default;

void DatabaseWatch::serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        look();
        base::pause(stop, options_.interval);
    }
}

void DatabaseWatch::look() {
    std::int64_t schema = 0;
    std::string trouble;
    try {
        schema = database_.run_blocking([](base::sql::Session& session) {
            return session.exec("select coalesce(max(number), 0) from ledger_migration.applied")
                .integer(0, 0);
        });
    } catch (const std::exception& error) {
        trouble = error.what();
    }
    const std::lock_guard lock(mutex_);
    if (!trouble.empty() && trouble != trouble_)
        log_.warning("the database does not do what it is asked", {{"error", trouble}});
    trouble_ = trouble;
    answered_ = Clock::now();
    if (trouble.empty()) schema_ = schema;
}

std::string DatabaseWatch::database_trouble() const {
    const std::lock_guard lock(mutex_);
    // Its own words name hosts, roles and databases, and everybody may ask.
    if (!trouble_.empty()) return "does not do what it is asked; the log says why";
    const auto silent = Clock::now() - answered_;
    if (silent < late_intervals * options_.interval) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(silent).count();
    return "no answer for " + std::to_string(seconds) + " s";
}

std::string DatabaseWatch::schema_trouble() const {
    const std::lock_guard lock(mutex_);
    if (schema_ >= options_.schema) return {};
    return "at " + std::to_string(schema_) + ", but this program needs " + std::to_string(options_.schema);
}

}  // namespace app
