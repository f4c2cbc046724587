// What can be asked of the ledger, and what it answers.
#pragma once

#include "base/decimal.hpp"
#include "base/ids.hpp"
#include "ledger/account.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

/// What never changes about a hold: whose it is.
struct HoldFacts {
    HoldId id;
    AccountPtr account;
    std::string application;                  ///< only it may use the hold
    std::optional<std::string> balance_type;  ///< the balance that was named when it was placed
};
using HoldPtr = std::shared_ptr<const HoldFacts>;

/// Adds to a balance. A balance that does not exist is made as its domain's balance type says.
struct Credit {
    AccountPtr account;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
    std::optional<std::int32_t>
        period_days;  ///< the balance lives at least so long from now; absent: no change
    std::string contra = "funding";
};

/// Reserves an amount. The reference may be empty: then the request is not repeatable by its sender.
struct Place {
    AccountPtr account;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
};

/// Adds to a hold, or gives back with a negative amount. The reference may be empty.
struct Extend {
    HoldPtr hold;
    Origin origin;
    Amount amount;
    BalanceType balance_type;  ///< if given, it must be the hold's
};

/// Charges against a hold; what is left stays reserved.
struct Capture {
    HoldPtr hold;
    Origin origin;
    Amount amount;
    BalanceType balance_type;  ///< if given, it must be the hold's
};

/// Ends a hold and gives back what is left. The reference may be empty.
struct Release {
    HoldPtr hold;
    Origin origin;
};

/// Corrects a balance: positive adds, negative takes; the operator's.
struct Adjust {
    AccountPtr account;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
};

/// Moves an amount between two balances, of one account or of two.
struct Transfer {
    AccountPtr from, to;
    BalanceType from_balance, to_balance;
    Origin origin;
    Amount amount;
};

/// One charge over several accounts by whole percents that add up to 100.
struct Split {
    struct Share {
        AccountPtr account;
        std::int32_t percent = 0;
    };
    std::vector<Share> shares;
    Origin origin;
    Amount amount;
    BalanceType balance_type;
};

/// Undoes a request as it was; the operator's.
struct Reverse {
    AccountPtr account;
    Origin origin;               ///< of the reversal
    std::string of_application;  ///< who made the request that is undone …
    std::string of_operation;    ///< … which one, as ledger.operation spells it …
    std::string of_reference;    ///< … and its reference
};

/// A request that was done, now or when it first came.
struct Receipt {
    bool replayed = false;        ///< the first answer again; nothing was posted now
    std::int64_t request_id = 0;  ///< numbers the shard's accepted requests in their order of effect
    std::optional<std::int64_t> journal_no;  ///< its first journal row; absent: it moved no money
    std::optional<HoldId> hold;
};

}  // namespace ledger
