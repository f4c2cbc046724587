// The refusals in plain words.
#include "app/operator/refused.hpp"

namespace app {

Refused::Refused(ledger::Refusal refusal) : Refused(refusal, std::string(reason_of(refusal))) {}

namespace {

/// Why the ledger could not, or was not allowed to, look at the request itself.
std::string_view reason_of_failure(ledger::Refusal refusal) {
    using enum ledger::Refusal;
    if (refusal == over_limit) return "over a limit of the application; `ledgerline user limit` shows them";
    if (refusal == overloaded) return "the database is too busy; nothing was posted";
    if (refusal == unavailable)
        return "the database went away, perhaps before this; the same command again posts it once";
    return "a defect in ledgerline; the line above says which";
}

}  // namespace

std::string raised_text(const base::sql::Error& error) {
    std::string text = error.what();
    text = text.substr(0, text.find('\n'));
    constexpr std::string_view severity = "ERROR:";
    if (text.starts_with(severity)) text.erase(0, text.find_first_not_of(' ', severity.size()));
    return text;
}

std::string_view reason_of(ledger::Refusal refusal) {
    switch (refusal) {
        using enum ledger::Refusal;
        case unknown_account:
            return "no account has this address now";
        case stale_address:
            return "the address changed hands this very moment; try again";
        case account_closed:
            return "the account is closed";
        case account_suspended:
            return "the account is suspended: it takes credits and releases, no charges and no new holds";
        case unknown_balance:
            return "the account has no such balance; where none is named, it has none at all";
        case wrong_unit:
            return "the balance counts in another unit";
        case not_positive:
            return "the amount must be more than zero";
        case too_many_decimals:
            return "the amount has more decimals than its unit";
        case too_large:
            return "the amount is above the limit for one request ([ledger] max_amount)";
        case balance_limit:
            return "the balance would leave the range that the ledger keeps exact";
        case insufficient_funds:
            return "the balance has not enough available, its credit limit included";
        case reference_conflict:
            return "the reference was used before, for a request with other content";
        case unknown_hold:
            return "there is no such open hold";
        case beyond_hold:
            return "the hold has less than that left";
        case excess_give_back:
            return "the hold has less than that left to give back";
        case unknown_charge:
            return "nothing was posted under this application, operation and reference";
        case beyond_charge:
            return "less than that is left: some of it was given back or reversed before";
        case refund_not_linked:
            return "no charge has this reference";
        case invalid_period:
            return "the period is not a number of days from one to [ledger] period_limit";
        case invalid_shares:
            return "the shares are not 1 to 100 percent each and 100 together";
        case invalid_reference:
            return "the reference is empty, too long, or no text that the database can store";
        case invalid_parameters:
            return "the parameters are too many, unfit, or give one name two values";
        case unknown_price:
            return "the code has no price now; `ledgerline tariff price` gives it one";
        case no_tariff:
            return "no tariff rates such a volume now; `ledgerline tariff add` makes one";
        case unknown_voucher:
            return "no voucher of the account's domain has this code and PIN";
        case voucher_redeemed:
            return "the voucher was redeemed before";
        case voucher_expired:
            return "the voucher is valid no more";
        case voucher_blocked:
            return "the voucher is blocked";
        case voucher_throttled:
            return "too many wrong vouchers were tried on this account; try again later";
        case invalid_text:
            return "the description is too long, or no text that the database can store";
        case over_limit:
        case overloaded:
        case unavailable:
        case internal:
            break;
    }
    return reason_of_failure(refusal);
}

}  // namespace app
