// What a node remembers of an account: enough to send requests to the right place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ledger {

struct Account {
    std::int64_t id = 0;
    std::int16_t shard = 0;
    std::int32_t epoch = 0;  ///< of its addresses when it was looked up; the posting function compares it
    std::string domain;

    /// As the posting functions take it; null: the address does not matter, because something else led here.
    [[nodiscard]] std::optional<std::int64_t> epoch_to_compare() const {
        return epoch > 0 ? std::optional(std::int64_t{epoch}) : std::nullopt;
    }
};

using AccountPtr = std::shared_ptr<const Account>;

}  // namespace ledger
