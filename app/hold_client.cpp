// Builds the messages of ReserveAmountCharging v2_1, sends them, explains the answers.
#include "app/hold_client.hpp"

#include "app/data_dir.hpp"
#include "payment/reserve_amount_messages.hpp"

#include <iostream>

namespace app {
namespace {

const soap::Endpoint reserve_amount_v2_1{&payment::reserve_amount_charging,
                                         &payment::reserve_amount_charging_versions[1]};
static_assert(payment::reserve_amount_charging_versions[1].name == "v2_1");

payment::ChargingInformation charge_of(const HoldOptions& options) {
    payment::ChargingInformation charge;
    charge.description = options.description;
    charge.currency = options.currency;
    charge.amount = base::Decimal::parse(options.amount);
    if (!charge.amount) throw PlainError("'" + options.amount + "' is no amount like 1.50");
    return charge;
}

int refused(const char* what, const soap::Fault& fault) {
    std::cerr << what << ": " << fault.faultstring() << '\n';
    return 1;
}

}  // namespace

int place_hold(const HoldOptions& options) {
    payment::ReserveAmount message;
    message.end_user = options.address;
    message.charge = charge_of(options);
    if (!options.balance.empty()) message.balance_type = options.balance;
    auto answer = ask(options, reserve_amount_v2_1, "reserveAmount", soap::Message::of(std::move(message)));
    if (answer.fault) return refused("Not reserved", *answer.fault);
    std::cout << answer.message.as<payment::ReservationResult>().result << '\n';
    return 0;
}

int capture_hold(const HoldOptions& options) {
    payment::ChargeReservedAmount message;
    message.reservation = options.reservation;
    message.charge = charge_of(options);
    message.reference_code = options.reference;
    const auto answer =
        ask(options, reserve_amount_v2_1, "chargeReservation", soap::Message::of(std::move(message)));
    if (answer.fault) return refused("Not charged", *answer.fault);
    std::cout << "Charged " << options.amount << ' ' << options.currency
              << " from the reservation, reference " << options.reference << ".\n";
    if (answer.replayed)
        std::cout << "This was done before under the same reference; nothing was posted now.\n";
    return 0;
}

int release_hold(const HoldOptions& options) {
    payment::ReleaseReservation message;
    message.reservation = options.reservation;
    const auto answer =
        ask(options, reserve_amount_v2_1, "releaseReservation", soap::Message::of(std::move(message)));
    if (answer.fault) return refused("Not released", *answer.fault);
    std::cout << "Released; what was left is free again.\n";
    return 0;
}

}  // namespace app
