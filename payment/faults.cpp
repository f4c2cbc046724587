// Refusals of the ledger as faults of Parlay X Payment.
#include "payment/faults.hpp"

#include <algorithm>
#include <array>

namespace payment {
namespace {

using enum ledger::Refusal;
using frontend::Code;
using frontend::Told;

constexpr Told part(std::string_view name) { return {"SVC0002", name}; }
constexpr Told invalid_charge{"SVC0007"};
constexpr Told not_applied{"SVC0270"};

constexpr FaultRow same(ledger::Refusal cause, Told told) { return {cause, told, told}; }

const std::array rows{
    same(unknown_account, part("endUserIdentifier")),
    same(stale_address, part("endUserIdentifier")),
    same(account_closed, part("endUserIdentifier")),
    same(unknown_balance, part("balanceType")),
    same(reference_conflict, part("referenceCode")),
    same(invalid_reference, part("referenceCode")),
    same(unknown_charge, part("originalReferenceCode")),
    same(unknown_hold, part("reservationIdentifier")),
    same(invalid_parameters, part("parameters")),
    FaultRow{invalid_text, part("charge"), part("billingText")},
    FaultRow{not_positive, invalid_charge, part("volume")},
    FaultRow{too_large, invalid_charge, part("volume")},
    FaultRow{too_many_decimals, invalid_charge, part("volume")},
    FaultRow{balance_limit, invalid_charge, part("volume")},
    FaultRow{excess_give_back, invalid_charge, part("volume")},
    FaultRow{no_tariff, invalid_charge, part("volume")},
    // Of a volume: the balance that it names, or that an account of a split has, counts in another unit.
    FaultRow{wrong_unit, invalid_charge, part("balanceType")},
    same(unknown_price, invalid_charge),
    same(invalid_shares, invalid_charge),
    same(account_suspended, not_applied),
    same(insufficient_funds, not_applied),
    same(beyond_hold, not_applied),
    same(beyond_charge, not_applied),
    same(refund_not_linked, {"POL0001", to_string(Code::not_allowed)}),
    same(over_limit, {"POL0001", to_string(Code::over_limit)}),
    same(overloaded, {"SVC0001", to_string(Code::overloaded)}),
    same(unavailable, {"SVC0001", to_string(Code::database_unavailable)}),
    same(internal, {"SVC0001", to_string(Code::internal)}),
};

}  // namespace

std::span<const FaultRow> fault_rows() { return rows; }

frontend::Refused refused(const OwnFaultRow& row) { return frontend::refused(row.told, false, row.cause); }

frontend::Refused refused(ledger::Refusal refusal, Measure measure) {
    const auto row = std::ranges::find(rows, refusal, &FaultRow::cause);
    // What no operation of Payment asks the ledger for (vouchers, periods) is a defect here.
    if (row == rows.end()) return {frontend::fault(Code::internal)};
    const auto& told = measure == Measure::amount ? row->of_amount : row->of_volume;
    return frontend::refused(told, refusal == overloaded || refusal == unavailable, to_string(refusal));
}

}  // namespace payment
