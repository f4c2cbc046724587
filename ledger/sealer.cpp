// The sealer's thread.
#include "ledger/sealer.hpp"

#include "base/pause.hpp"

#include <exception>
#include <utility>

namespace ledger {
namespace {

using Clock = std::chrono::steady_clock;

/// A posting takes its time before it is visible, hardly ever longer than this. What took longer is found by
/// a second look, from the last seal on; every round reads the rows of the margin once more.
constexpr auto margin = "interval '2 seconds'";

}  // namespace

Sealer::Sealer(Options options, base::Database& database, base::Logger log)
    : options_(std::move(options)),
      database_(database),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

Sealer::~Sealer() {
    thread_.request_stop();
    thread_.join();
    try {
        round({});
    } catch (const std::exception& error) {
        log_.warning("the last postings are not sealed yet", {{"error", error.what()}});
    }
}

Clock::duration Sealer::lag() const { return Clock::now() - sealed_at_.load(); }

void Sealer::serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            round(stop);
        } catch (const std::exception& error) {
            // The database is away or busy; what is unsealed stays so, and the lag says it.
            log_.warning("sealing was cut short", {{"error", error.what()}});
        }
        base::pause(stop, options_.interval);
    }
}

/// What waits to be sealed. Arrays and times are as PostgreSQL writes them.
struct Sealer::Unsealed {
    std::string shards, to;  ///< the shards, and the last row of each
    std::string since;       ///< all of it was recorded from then on; empty: there is nothing
    std::string now;
};

void Sealer::round(const std::stop_token& stop) {
    const auto begin = Clock::now();
    const auto before = look();
    std::string left = "{}";
    if (!before.since.empty()) {
        database_.run_blocking(
            [](base::sql::Session& session) { session.exec("select ledger.summarize_journal()"); });
        // What the last round has looked at needs no second look, were a shard's last seal ever so old.
        seal_from(looked_at_.empty() ? before.since : looked_at_, stop);
        left = left_of(before);
        if (left != "{}" && left != stuck_ && !looked_at_.empty()) {
            seal_from(before.since, stop);
            left = left_of(before);
        }
    }
    if (stop.stop_requested()) return;
    if (left == "{}")
        sealed_at_ = begin;
    else if (left != stuck_)
        log_.error(
            "journal rows are missing, what follows them is not sealed; `ledgerline audit verify` says more",
            {{"shards", left}});
    stuck_ = left;
    looked_at_ = before.now;
}

Sealer::Unsealed Sealer::look() {
    const auto rows = database_.run_blocking([](base::sql::Session& session) {
        return session.exec("select o_shards, o_to, o_since, o_now - " + std::string(margin) +
                            " from ledger.unsealed()");
    });
    return {std::string(rows.text(0, 0)), std::string(rows.text(0, 1)), rows.optional_text(0, 2).value_or(""),
            std::string(rows.text(0, 3))};
}

/// The shards that are not sealed as far as they were to be. Another node may have done it.
std::string Sealer::left_of(const Unsealed& before) {
    const auto rows = database_.run_blocking([&](base::sql::Session& session) {
        return session.exec("select o_shards, o_rows from ledger.still_unsealed($1, $2)",
                            base::sql::params(before.shards, before.to));
    });
    unsealed_ = rows.integer(0, 1);
    return std::string(rows.text(0, 0));
}

/// Rests after each piece for as long as that took: a round of sealing must not take a processor away from
/// the postings, which would wait for all of it. The last round, which nothing stops, keeps no posting
/// waiting.
void Sealer::seal_from(std::string from, const std::stop_token& stop) {
    while (!from.empty() && !stop.stop_requested()) {
        const auto begin = Clock::now();
        const auto rows = database_.run_blocking([&](base::sql::Session& session) {
            return session.exec("select o_next from ledger.seal_journal($1, $2, $3, $4)",
                                base::sql::params(from, options_.piece, options_.block, options_.time_zone));
        });
        from = rows.optional_text(0, 0).value_or("");
        if (!from.empty() && stop.stop_possible()) base::pause(stop, Clock::now() - begin);
    }
}

}  // namespace ledger
