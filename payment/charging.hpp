// The data types of Parlay X Payment, and the elements of ours that any request may carry.
//
// Sources: ES 202 391-6 (v2_0, v2_1), ES 202 504-6 (v3_1). The trailing optional elements balanceType and
// originalReferenceCode are ours; clients made from the original WSDLs never send them. Where an operation
// has `parameters`, a Property of the same name means the same.
#pragma once

#include "base/decimal.hpp"
#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <optional>
#include <string>
#include <vector>

namespace payment {

/// common:ChargingInformation. Either amount or code must say how much (otherwise SVC0007, which is the
/// ledger's to find). Empty currency, amount and code arrive absent.
struct ChargingInformation {
    std::string description;  ///< several entries (3GPP R9) are joined
    std::optional<std::string> currency;
    std::optional<base::Decimal> amount;
    std::optional<std::string> code;
    bool operator==(const ChargingInformation&) const = default;
};

/// types:Property, a hint for rating.
struct Property {
    std::string name;
    std::string value;
    bool operator==(const Property&) const = default;
};

/// types:SplitType: one payer's part of a split charge.
struct SplitType {
    std::string end_user;
    std::int32_t percent = 0;
    bool operator==(const SplitType&) const = default;
};

/// What a v2_0 message calls amount and billingText.
[[nodiscard]] inline ChargingInformation charging_information(const base::Decimal& amount,
                                                              std::string billing_text) {
    return {.description = std::move(billing_text), .currency = {}, .amount = amount, .code = {}};
}

inline constexpr soap::VersionRange v2_0_only{.until = {2, 0}};
inline constexpr soap::VersionRange since_v2_1{.since = {2, 1}};
inline constexpr soap::VersionRange since_v3{.since = {3, 0}};

}  // namespace payment

template <>
struct soap::Describe<payment::ChargingInformation> {
    using T = payment::ChargingInformation;
    static constexpr VersionRange v2_0{
        .until = {2, 0}};  // of the common schema: there every member is required
    static constexpr VersionRange later{.since = {2, 1}};
    static constexpr Field fields[]{
        field<&T::description>("description", {.join = true}),
        field<&T::currency>("currency", {.min = 1, .versions = v2_0}),
        field<&T::currency>("currency", {.versions = later}),
        field<&T::amount>("amount", {.min = 1, .versions = v2_0}),
        field<&T::amount>("amount", {.versions = later}),
        field<&T::code>("code", {.min = 1, .versions = v2_0}),
        field<&T::code>("code", {.versions = later}),
    };
    static constexpr Type type = complex_type<T>("ChargingInformation", Home::common, fields);
};

template <>
struct soap::Describe<payment::Property> {
    using T = payment::Property;
    static constexpr Field fields[]{
        field<&T::name>("name"),
        field<&T::value>("value"),
    };
    static constexpr Type type = complex_type<T>("Property", Home::types, fields);
};

template <>
struct soap::Describe<payment::SplitType> {
    using T = payment::SplitType;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::percent>("percent"),
    };
    static constexpr Type type = complex_type<T>("SplitType", Home::types, fields);
};
