// Refusals of the ledger as faults of Parlay X Account Management.
#include "accountmgmt/faults.hpp"

namespace accountmgmt {
namespace {

frontend::Refused invalid_part(const char* part) { return {soap::Fault::service("SVC0002", {part})}; }

}  // namespace

frontend::Refused refused(ledger::Refusal refusal, const std::string& voucher) {
    using enum ledger::Refusal;
    switch (refusal) {
        case unknown_account:
        case stale_address:
        case account_closed:
            return invalid_part("endUserIdentifier");
        case unknown_balance:
            return invalid_part("balanceType");
        case reference_conflict:
        case invalid_reference:
            return invalid_part("referenceCode");
        case invalid_period:
            return invalid_part("period");
        case wrong_unit:
        case not_positive:
        case too_many_decimals:
        case too_large:
        case balance_limit:
            return invalid_part("amount");
        case unknown_voucher:
        case voucher_redeemed:
        case voucher_expired:
        case voucher_blocked:
            return {soap::Fault::service("SVC0251", {voucher})};
        case voucher_throttled:
            return {frontend::fault(frontend::Code::over_limit)};
        case overloaded:
            return frontend::try_again(frontend::Code::overloaded);
        case unavailable:
            return frontend::try_again(frontend::Code::database_unavailable);
        case account_suspended:  // takes credits
        case insufficient_funds:
        case unknown_hold:
        case beyond_hold:
        case excess_give_back:
        case unknown_charge:
        case beyond_charge:
        case refund_not_linked:
        case invalid_shares:
        case invalid_parameters:
        case unknown_price:
        case no_tariff:
        case invalid_text:
        case internal:
            break;
    }
    return {frontend::fault(frontend::Code::internal)};
}

}  // namespace accountmgmt
