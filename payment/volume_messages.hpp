// VolumeCharging on the wire: its messages in three versions, and getAmount, which ReserveVolumeCharging has
// too.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1).
#pragma once

#include "payment/charging.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// chargeVolume: what the volume costs is taken. The volume counts in the unit that a parameter `unit` names.
struct ChargeVolume {
    std::string end_user;
    std::int64_t volume = 0;
    std::string billing_text;
    std::string reference_code;
    std::vector<Property> parameters;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeVolume&) const = default;
};

/// refundVolume; it may name the charge that it gives back, if that has another reference.
struct RefundVolume {
    std::string end_user;
    std::int64_t volume = 0;
    std::string billing_text;
    std::string reference_code;
    std::vector<Property> parameters;
    std::optional<std::string> balance_type;
    std::optional<std::string> original_reference_code;
    bool operator==(const RefundVolume&) const = default;
};

/// chargeSplitVolume (v3).
struct ChargeSplitVolume {
    std::vector<SplitType> split_info;
    std::int64_t volume = 0;
    std::string billing_text;
    std::string reference_code;
    std::vector<Property> parameters;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeSplitVolume&) const = default;
};

/// getAmount: what would a volume cost now? Nothing is charged.
struct GetAmount {
    std::string end_user;
    std::int64_t volume = 0;
    std::vector<Property> parameters;
    std::optional<std::string> balance_type;
    bool operator==(const GetAmount&) const = default;
};

/// Its answer since v2_1.
struct GetAmountResult {
    ChargingInformation result;
    bool operator==(const GetAmountResult&) const = default;
};

/// Its answer in v2_0: the amount alone.
struct GetAmountResultV20 {
    base::Decimal result;
    bool operator==(const GetAmountResultV20&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ChargeVolume> {
    using T = payment::ChargeVolume;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),
        field<&T::reference_code>("referenceCode"),
        field<&T::parameters>("parameters", {.versions = payment::since_v2_1}),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeVolume", Home::local, fields);
};

template <>
struct soap::Describe<payment::RefundVolume> {
    using T = payment::RefundVolume;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),
        field<&T::reference_code>("referenceCode"),
        field<&T::parameters>("parameters", {.versions = payment::since_v2_1}),
        field<&T::balance_type>("balanceType"),
        field<&T::original_reference_code>("originalReferenceCode"),
    };
    static constexpr Type type = complex_type<T>("RefundVolume", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeSplitVolume> {
    using T = payment::ChargeSplitVolume;
    static constexpr Field fields[]{
        field<&T::split_info>("splitInfo", {.min = 1}),
        field<&T::volume>("volume"),
        field<&T::billing_text>("billingText"),
        field<&T::reference_code>("referenceCode"),
        field<&T::parameters>("parameters", {.versions = payment::since_v2_1}),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeSplitVolume", Home::local, fields);
};

template <>
struct soap::Describe<payment::GetAmount> {
    using T = payment::GetAmount;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::volume>("volume"),
        field<&T::parameters>("parameters", {.versions = payment::since_v2_1}),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("GetAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::GetAmountResult> {
    using T = payment::GetAmountResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("GetAmountResult", Home::local, fields);
};

template <>
struct soap::Describe<payment::GetAmountResultV20> {
    using T = payment::GetAmountResultV20;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("GetAmountResultV20", Home::local, fields);
};

namespace payment {

inline constexpr soap::Version volume_charging_versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/payment/volume_charging/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/volume_charging/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/volume_charging/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/volume_charging/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable volume_charging_operations[]{
    soap::operation<ChargeVolume>("chargeVolume"),
    soap::operation<RefundVolume>("refundVolume"),
    soap::operation<GetAmount, GetAmountResultV20>("getAmount", v2_0_only),
    soap::operation<GetAmount, GetAmountResult>("getAmount", since_v2_1),
    soap::operation<ChargeSplitVolume>("chargeSplitVolume", since_v3),
};

inline constexpr soap::Interface volume_charging{.name = "VolumeCharging",
                                                 .file_base = "parlayx_payment_volume_charging",
                                                 .versions = volume_charging_versions,
                                                 .operations = volume_charging_operations};

}  // namespace payment
