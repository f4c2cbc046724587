// What can be asked of the ledger, and what it answers.
#pragma once

#include "base/decimal.hpp"
#include "base/ids.hpp"
#include "ledger/account.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ledger {

/// An amount as the client gave it. Its unit decides what it is worth in minor units, and where the client
/// names no unit, the balance does: so it is converted where the balance is known, under the lock.
struct Amount {
    base::Decimal value;
    std::optional<std::string> unit;  ///< ISO 4217 code or service unit; absent: the balance's
};

/// Who asks, under which key, and what people shall read.
struct Origin {
    std::string application;  ///< the principal's name
    std::string reference;    ///< unique within application, account and operation
    std::string description;  ///< text for bills
    std::string code;         ///< charging code; may be empty
};

/// A hold's identifier: 128 random bits with the shard in front.
struct HoldId {
    std::int16_t shard = 0;
    base::Id128 id{};
    bool operator==(const HoldId&) const = default;
};

/// Absent balance types mean the account's default balance, or its spending order if that is on.
using BalanceType = std::optional<std::string>;

struct Charge {
    AccountPtr account;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
};

/// Gives back (part of) a charge or capture: the one named by `original_reference`, else the one with the
/// same reference. Without one, an unlinked refund goes to the named or default balance, if that is allowed.
struct Refund {
    AccountPtr account;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
    std::optional<std::string> original_reference;
    bool unlinked_allowed = false;
};

/// A request that was done, now or when it first came.
struct Receipt {
    bool replayed = false;        ///< the first answer again; nothing was posted now
    std::int64_t request_id = 0;  ///< numbers the shard's accepted requests in their order of effect
    std::optional<std::int64_t> journal_no;  ///< its first journal row; absent: it moved no money
    std::optional<HoldId> hold;
};

}  // namespace ledger
