// What both reserving interfaces say alike: a reservation's identifier, and its release.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1).
#pragma once

#include "payment/charging.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// releaseReservation, in all versions.
struct ReleaseReservation {
    std::string reservation;
    std::optional<std::string> balance_type;
    bool operator==(const ReleaseReservation&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ReleaseReservation> {
    using T = payment::ReleaseReservation;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReleaseReservation", Home::local, fields);
};

namespace payment {

/// The reservation's identifier.
struct ReservationResult {
    std::string result;
    bool operator==(const ReservationResult&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ReservationResult> {
    using T = payment::ReservationResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("ReservationResult", Home::local, fields);
};
