// What a node remembers of an account: enough to send requests to the right place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace ledger {

struct Account {
    std::int64_t id = 0;
    std::int16_t shard = 0;
    std::int32_t epoch = 0;  ///< of its addresses when it was looked up; the posting function compares it
    std::string domain;
};

using AccountPtr = std::shared_ptr<const Account>;

}  // namespace ledger
