// Which cause gives which fault, in Account Management: the one table.
#pragma once

#include "frontend/told.hpp"
#include "ledger/outcome.hpp"

#include <span>
#include <string>
#include <string_view>

namespace accountmgmt {

/// What clients are told for one cause (ES 202 391-7 clause 8 names the faults of each operation).
struct FaultRow {
    ledger::Refusal cause;
    frontend::Told told;
};

/// Every refusal of the ledger that an operation of Account Management can meet. Where the variable is the
/// voucher's identifier, `told` has the name of its message part.
[[nodiscard]] std::span<const FaultRow> fault_rows();

/// What the client is told when the ledger refused. `voucher`: the identifier that the request gave, if any.
[[nodiscard]] frontend::Refused refused(ledger::Refusal refusal, const std::string& voucher = {});

/// What Account Management refuses by itself.
enum class OwnRefusal : std::uint8_t {
    wrong_pin,
    vouchers_not_accepted,
    no_balance,
    negative_entries,
};

struct OwnFaultRow {
    OwnRefusal cause;
    std::string_view meaning;  ///< for people
    frontend::Told told;
};

/// The whole table, in the order of OwnRefusal.
[[nodiscard]] std::span<const OwnFaultRow> own_fault_rows();
[[nodiscard]] frontend::Refused refused(OwnRefusal refusal);

}  // namespace accountmgmt
