// `ledgerline hold`, `capture` and `release`: a client of ReserveAmountCharging and ReserveVolumeCharging for
// people.
#pragma once

#include "app/soap_client.hpp"

#include <string>

namespace app {

struct HoldOptions : ClientOptions {
    std::string address;      ///< to hold on
    std::string reservation;  ///< what `hold` printed
    std::string amount;
    std::string unit;       ///< a currency, or what a volume is counted in
    std::string reference;  ///< of captures
    std::string balance;    ///< empty: the account's default
    std::string description;
};

// Each prints what it is told: 0 done, 1 refused. Throws PlainError when nobody could be asked, or when it is
// unknown what became of it.

/// Reserves an amount or a volume; prints the reservation's identifier and nothing else, for scripts.
int place_hold(const HoldOptions& options);
/// Charges against a reservation.
int capture_hold(const HoldOptions& options);
/// Ends a reservation: what is left of it is free again.
int release_hold(const HoldOptions& options);

}  // namespace app
