// Translates VolumeCharging messages into postings and outcomes back into messages.
#include "payment/volume_charging.hpp"

#include "payment/desk.hpp"
#include "payment/get_amount.hpp"
#include "payment/volume_terms.hpp"

#include <utility>

namespace payment {

using frontend::Call;

frontend::Service VolumeCharging::service() {
    using enum auth::Permission;
    frontend::Service service(volume_charging);
    service.serve<&VolumeCharging::charge_volume>(*this, "chargeVolume", payment_charge)
        .serve<&VolumeCharging::refund_volume>(*this, "refundVolume", payment_refund)
        .serve<&VolumeCharging::get_amount_v20>(*this, "getAmount", payment_charge)
        .serve<&VolumeCharging::get_amount>(*this, "getAmount", payment_charge)
        .serve<&VolumeCharging::charge_split_volume>(*this, "chargeSplitVolume", payment_charge);
    return service;
}

VolumeCharging::Handled<soap::Empty> VolumeCharging::charge_volume(const Call& call, ChargeVolume request) {
    auto terms = volume_terms(request.volume, std::move(request.parameters), std::move(request.balance_type));
    if (!terms) co_return refused(terms.error(), Measure::volume);
    ledger::ChargeVolume charge;
    charge.origin = origin(call, std::move(request.reference_code), std::move(request.billing_text));
    charge.volume = std::move(terms->volume);
    charge.balance_type = std::move(terms->balance_type);
    auto outcome = co_await post(ledger_, call, std::move(request.end_user), std::move(charge),
                                 &ledger::Ledger::charge_volume);
    co_return empty_answer(std::move(outcome));
}

VolumeCharging::Handled<soap::Empty> VolumeCharging::refund_volume(const Call& call, RefundVolume request) {
    auto terms = refund_terms(request.volume, std::move(request.parameters), std::move(request.balance_type),
                              std::move(request.original_reference_code));
    if (!terms) co_return refused(terms.error(), Measure::volume);
    ledger::RefundVolume refund;
    refund.origin = origin(call, std::move(request.reference_code), std::move(request.billing_text));
    refund.volume = std::move(terms->volume);
    refund.balance_type = std::move(terms->balance_type);
    refund.original_reference = std::move(terms->original_reference);
    auto outcome = co_await post(ledger_, call, std::move(request.end_user), std::move(refund),
                                 &ledger::Ledger::refund_volume);
    co_return empty_answer(std::move(outcome));
}

VolumeCharging::Handled<soap::Empty> VolumeCharging::charge_split_volume(const Call& call,
                                                                         ChargeSplitVolume request) {
    auto terms = volume_terms(request.volume, std::move(request.parameters), std::move(request.balance_type));
    if (!terms) co_return refused(terms.error(), Measure::volume);
    ledger::SplitVolume split;
    split.origin = origin(call, std::move(request.reference_code), std::move(request.billing_text));
    split.volume = std::move(terms->volume);
    split.balance_type = std::move(terms->balance_type);
    auto outcome = co_await post_split(ledger_, call, std::move(request.split_info), std::move(split),
                                       &ledger::Ledger::split_volume);
    co_return empty_answer(std::move(outcome));
}

VolumeCharging::Handled<GetAmountResult> VolumeCharging::get_amount(const Call& call, GetAmount request) {
    return payment::get_amount(ledger_, style_, call, std::move(request));
}

VolumeCharging::Handled<GetAmountResultV20> VolumeCharging::get_amount_v20(const Call& call,
                                                                           GetAmount request) {
    return payment::get_amount_v20(ledger_, style_, call, std::move(request));
}

}  // namespace payment
