// AccountManagement on the wire: its messages in five versions. Until v2_1 an account has one balance, from
// v2_2 on it has several, each of a type.
//
// Sources: ES 202 391-7 V1.1.1 (v2_0, v2_1), V1.2.1 clause 8 (v2_2), ES 202 504-7 (v3_0, v3_1; it is not
// known which of the two the original is).
#pragma once

#include "base/decimal.hpp"
#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace accountmgmt {

/// The request of getBalance, getCreditExpiryDate and getBalanceTypes.
struct AccountQuestion {
    std::string end_user;
    std::optional<std::string> pin;
    bool operator==(const AccountQuestion&) const = default;
};

/// balanceUpdate since v2_2.
struct BalanceUpdate {
    std::string end_user;
    std::optional<std::string> pin;
    std::string reference_code;
    std::string balance_type;  ///< empty: the default balance
    base::Decimal amount;
    std::optional<std::int32_t> period;  ///< days
    bool operator==(const BalanceUpdate&) const = default;
};

/// balanceUpdate of the only balance.
struct SingleBalanceUpdate {
    std::string end_user;
    std::optional<std::string> pin;
    std::string reference_code;
    base::Decimal amount;
    std::optional<std::int32_t> period;  ///< days
    bool operator==(const SingleBalanceUpdate&) const = default;
};

struct VoucherUpdate {
    std::string end_user;
    std::optional<std::string> pin;
    std::string reference_code;
    std::string voucher;
    std::optional<std::string> voucher_pin;
    bool operator==(const VoucherUpdate&) const = default;
};

struct GetHistory {
    std::string end_user;
    std::optional<std::string> pin;
    std::optional<soap::TimePoint> date;
    std::optional<std::int32_t> max_entries;
    bool operator==(const GetHistory&) const = default;
};

/// types:Balance.
struct Balance {
    std::string balance_type;
    base::Decimal amount;
    bool operator==(const Balance&) const = default;
};

/// types:BalanceExpireDetails; without a date the balance does not expire.
struct BalanceExpireDetails {
    std::string balance_type;
    std::optional<soap::TimePoint> date;
    bool operator==(const BalanceExpireDetails&) const = default;
};

/// types:DatedTransaction.
struct DatedTransaction {
    soap::TimePoint date;
    std::string details;
    bool operator==(const DatedTransaction&) const = default;
};

// The responses.

struct SingleBalance {
    base::Decimal result;
    bool operator==(const SingleBalance&) const = default;
};

struct Balances {
    std::vector<Balance> result;
    bool operator==(const Balances&) const = default;
};

/// Absent: the balance does not expire.
struct SingleExpiryDate {
    std::optional<soap::TimePoint> result;
    bool operator==(const SingleExpiryDate&) const = default;
};

struct ExpiryDates {
    std::vector<BalanceExpireDetails> result;
    bool operator==(const ExpiryDates&) const = default;
};

struct History {
    std::vector<DatedTransaction> result;
    bool operator==(const History&) const = default;
};

struct BalanceTypes {
    std::vector<std::string> result;
    bool operator==(const BalanceTypes&) const = default;
};

inline constexpr soap::VersionRange single_balance{.until = {2, 1}};
inline constexpr soap::VersionRange several_balances{.since = {2, 2}};

}  // namespace accountmgmt

template <>
struct soap::Describe<accountmgmt::AccountQuestion> {
    using T = accountmgmt::AccountQuestion;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::pin>("endUserPin"),
    };
    static constexpr Type type = complex_type<T>("AccountQuestion", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::BalanceUpdate> {
    using T = accountmgmt::BalanceUpdate;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::pin>("endUserPin"),
        field<&T::reference_code>("referenceCode"),
        field<&T::balance_type>("balanceType"),
        field<&T::amount>("amount"),
        field<&T::period>("period"),
    };
    static constexpr Type type = complex_type<T>("BalanceUpdate", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::SingleBalanceUpdate> {
    using T = accountmgmt::SingleBalanceUpdate;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::pin>("endUserPin"),
        field<&T::reference_code>("referenceCode"),
        field<&T::amount>("amount"),
        field<&T::period>("period"),
    };
    static constexpr Type type = complex_type<T>("SingleBalanceUpdate", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::VoucherUpdate> {
    using T = accountmgmt::VoucherUpdate;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::pin>("endUserPin"),
        field<&T::reference_code>("referenceCode"),
        field<&T::voucher>("voucherIdentifier"),
        field<&T::voucher_pin>("voucherPin"),
    };
    static constexpr Type type = complex_type<T>("VoucherUpdate", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::GetHistory> {
    using T = accountmgmt::GetHistory;
    static constexpr Field fields[]{
        field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
        field<&T::pin>("endUserPin"),
        field<&T::date>("date"),
        field<&T::max_entries>("maxEntries"),
    };
    static constexpr Type type = complex_type<T>("GetHistory", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::Balance> {
    using T = accountmgmt::Balance;
    static constexpr Field fields[]{
        field<&T::balance_type>("balanceType"),
        field<&T::amount>("amount"),
    };
    static constexpr Type type = complex_type<T>("Balance", Home::types, fields);
};

template <>
struct soap::Describe<accountmgmt::BalanceExpireDetails> {
    using T = accountmgmt::BalanceExpireDetails;
    static constexpr Field fields[]{
        field<&T::balance_type>("balanceType"),
        field<&T::date>("date"),
    };
    static constexpr Type type = complex_type<T>("BalanceExpireDetails", Home::types, fields);
};

template <>
struct soap::Describe<accountmgmt::DatedTransaction> {
    using T = accountmgmt::DatedTransaction;
    static constexpr Field fields[]{
        field<&T::date>("transactionDate"),
        field<&T::details>("transactionDetails"),
    };
    static constexpr Type type = complex_type<T>("DatedTransaction", Home::types, fields);
};

template <>
struct soap::Describe<accountmgmt::SingleBalance> {
    using T = accountmgmt::SingleBalance;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("SingleBalance", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::Balances> {
    using T = accountmgmt::Balances;
    static constexpr Field fields[]{field<&T::result>("result", {.min = 1})};
    static constexpr Type type = complex_type<T>("Balances", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::SingleExpiryDate> {
    using T = accountmgmt::SingleExpiryDate;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("SingleExpiryDate", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::ExpiryDates> {
    using T = accountmgmt::ExpiryDates;
    static constexpr Field fields[]{field<&T::result>("result", {.min = 1})};
    static constexpr Type type = complex_type<T>("ExpiryDates", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::History> {
    using T = accountmgmt::History;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("History", Home::local, fields);
};

template <>
struct soap::Describe<accountmgmt::BalanceTypes> {
    using T = accountmgmt::BalanceTypes;
    static constexpr Field fields[]{field<&T::result>("result", {.min = 1})};
    static constexpr Type type = complex_type<T>("BalanceTypes", Home::local, fields);
};

namespace accountmgmt {

inline constexpr soap::Version versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/account_management/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/account_management/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/account_management/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/account_management/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/account_management/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/account_management/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/account_management/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/account_management/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_2",
     .number = {2, 2},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/account_management/v2_2/local",
     .types = "http://www.csapi.org/schema/parlayx/account_management/v2_2",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/account_management/v2_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/account_management/v2_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_0",
     .number = {3, 0},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/account_management/v3_0/local",
     .types = "http://www.csapi.org/schema/parlayx/account_management/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/account_management/v3_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/account_management/v3_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/account_management/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/account_management/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/account_management/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/account_management/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable operations[]{
    soap::operation<AccountQuestion, SingleBalance>("getBalance", single_balance),
    soap::operation<AccountQuestion, Balances>("getBalance", several_balances),
    soap::operation<AccountQuestion, SingleExpiryDate>("getCreditExpiryDate", single_balance),
    soap::operation<AccountQuestion, ExpiryDates>("getCreditExpiryDate", several_balances),
    soap::operation<SingleBalanceUpdate>("balanceUpdate", single_balance),
    soap::operation<BalanceUpdate>("balanceUpdate", several_balances),
    soap::operation<VoucherUpdate>("voucherUpdate"),
    soap::operation<GetHistory, History>("getHistory"),
    soap::operation<AccountQuestion, BalanceTypes>("getBalanceTypes", several_balances),
};

inline constexpr soap::Interface account_management{.name = "AccountManagement",
                                                    .file_base = "parlayx_account_management",
                                                    .versions = versions,
                                                    .operations = operations};

}  // namespace accountmgmt
