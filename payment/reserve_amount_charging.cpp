// Translates ReserveAmountCharging messages into holds and outcomes back into messages.
#include "payment/reserve_amount_charging.hpp"

#include "payment/desk.hpp"

#include <utility>

namespace payment {

using frontend::Call;

frontend::Service ReserveAmountCharging::service() {
    constexpr auto permission = auth::Permission::payment_reserve;
    frontend::Service service(reserve_amount_charging);
    service.serve<&ReserveAmountCharging::reserve_v20>(*this, "reserveAmount", permission)
        .serve<&ReserveAmountCharging::reserve_additional_v20>(*this, "reserveAdditionalAmount", permission)
        .serve<&ReserveAmountCharging::charge_v20>(*this, "chargeReservation", permission)
        .serve<&ReserveAmountCharging::reserve>(*this, "reserveAmount", permission)
        .serve<&ReserveAmountCharging::reserve_additional>(*this, "reserveAdditionalAmount", permission)
        .serve<&ReserveAmountCharging::charge>(*this, "chargeReservation", permission)
        .serve<&ReserveAmountCharging::release>(*this, "releaseReservation", permission);
    return service;
}

ReserveAmountCharging::Handled<ReservationResult> ReserveAmountCharging::reserve(const Call& call,
                                                                                 ReserveAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Place place;
    place.origin = origin(call, key_of(call, ledger_.reference_bytes_max()), request.charge);
    place.amount = std::move(*amount);
    place.balance_type = std::move(request.balance_type);
    auto outcome =
        co_await post(ledger_, call, std::move(request.end_user), std::move(place), &ledger::Ledger::place);
    co_return reservation_answer(std::move(outcome));
}

ReserveAmountCharging::Handled<soap::Empty> ReserveAmountCharging::reserve_additional(
    const Call& call, ReserveAdditionalAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Extend extend;
    extend.origin = origin(call, key_of(call, ledger_.reference_bytes_max()), request.charge);
    extend.amount = std::move(*amount);
    extend.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::amount,
                                         std::move(extend), &ledger::Ledger::extend);
    co_return empty_answer(std::move(outcome));
}

ReserveAmountCharging::Handled<soap::Empty> ReserveAmountCharging::charge(const Call& call,
                                                                          ChargeReservedAmount request) {
    auto amount = amount_of(request.charge, style_.is_minor(*call.principal));
    if (!amount) co_return refused(no_amount);
    ledger::Capture capture;
    capture.origin = origin(call, std::move(request.reference_code), request.charge);
    capture.amount = std::move(*amount);
    capture.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::amount,
                                         std::move(capture), &ledger::Ledger::capture);
    co_return empty_answer(std::move(outcome));
}

ReserveAmountCharging::Handled<soap::Empty> ReserveAmountCharging::release(const Call& call,
                                                                           ReleaseReservation request) {
    ledger::Release release;
    release.origin = origin(call, key_of(call, ledger_.reference_bytes_max()), "");
    release.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::amount,
                                         std::move(release), &ledger::Ledger::release);
    co_return empty_answer(std::move(outcome));
}

ReserveAmountCharging::Handled<ReservationResult> ReserveAmountCharging::reserve_v20(const Call& call,
                                                                                     ReserveAmountV20 old) {
    ReserveAmount request{std::move(old.end_user),
                          charging_information(old.amount, std::move(old.billing_text)),
                          std::move(old.balance_type)};
    return reserve(call, std::move(request));
}

ReserveAmountCharging::Handled<soap::Empty> ReserveAmountCharging::reserve_additional_v20(
    const Call& call, ReserveAdditionalAmountV20 old) {
    ReserveAdditionalAmount request{std::move(old.reservation),
                                    charging_information(old.amount, std::move(old.billing_text)),
                                    std::move(old.balance_type)};
    return reserve_additional(call, std::move(request));
}

ReserveAmountCharging::Handled<soap::Empty> ReserveAmountCharging::charge_v20(const Call& call,
                                                                              ChargeReservedAmountV20 old) {
    ChargeReservedAmount request{std::move(old.reservation),
                                 charging_information(old.amount, std::move(old.billing_text)),
                                 std::move(old.reference_code), std::move(old.balance_type)};
    return charge(call, std::move(request));
}

}  // namespace payment
