// AmountCharging on the wire: its messages in three versions.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1).
#pragma once

#include "payment/charging.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// chargeAmount since v2_1.
struct ChargeAmount {
    std::string end_user;
    ChargingInformation charge;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeAmount&) const = default;
};

/// refundAmount since v2_1; it may name the charge that it gives back, if that has another reference.
struct RefundAmount {
    std::string end_user;
    ChargingInformation charge;
    std::string reference_code;
    std::optional<std::string> balance_type;
    std::optional<std::string> original_reference_code;
    bool operator==(const RefundAmount&) const = default;
};

/// chargeSplitAmount (v3).
struct ChargeSplitAmount {
    std::vector<SplitType> split_info;
    ChargingInformation charge;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeSplitAmount&) const = default;
};

/// chargeAmount in v2_0: an amount without currency or code, and the bill's text.
struct ChargeAmountV20 {
    std::string end_user;
    base::Decimal amount;
    std::string billing_text;
    std::string reference_code;
    std::optional<std::string> balance_type;
    bool operator==(const ChargeAmountV20&) const = default;
};

/// refundAmount in v2_0.
struct RefundAmountV20 {
    std::string end_user;
    base::Decimal amount;
    std::string billing_text;
    std::string reference_code;
    std::optional<std::string> balance_type;
    std::optional<std::string> original_reference_code;
    bool operator==(const RefundAmountV20&) const = default;
};

}  // namespace payment

template <>
struct soap::Describe<payment::ChargeAmount> {
    using T = payment::ChargeAmount;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::charge>("charge"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::RefundAmount> {
    using T = payment::RefundAmount;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::charge>("charge"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
        field<&T::original_reference_code>("originalReferenceCode"),
    };
    static constexpr Type type = complex_type<T>("RefundAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeSplitAmount> {
    using T = payment::ChargeSplitAmount;
    static constexpr Field fields[]{
        field<&T::split_info>("splitInfo", {.min = 1}),
        field<&T::charge>("charge"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeSplitAmount", Home::local, fields);
};

template <>
struct soap::Describe<payment::ChargeAmountV20> {
    using T = payment::ChargeAmountV20;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::amount>("amount"),
        field<&T::billing_text>("billingText"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
    };
    static constexpr Type type = complex_type<T>("ChargeAmountV20", Home::local, fields);
};

template <>
struct soap::Describe<payment::RefundAmountV20> {
    using T = payment::RefundAmountV20;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::amount>("amount"),
        field<&T::billing_text>("billingText"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
        field<&T::original_reference_code>("originalReferenceCode"),
    };
    static constexpr Type type = complex_type<T>("RefundAmountV20", Home::local, fields);
};

namespace payment {

inline constexpr soap::Version amount_charging_versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/payment/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/payment/amount_charging/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable amount_charging_operations[]{
    soap::operation<ChargeAmountV20>("chargeAmount", v2_0_only),
    soap::operation<RefundAmountV20>("refundAmount", v2_0_only),
    soap::operation<ChargeAmount>("chargeAmount", since_v2_1),
    soap::operation<RefundAmount>("refundAmount", since_v2_1),
    soap::operation<ChargeSplitAmount>("chargeSplitAmount", since_v3),
};

inline constexpr soap::Interface amount_charging{.name = "AmountCharging",
                                                 .file_base = "parlayx_payment_amount_charging",
                                                 .versions = amount_charging_versions,
                                                 .operations = amount_charging_operations};

}  // namespace payment
