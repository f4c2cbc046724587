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
    bool by_code = false;             ///< what the origin's code costs; `value` says nothing then
    bool minor = false;               ///< `value` counts minor units: 150 for 1.50 EUR
};

/// A hint for rating: the names unit, contract, service and operation select a tariff; others only make
/// requests differ.
struct Property {
    std::string name;
    std::string value;
};

/// How much of something, as a volume operation gives it.
struct Volume {
    std::int64_t value = 0;
    std::vector<Property> parameters;
};

/// Who asks, under which key, and what people shall read.
struct Origin {
    std::string application;  ///< the principal's name
    std::string reference;    ///< unique within application, account and operation
    std::string description;  ///< text for bills
    std::string code;         ///< charging code; may be empty
    bool of_call = false;     ///< what a call costs: counted against the limit of those, too
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
    bool of_volume = false;  ///< a reservation of a volume: extend_volume and capture_volume use it, not
                             ///< extend and capture
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
    BalanceType balance_type{};  ///< if given, it must be the hold's
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

/// Takes what a volume costs. A balance that counts in the volume's unit is debited by the volume itself;
/// for others a tariff rates it: the application's own first.
struct ChargeVolume {
    AccountPtr account;
    Origin origin;
    Volume volume;
    BalanceType balance_type;
};

/// Gives back what a volume cost. Linked as a Refund is; of a charge or capture of a volume, by the tariff
/// that it was charged by, so that giving back all of it gives back all it cost.
struct RefundVolume {
    AccountPtr account;
    Origin origin;
    Volume volume;
    BalanceType balance_type;
    std::optional<std::string> original_reference;
    bool unlinked_allowed = false;
};

/// Reserves what a volume costs. The reference may be empty.
struct PlaceVolume {
    AccountPtr account;
    Origin origin;
    Volume volume;
    BalanceType balance_type;
};

/// Adds to a reservation of a volume, or gives back with a negative volume. The reference may be empty.
struct ExtendVolume {
    HoldPtr hold;
    Origin origin;
    std::int64_t volume = 0;
    BalanceType balance_type;  ///< if given, it must be the hold's
};

/// Charges against a reservation of a volume, by the tariff of its placing: all that was captured costs what
/// that volume costs at once, however many captures it takes.
struct CaptureVolume {
    HoldPtr hold;
    Origin origin;
    std::int64_t volume = 0;
    BalanceType balance_type;  ///< if given, it must be the hold's
};

/// What a volume costs, over several accounts by whole percents that add up to 100. The first account's
/// tariff rates it.
struct SplitVolume {
    std::vector<Split::Share> shares;
    Origin origin;
    Volume volume;
    BalanceType balance_type;
};

/// A question: what would this volume cost now?
struct RateVolume {
    AccountPtr account;
    std::string application;
    Volume volume;
    BalanceType balance_type;
};

/// What a volume costs.
struct Rated {
    base::Decimal amount;  ///< in major units
    std::string unit;      ///< of the amount: a currency, or the service unit that the balance counts
    int decimals = 0;      ///< of that unit
    std::optional<std::string> tariff;  ///< which one said so; absent: the balance counts volumes itself
};

/// Credits what a voucher is worth. The journal names its batch and a masked code, never the code.
struct Redeem {
    AccountPtr account;
    Origin origin;                   ///< its description and code are not used
    std::string code;                ///< as the subscriber typed it
    std::optional<std::string> pin;  ///< of vouchers that have one
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
