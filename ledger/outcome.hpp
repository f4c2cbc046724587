// What can become of a request: a closed list, the same in SQL (ledger.outcome), here and in the table that
// turns it into faults.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ledger {

/// Why the ledger did not do what was asked. Nothing was changed, except where `unavailable` says otherwise.
enum class Refusal : std::uint8_t {
    unknown_account,  ///< no account has this address now
    stale_address,    ///< the address moved since it was looked up: look it up again
    account_closed,
    account_suspended,  ///< takes credits and releases, no charges and new holds
    unknown_balance,    ///< the account has no balance of this type
    wrong_unit,         ///< the currency is not the balance's
    not_positive,       ///< zero or less where money must move
    too_many_decimals,  ///< more than the currency has
    too_large,          ///< above ledger.max_amount
    balance_limit,      ///< the balance would leave the range that the ledger keeps exact
    insufficient_funds,
    reference_conflict,  ///< the reference was used for a request with other content
    unknown_hold,        ///< no open hold of this application on this account
    beyond_hold,         ///< a capture of more than is left
    excess_give_back,    ///< a negative extension by more than is left
    unknown_charge,      ///< the charge that the refund names does not exist
    beyond_charge,       ///< a refund of more than is not yet refunded
    refund_not_linked,   ///< no charge under this reference, and the caller may not refund without one
    invalid_period,      ///< a credit's period is not 1 to Options::period_days_max
    invalid_shares,      ///< a split's percents are not 1 to 100 each and 100 together
    invalid_reference,   ///< empty, too long, or text that PostgreSQL cannot store
    invalid_parameters,  ///< a volume's parameters: too many, unfit text, or a name with two values
    unknown_price,       ///< the code has no price now, for this application in this unit
    no_tariff,           ///< no tariff rates such a volume, and the balance does not count it itself
    unknown_voucher,     ///< no voucher of this domain has this code and PIN
    voucher_redeemed,    ///< it was redeemed before
    voucher_expired,
    voucher_blocked,    ///< the operator blocked it, or its batch
    voucher_throttled,  ///< too many wrong codes on this account lately
    invalid_text,       ///< a description, code or balance type that is too long or cannot be stored
    over_limit,         ///< over a limit of the application that asks
    overloaded,         ///< waited too long or found the queue full; not posted
    unavailable,  ///< the database is away; whether it was posted is known when the same key is sent again
    internal,     ///< a defect in here; the log says which
};

[[nodiscard]] std::span<const Refusal> all_refusals();

/// As the SQL type ledger.outcome spells it.
[[nodiscard]] std::string_view to_string(Refusal refusal);
[[nodiscard]] std::optional<Refusal> refusal_named(std::string_view name);

/// A value, or why there is none.
template <class T>
using Result = boost::system::result<T, Refusal>;

/// Found by boost::system::result when somebody asks a refusal for its value: a defect of the caller.
[[noreturn]] void throw_exception_from_error(Refusal refusal, const boost::source_location& where);

}  // namespace ledger
