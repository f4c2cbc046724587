// Translates AmountCharging messages into postings and outcomes back into messages.
#include "payment/amount_charging.hpp"

#include "payment/desk.hpp"

#include <utility>

namespace payment {

using frontend::Call;

frontend::Service AmountCharging::service() {
    using enum auth::Permission;
    frontend::Service service(amount_charging);
    service.serve<&AmountCharging::charge_amount_v20>(*this, "chargeAmount", payment_charge)
        .serve<&AmountCharging::refund_amount_v20>(*this, "refundAmount", payment_refund)
        .serve<&AmountCharging::charge_amount>(*this, "chargeAmount", payment_charge)
        .serve<&AmountCharging::refund_amount>(*this, "refundAmount", payment_refund)
        .serve<&AmountCharging::charge_split_amount>(*this, "chargeSplitAmount", payment_charge);
    return service;
}

AmountCharging::Handled<soap::Empty> AmountCharging::charge_amount(const Call& call, ChargeAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Charge charge;
    charge.origin = origin(call, std::move(request.reference_code), request.charge);
    charge.amount = std::move(*amount);
    charge.balance_type = std::move(request.balance_type);
    auto outcome =
        co_await post(ledger_, call, std::move(request.end_user), std::move(charge), &ledger::Ledger::charge);
    co_return empty_answer(std::move(outcome));
}

AmountCharging::Handled<soap::Empty> AmountCharging::refund_amount(const Call& call, RefundAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Refund refund;
    refund.origin = origin(call, std::move(request.reference_code), request.charge);
    refund.amount = std::move(*amount);
    refund.balance_type = std::move(request.balance_type);
    refund.original_reference = std::move(request.original_reference_code);
    auto outcome =
        co_await post(ledger_, call, std::move(request.end_user), std::move(refund), &ledger::Ledger::refund);
    co_return empty_answer(std::move(outcome));
}

AmountCharging::Handled<soap::Empty> AmountCharging::charge_split_amount(const Call& call,
                                                                         ChargeSplitAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Split split;
    split.origin = origin(call, std::move(request.reference_code), request.charge);
    split.amount = std::move(*amount);
    split.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_split(ledger_, call, std::move(request.split_info), std::move(split),
                                       &ledger::Ledger::split);
    co_return empty_answer(std::move(outcome));
}

AmountCharging::Handled<soap::Empty> AmountCharging::charge_amount_v20(const Call& call,
                                                                       ChargeAmountV20 old) {
    ChargeAmount request{std::move(old.end_user),
                         charging_information(old.amount, std::move(old.billing_text)),
                         std::move(old.reference_code), std::move(old.balance_type)};
    return charge_amount(call, std::move(request));
}

AmountCharging::Handled<soap::Empty> AmountCharging::refund_amount_v20(const Call& call,
                                                                       RefundAmountV20 old) {
    RefundAmount request{
        std::move(old.end_user), charging_information(old.amount, std::move(old.billing_text)),
        std::move(old.reference_code), std::move(old.balance_type), std::move(old.original_reference_code)};
    return refund_amount(call, std::move(request));
}

}  // namespace payment
