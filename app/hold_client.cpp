// Builds the messages of ReserveAmountCharging and ReserveVolumeCharging v2_1, sends them, explains the
// answers.
#include "app/hold_client.hpp"

#include "app/data_dir.hpp"
#include "payment/reserve_amount_messages.hpp"
#include "payment/reserve_volume_messages.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>

namespace app {
namespace {

const soap::Endpoint reserve_amount_v2_1{&payment::reserve_amount_charging,
                                         &payment::reserve_amount_charging_versions[1]};
static_assert(payment::reserve_amount_charging_versions[1].name == "v2_1");

const soap::Endpoint reserve_volume_v2_1{&payment::reserve_volume_charging,
                                         &payment::reserve_volume_charging_versions[1]};
static_assert(payment::reserve_volume_charging_versions[1].name == "v2_1");

/// Currencies have three letters (ISO 4217); whatever else is counted is a volume.
bool of_volume(const HoldOptions& options) {
    const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    return options.unit.size() != 3 || !std::ranges::all_of(options.unit, letter);
}

std::int64_t volume_of(const HoldOptions& options) {
    const auto& text = options.amount;
    std::int64_t volume = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, volume);
    if (result.ec != std::errc() || result.ptr != end) {
        throw PlainError("'" + text + "' is no volume like 120");
    }
    return volume;
}

payment::ChargingInformation charge_of(const HoldOptions& options) {
    payment::ChargingInformation charge;
    charge.description = options.description;
    charge.currency = options.unit;
    charge.amount = base::Decimal::parse(options.amount);
    if (!charge.amount) throw PlainError("'" + options.amount + "' is no amount like 1.50");
    return charge;
}

SoapAnswer reserve(const HoldOptions& options) {
    const auto balance = options.balance.empty() ? std::nullopt : std::optional(options.balance);
    if (of_volume(options)) {
        payment::ReserveVolume message;
        message.end_user = options.address;
        message.volume = volume_of(options);
        message.billing_text = options.description;
        message.parameters.push_back({"unit", options.unit});
        message.balance_type = balance;
        return ask(options, reserve_volume_v2_1, "reserveVolume", soap::Message::of(std::move(message)));
    }
    payment::ReserveAmount message;
    message.end_user = options.address;
    message.charge = charge_of(options);
    message.balance_type = balance;
    return ask(options, reserve_amount_v2_1, "reserveAmount", soap::Message::of(std::move(message)));
}

SoapAnswer capture(const HoldOptions& options) {
    if (of_volume(options)) {
        payment::ChargeReservedVolume message;
        message.reservation = options.reservation;
        message.volume = volume_of(options);
        message.billing_text = options.description;
        message.reference_code = options.reference;
        return ask(options, reserve_volume_v2_1, "chargeReservation", soap::Message::of(std::move(message)));
    }
    payment::ChargeReservedAmount message;
    message.reservation = options.reservation;
    message.charge = charge_of(options);
    message.reference_code = options.reference;
    return ask(options, reserve_amount_v2_1, "chargeReservation", soap::Message::of(std::move(message)));
}

SoapAnswer release(const HoldOptions& options, const soap::Endpoint& endpoint) {
    payment::ReleaseReservation message;
    message.reservation = options.reservation;
    return ask(options, endpoint, "releaseReservation", soap::Message::of(std::move(message)));
}

}  // namespace

int place_hold(const HoldOptions& options) {
    auto answer = reserve(options);
    if (answer.fault) return refused("Not reserved", *answer.fault);
    std::cout << answer.message.as<payment::ReservationResult>().result << '\n';
    return 0;
}

int capture_hold(const HoldOptions& options) {
    const auto answer = capture(options);
    if (answer.fault) return refused("Not charged", *answer.fault);
    return done("Charged " + options.amount + ' ' + options.unit + " from the reservation, reference " +
                    options.reference + '.',
                answer.replayed);
}

int release_hold(const HoldOptions& options) {
    auto answer = release(options, reserve_amount_v2_1);
    // One interface does not know the other's reservations.
    if (answer.fault && answer.fault->id == "SVC0002") answer = release(options, reserve_volume_v2_1);
    if (answer.fault) return refused("Not released", *answer.fault);
    std::cout << "Released; what was left is free again.\n";
    return 0;
}

}  // namespace app
