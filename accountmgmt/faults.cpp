// Refusals as faults of Parlay X Account Management.
#include "accountmgmt/faults.hpp"

#include <algorithm>
#include <array>

namespace accountmgmt {
namespace {

using enum ledger::Refusal;
using frontend::Code;
using frontend::Told;

constexpr std::string_view not_valid = "SVC0251";

constexpr Told part(std::string_view name) { return {"SVC0002", name}; }
constexpr Told voucher_not_valid{not_valid, "voucherIdentifier"};

const std::array rows{
    FaultRow{unknown_account, part("endUserIdentifier")},
    FaultRow{stale_address, part("endUserIdentifier")},
    FaultRow{account_closed, part("endUserIdentifier")},
    FaultRow{unknown_balance, part("balanceType")},
    FaultRow{reference_conflict, part("referenceCode")},
    FaultRow{invalid_reference, part("referenceCode")},
    FaultRow{invalid_period, part("period")},
    FaultRow{wrong_unit, part("amount")},
    FaultRow{not_positive, part("amount")},
    FaultRow{too_many_decimals, part("amount")},
    FaultRow{too_large, part("amount")},
    FaultRow{balance_limit, part("amount")},
    FaultRow{unknown_voucher, voucher_not_valid},
    FaultRow{voucher_redeemed, voucher_not_valid},
    FaultRow{voucher_expired, voucher_not_valid},
    FaultRow{voucher_blocked, voucher_not_valid},
    FaultRow{voucher_throttled, {"POL0001", to_string(Code::over_limit)}},
    FaultRow{over_limit, {"POL0001", to_string(Code::over_limit)}},
    FaultRow{overloaded, {"SVC0001", to_string(Code::overloaded)}},
    FaultRow{unavailable, {"SVC0001", to_string(Code::database_unavailable)}},
    FaultRow{internal, {"SVC0001", to_string(Code::internal)}},
};

constexpr std::array own_rows{
    OwnFaultRow{OwnRefusal::wrong_pin,
                "the account has a PIN, and none or a wrong one was given, or too many wrong ones lately",
                {"SVC0250"}},
    OwnFaultRow{OwnRefusal::vouchers_not_accepted,
                "vouchers are not accepted here ([voucher] accepted)",
                {"POL0220"}},
    OwnFaultRow{OwnRefusal::no_balance, "the account has no balance that could be told",
                part("endUserIdentifier")},
    OwnFaultRow{OwnRefusal::negative_entries, "fewer entries than none were asked for", part("maxEntries")},
};

}  // namespace

std::span<const FaultRow> fault_rows() { return rows; }

frontend::Refused refused(ledger::Refusal refusal, const std::string& voucher) {
    const auto row = std::ranges::find(rows, refusal, &FaultRow::cause);
    // What no operation of Account Management asks the ledger for (charges, holds) is a defect here.
    if (row == rows.end()) return {frontend::fault(Code::internal)};
    const auto cause = to_string(refusal);
    if (row->told.id == not_valid) return {soap::Fault::service(not_valid, {voucher}), false, cause};
    return frontend::refused(row->told, refusal == overloaded || refusal == unavailable, cause);
}

std::span<const OwnFaultRow> own_fault_rows() { return own_rows; }

frontend::Refused refused(OwnRefusal refusal) {
    return frontend::refused(own_rows.at(static_cast<std::size_t>(refusal)).told);
}

}  // namespace accountmgmt
