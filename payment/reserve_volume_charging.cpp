// Translates ReserveVolumeCharging messages into holds and outcomes back into messages.
#include "payment/reserve_volume_charging.hpp"

#include "payment/desk.hpp"
#include "payment/get_amount.hpp"
#include "payment/volume_terms.hpp"

#include <utility>

namespace payment {

using frontend::Call;

frontend::Service ReserveVolumeCharging::service() {
    constexpr auto permission = auth::Permission::payment_reserve;
    frontend::Service service(reserve_volume_charging);
    service.serve<&ReserveVolumeCharging::get_amount_v20>(*this, "getAmount", permission)
        .serve<&ReserveVolumeCharging::get_amount>(*this, "getAmount", permission)
        .serve<&ReserveVolumeCharging::reserve>(*this, "reserveVolume", permission)
        .serve<&ReserveVolumeCharging::reserve_additional>(*this, "reserveAdditionalVolume", permission)
        .serve<&ReserveVolumeCharging::charge>(*this, "chargeReservation", permission)
        .serve<&ReserveVolumeCharging::release>(*this, "releaseReservation", permission);
    return service;
}

ReserveVolumeCharging::Handled<GetAmountResult> ReserveVolumeCharging::get_amount(const Call& call,
                                                                                  GetAmount request) {
    return payment::get_amount(ledger_, style_, call, std::move(request));
}

ReserveVolumeCharging::Handled<GetAmountResultV20> ReserveVolumeCharging::get_amount_v20(const Call& call,
                                                                                         GetAmount request) {
    return payment::get_amount_v20(ledger_, style_, call, std::move(request));
}

ReserveVolumeCharging::Handled<ReservationResult> ReserveVolumeCharging::reserve(const Call& call,
                                                                                 ReserveVolume request) {
    auto terms = volume_terms(request.volume, std::move(request.parameters), std::move(request.balance_type));
    if (!terms) co_return refused(terms.error(), Measure::volume);
    ledger::PlaceVolume place;
    place.origin = origin(call, key_of(call, ledger_.reference_bytes_max()), std::move(request.billing_text));
    place.volume = std::move(terms->volume);
    place.balance_type = std::move(terms->balance_type);
    auto outcome = co_await post(ledger_, call, std::move(request.end_user), std::move(place),
                                 &ledger::Ledger::place_volume);
    co_return reservation_answer(std::move(outcome));
}

ReserveVolumeCharging::Handled<soap::Empty> ReserveVolumeCharging::reserve_additional(
    const Call& call, ReserveAdditionalVolume request) {
    ledger::ExtendVolume extend;
    extend.origin =
        origin(call, key_of(call, ledger_.reference_bytes_max()), std::move(request.billing_text));
    extend.volume = request.volume;
    extend.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::volume,
                                         std::move(extend), &ledger::Ledger::extend_volume);
    co_return empty_answer(std::move(outcome));
}

ReserveVolumeCharging::Handled<soap::Empty> ReserveVolumeCharging::charge(const Call& call,
                                                                          ChargeReservedVolume request) {
    ledger::CaptureVolume capture;
    capture.origin = origin(call, std::move(request.reference_code), std::move(request.billing_text));
    capture.volume = request.volume;
    capture.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::volume,
                                         std::move(capture), &ledger::Ledger::capture_volume);
    co_return empty_answer(std::move(outcome));
}

ReserveVolumeCharging::Handled<soap::Empty> ReserveVolumeCharging::release(const Call& call,
                                                                           ReleaseReservation request) {
    ledger::Release release;
    release.origin = origin(call, key_of(call, ledger_.reference_bytes_max()), "");
    release.balance_type = std::move(request.balance_type);
    auto outcome = co_await post_on_hold(ledger_, call, std::move(request.reservation), Measure::volume,
                                         std::move(release), &ledger::Ledger::release);
    co_return empty_answer(std::move(outcome));
}

}  // namespace payment
