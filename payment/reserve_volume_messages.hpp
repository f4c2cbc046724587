// ReserveVolumeCharging on the wire: its messages in three versions.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1).
#pragma once

#include "payment/reservation_messages.hpp"
#include "payment/volume_messages.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// reserveVolume.
struct ReserveVolume {
    std::string end_user;
    std::int64_t volume = 0;
    std::string billing_text;
    std::vector<Property> parameters;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveVolume&) const = default;
};

/// reserveAdditionalVolume: a negative volume gives back.
struct ReserveAdditionalVolume {
    std::string reservation;
    std::int64_t volume = 0;
    std::string billing_text;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveAdditionalVolume&) const = default;
};

/// chargeReservation of a volume.
struct ChargeReservedVolume {
    std::string reservation;
    std::int64_t volume = 0;
    std::string billing_text;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeReservedVolume&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ReserveVolume> {
    using T = payment::ReserveVolume;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),
        field<&T::parameters>("parameters", {.versions = payment::since_v2_1}),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveVolume", Home::local, fields);
};

template <>
struct soap::Describe<payment::ReserveAdditionalVolume> {
    using T = payment::ReserveAdditionalVolume;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"),
        field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveAdditionalVolume", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeReservedVolume> {
    using T = payment::ChargeReservedVolume;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"), field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),          field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeReservedVolume", Home::local, fields);
};

namespace payment {

inline constexpr soap::Version reserve_volume_charging_versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_volume_charging/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_volume_charging/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_volume_charging/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_volume_charging/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable reserve_volume_charging_operations[]{
    soap::operation<GetAmount, GetAmountResultV20>("getAmount", v2_0_only),
    soap::operation<GetAmount, GetAmountResult>("getAmount", since_v2_1),
    soap::operation<ReserveVolume, ReservationResult>("reserveVolume"),
    soap::operation<ReserveAdditionalVolume>("reserveAdditionalVolume"),
    soap::operation<ChargeReservedVolume>("chargeReservation"),
    soap::operation<ReleaseReservation>("releaseReservation"),
};

inline constexpr soap::Interface reserve_volume_charging{
    .name = "ReserveVolumeCharging",
    .file_base = "parlayx_payment_reserve_volume_charging",
    .versions = reserve_volume_charging_versions,
    .operations = reserve_volume_charging_operations};

}  // namespace payment
