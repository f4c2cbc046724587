// Where an account lives: the shard as a function of its id, written out here and in SQL (ledger.slot_of).
#pragma once

#include "base/sql.hpp"

#include <cstdint>
#include <vector>

namespace ledger {

/// The hash slot of an account id among `slots`.
[[nodiscard]] constexpr std::int16_t slot_of(std::int64_t account, std::int64_t slots) {
    return static_cast<std::int16_t>(((account % 2147483647 * 1103515245 + 12345) % 4294967296 >> 16) %
                                     slots);
}

/// The shard values by slot, fixed when the database was made.
class Shards {
  public:
    /// Reads ledger.shard. Throws std::runtime_error when the database has another number of shards than
    /// `expected` (setting ledger.shards): ids would be looked for in the wrong place.
    Shards(base::sql::Session& session, std::size_t expected);

    [[nodiscard]] std::int16_t of(std::int64_t account) const {
        return by_slot_[static_cast<std::size_t>(
            slot_of(account, static_cast<std::int64_t>(by_slot_.size())))];
    }
    [[nodiscard]] const std::vector<std::int16_t>& all() const { return by_slot_; }
    /// Whether they are spread over a cluster (migrations/distributed).
    [[nodiscard]] bool distributed() const { return distributed_; }

  private:
    std::vector<std::int16_t> by_slot_;
    bool distributed_;
};

}  // namespace ledger
