// The sweeper's thread.
#include "ledger/sweeper.hpp"

#include "base/pause.hpp"

#include <exception>
#include <string>
#include <utility>

namespace ledger {
namespace {

/// A clock that is put back by less is only being put right.
constexpr std::int64_t clock_behind_seconds = 10;

}  // namespace

void freeze_totals(base::sql::Session& session, const std::string& until, const std::stop_token& stop) {
    // Shard by shard: no lock is held for longer than it takes to date one, and none while rows are summed.
    const auto shards = session.exec("select shard from ledger.shard order by shard");
    for (std::size_t row = 0; row < shards.size(); ++row) {
        session.exec("select ledger.date_shard($1, $2)", base::sql::params(shards.integer(row, 0), until));
    }
    bool more = true;
    while (more && !stop.stop_requested()) {
        base::sql::Transaction transaction(session);
        session.exec("set local statement_timeout = 0");  // a day may be long
        // Somebody else freezes, closes or archives, and that may take long: who may be stopped does not
        // wait.
        if (stop.stop_possible()) session.exec("set local lock_timeout = '1s'");
        more = !session.exec("select ledger.freeze_totals($1)", base::sql::params(until)).is_null(0, 0);
        transaction.commit();
    }
}

Sweeper::Sweeper(Options options, base::Database& database, Shards shards, base::Logger log)
    : options_(options),
      database_(database),
      shards_(std::move(shards)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

Sweeper::~Sweeper() = default;

void Sweeper::serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            look_at_clock();
            sweep(stop);
            freeze(stop);
        } catch (const std::exception& error) {
            // The database is away or busy; what is due stays due.
            log_.warning("a sweep was cut short", {{"error", error.what()}});
        }
        base::pause(stop, options_.interval);
    }
}

void Sweeper::sweep(const std::stop_token& stop) {
    const auto grace = std::to_string(options_.expiry_grace.count()) + " milliseconds";
    const auto now = std::chrono::steady_clock::now();
    const bool balances_too = now >= balances_due_;
    std::int64_t holds = 0;
    std::int64_t balances = 0;
    for (const auto shard : shards_.all()) {
        if (stop.stop_requested()) return;
        holds += sweep_shard("select ledger.sweep_holds($1, $2)",
                             base::sql::params(std::int64_t{shard}, options_.piece), stop);
        if (!balances_too) continue;
        balances += sweep_shard("select ledger.sweep_balances($1, $2, $3)",
                                base::sql::params(std::int64_t{shard}, grace, options_.piece), stop);
    }
    if (balances_too) balances_due_ = now + options_.expiry_grace / 1000;
    if (holds + balances > 0) log_.info("swept", {{"holds", holds}, {"balances", balances}});
}

void Sweeper::freeze(const std::stop_token& stop) {
    if (stop.stop_requested()) return;
    const auto interval = std::to_string(options_.freeze_interval.count()) + " milliseconds";
    database_.run_blocking([&](base::sql::Session& session) {
        const auto due = session.exec("select ledger.freezing_due($1)", base::sql::params(interval));
        if (due.is_null(0, 0)) return;
        try {
            freeze_totals(session, std::string(due.text(0, 0)), stop);
        } catch (const base::sql::Error& error) {
            if (error.sqlstate() != "55P03") throw;  // what is due stays due
        }
    });
}

/// Time never goes back in the journal. A clock that was ahead for a moment, and was put right, leaves all
/// that is posted from then on with a wrong time: whoever keeps the books must hear of it.
void Sweeper::look_at_clock() {
    const auto behind = database_.run_blocking([](base::sql::Session& session) {
        return session
            .exec(
                "select greatest(extract(epoch from max(last_recorded_at) - clock_timestamp()), 0)::bigint"
                "  from ledger.shard where last_recorded_at > '-infinity'")
            .optional_integer(0, 0)
            .value_or(0);
    });
    const bool wrong = behind > clock_behind_seconds;
    const bool was_wrong = clock_behind_.exchange(behind) > clock_behind_seconds;
    if (wrong == was_wrong) return;
    if (was_wrong)
        log_.info("the database's clock has caught up with what was posted");
    else
        log_.error(
            "the database's clock is behind what was posted last: what is posted until it has caught up "
            "gets the time of that",
            {{"seconds", behind}});
}

/// Piece by piece until nothing is left of one shard's; returns how much there was.
std::int64_t Sweeper::sweep_shard(std::string_view statement, const base::sql::Params& parameters,
                                  const std::stop_token& stop) {
    std::int64_t total = 0;
    while (!stop.stop_requested()) {
        const auto swept = database_.run_blocking(
            [&](base::sql::Session& session) { return session.exec(statement, parameters).integer(0, 0); });
        if (swept == 0) break;
        total += swept;
    }
    return total;
}

}  // namespace ledger
