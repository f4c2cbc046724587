// ReserveAmountCharging on the wire: its messages in three versions.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1).
#pragma once

#include "payment/reservation_messages.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// reserveAmount since v2_1.
struct ReserveAmount {
    std::string end_user;
    ChargingInformation charge;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveAmount&) const = default;
};

/// reserveAdditionalAmount since v2_1: a negative amount gives back.
struct ReserveAdditionalAmount {
    std::string reservation;
    ChargingInformation charge;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveAdditionalAmount&) const = default;
};

/// chargeReservation since v2_1.
struct ChargeReservedAmount {
    std::string reservation;
    ChargingInformation charge;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeReservedAmount&) const = default;
};

/// reserveAmount in v2_0.
struct ReserveAmountV20 {
    std::string end_user;
    base::Decimal amount;
    std::string billing_text;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveAmountV20&) const = default;
};

/// reserveAdditionalAmount in v2_0.
struct ReserveAdditionalAmountV20 {
    std::string reservation;
    base::Decimal amount;
    std::string billing_text;
    std::optional<std::string> balance_type;
    bool operator==(const ReserveAdditionalAmountV20&) const = default;
};

/// chargeReservation in v2_0.
struct ChargeReservedAmountV20 {
    std::string reservation;
    base::Decimal amount;
    std::string billing_text;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeReservedAmountV20&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ReserveAmount> {
    using T = payment::ReserveAmount;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::charge>("charge"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::ReserveAdditionalAmount> {
    using T = payment::ReserveAdditionalAmount;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"),
        field<&T::charge>("charge"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveAdditionalAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeReservedAmount> {
    using T = payment::ChargeReservedAmount;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"),
        field<&T::charge>("charge"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeReservedAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::ReserveAmountV20> {
    using T = payment::ReserveAmountV20;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::amount>("amount"),
        field<&T::billing_text>("billingText"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveAmountV20", Home::local, fields);
};

template <>
struct soap::Describe<payment::ReserveAdditionalAmountV20> {
    using T = payment::ReserveAdditionalAmountV20;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"),
        field<&T::amount>("amount"),
        field<&T::billing_text>("billingText"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ReserveAdditionalAmountV20", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeReservedAmountV20> {
    using T = payment::ChargeReservedAmountV20;
    static constexpr Field fields[]{
        field<&T::reservation>("reservationIdentifier"), field<&T::amount>("amount"),
        field<&T::billing_text>("billingText"),          field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeReservedAmountV20", Home::local, fields);
};

namespace payment {

inline constexpr soap::Version reserve_amount_charging_versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_amount_charging/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_amount_charging/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/reserve_amount_charging/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/reserve_amount_charging/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable reserve_amount_charging_operations[]{
    soap::operation<ReserveAmountV20, ReservationResult>("reserveAmount", v2_0_only),
    soap::operation<ReserveAdditionalAmountV20>("reserveAdditionalAmount", v2_0_only),
    soap::operation<ChargeReservedAmountV20>("chargeReservation", v2_0_only),
    soap::operation<ReserveAmount, ReservationResult>("reserveAmount", since_v2_1),
    soap::operation<ReserveAdditionalAmount>("reserveAdditionalAmount", since_v2_1),
    soap::operation<ChargeReservedAmount>("chargeReservation", since_v2_1),
    soap::operation<ReleaseReservation>("releaseReservation"),
};

inline constexpr soap::Interface reserve_amount_charging{
    .name = "ReserveAmountCharging",
    .file_base = "parlayx_payment_reserve_amount_charging",
    .versions = reserve_amount_charging_versions,
    .operations = reserve_amount_charging_operations};

}  // namespace payment
