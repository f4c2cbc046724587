// Refusals of the ledger as faults of Parlay X Payment.
#include "payment/faults.hpp"

namespace payment {
namespace {

frontend::Refused invalid_part(const char* part) { return {soap::Fault::service("SVC0002", {part})}; }
frontend::Refused invalid_charge() { return {soap::Fault::service("SVC0007")}; }
frontend::Refused not_applied() { return {soap::Fault::service("SVC0270")}; }
frontend::Refused coded(frontend::Code code) { return {frontend::fault(code)}; }

}  // namespace

frontend::Refused refused(ledger::Refusal refusal) {
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
        case unknown_charge:
            return invalid_part("originalReferenceCode");
        case invalid_period:
            return invalid_part("period");
        case unknown_hold:
            return invalid_part("reservationIdentifier");
        case invalid_text:
            return invalid_part("charge");
        case no_tariff:
            return invalid_part("volume");
        case invalid_parameters:
            return invalid_part("parameters");
        case wrong_unit:
        case not_positive:
        case too_many_decimals:
        case too_large:
        case balance_limit:
        case invalid_shares:
        case unknown_price:
        case excess_give_back:
            return invalid_charge();
        case account_suspended:
        case insufficient_funds:
        case beyond_hold:
        case beyond_charge:
            return not_applied();
        case refund_not_linked:
            return coded(frontend::Code::not_allowed);
        case overloaded:
            return frontend::try_again(frontend::Code::overloaded);
        case unavailable:
            return frontend::try_again(frontend::Code::database_unavailable);
        case unknown_voucher:  // no operation of Payment takes vouchers
        case voucher_redeemed:
        case voucher_expired:
        case voucher_blocked:
        case voucher_throttled:
        case internal:
            break;
    }
    return coded(frontend::Code::internal);
}

}  // namespace payment
