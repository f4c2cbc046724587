// The background work of the ledger: ends holds that are due, posts away what expired, freezes totals.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/shards.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string_view>
#include <thread>

namespace ledger {

/// Freezes finance's totals of all that was recorded before `until` (as PostgreSQL writes times), which must
/// not lie in the future. `stop` cuts it short between two slices, each of at most a day. Throws
/// base::sql::Error.
void freeze_totals(base::sql::Session& session, const std::string& until, const std::stop_token& stop = {});

/// Nothing depends on when it runs: the posting function knows what has expired. Several nodes may sweep one
/// database; each piece is a transaction of its own under the shard's lock.
class Sweeper {
  public:
    struct Options {
        std::chrono::milliseconds interval{5000};  ///< between two rounds over all shards
        /// How long an expired balance waits for a credit that revives it, about: balances are looked at in
        /// every thousandth of it, because each look reads all that ever expired.
        std::chrono::milliseconds expiry_grace = std::chrono::hours(30 * 24);
        std::int64_t piece = 200;  ///< accounts or balances in one transaction
        /// How much of the journal is summed anew by finance's daily totals, at most about.
        std::chrono::milliseconds freeze_interval = std::chrono::hours(1);
    };

    /// `database` outlives this.
    Sweeper(Options options, base::Database& database, Shards shards, base::Logger log);
    ~Sweeper();  ///< finishes the piece under way

    /// How far the database's clock is behind what was posted last: until it has caught up, all that is
    /// posted gets the time of that. Thread-safe.
    [[nodiscard]] std::chrono::seconds clock_behind() const { return std::chrono::seconds(clock_behind_); }

  private:
    void serve(const std::stop_token& stop);
    void sweep(const std::stop_token& stop);
    void freeze(const std::stop_token& stop);
    void look_at_clock();
    std::int64_t sweep_shard(std::string_view statement, const base::sql::Params& parameters,
                             const std::stop_token& stop);

    Options options_;
    base::Database& database_;
    Shards shards_;
    base::Logger log_;
    std::chrono::steady_clock::time_point balances_due_{};  ///< when they are looked at next
    std::atomic<std::int64_t> clock_behind_ = 0;            ///< in seconds
    std::jthread thread_;                                   // last: it uses the others
};

}  // namespace ledger
