// The background work of the audit: seals the journal, block by block.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

namespace ledger {

/// Seals what was posted (ledger.seal), never in the way of a posting. Several nodes may seal one database: a
/// block is made once.
class Sealer {
  public:
    struct Options {
        std::chrono::milliseconds interval{10'000};  ///< between two rounds
        std::int64_t block = 1000;                   ///< journal rows in one seal, at most
        std::int64_t piece = 5'000;                  ///< journal rows looked at in one transaction
        std::string time_zone = "UTC";  ///< its months end blocks, so that a month can be archived
    };

    /// `database` outlives this.
    Sealer(Options options, base::Database& database, base::Logger log);
    ~Sealer();  ///< seals what was posted until now, unless the database is away

    /// How long ago everything that was posted was sealed. Thread-safe.
    [[nodiscard]] std::chrono::steady_clock::duration lag() const;
    /// Journal rows that the last round left unsealed. Thread-safe.
    [[nodiscard]] std::int64_t unsealed() const { return unsealed_; }

  private:
    struct Unsealed;

    void serve(const std::stop_token& stop);
    void round(const std::stop_token& stop);
    [[nodiscard]] Unsealed look();
    [[nodiscard]] std::string left_of(const Unsealed& before);
    void seal_from(std::string from, const std::stop_token& stop);

    Options options_;
    base::Database& database_;
    base::Logger log_;
    std::string looked_at_;     ///< when the last round looked: what was recorded before is sealed, or stuck
    std::string stuck_ = "{}";  ///< shards whose journal has a gap
    std::atomic<std::chrono::steady_clock::time_point> sealed_at_{std::chrono::steady_clock::now()};
    std::atomic<std::int64_t> unsealed_ = 0;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace ledger
