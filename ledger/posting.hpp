// One element of a batch: a request in the terms of ledger.post_batch.
#pragma once

#include "base/ids.hpp"
#include "ledger/outcome.hpp"
#include "ledger/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledger {

enum class Operation : std::uint8_t { charge, refund, credit, hold, extend, capture, release };
[[nodiscard]] std::string_view to_string(Operation operation);

struct Posting {
    Operation operation = Operation::charge;
    AccountPtr account;
    std::int32_t application = 0;
    std::string reference;
    base::Id128 digest{};
    BalanceType balance_type;
    Amount amount;
    std::optional<HoldId> hold;
    std::string contra;  ///< revenue, funding, …; empty where no money moves
    std::optional<std::string> original_reference;
    bool unlinked_allowed = false;
    std::optional<std::int32_t> period_days;
    std::string code;
    std::string description;
    bool of_call = false;
};

/// A request on a hold is one on its account, whatever addresses that has had since: none is compared.
void aim_at(Posting& posting, const HoldFacts& hold);

/// BLAKE2b-128 over the money-relevant fields, after normalisation: account, balance type, amount (1.5
/// = 1.50), unit, code, hold, original reference, period. Not the description: a retry may word it
/// differently.
[[nodiscard]] base::Id128 digest_of(const Posting& posting);

/// An amount as the database takes it: a number beyond 64 bits is beyond every limit, in any unit, and 10^18
/// says so, with its sign.
[[nodiscard]] base::Decimal within_64_bits(const base::Decimal& value);

}  // namespace ledger
