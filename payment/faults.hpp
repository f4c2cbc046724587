// Which cause gives which fault, in Parlay X Payment: the one table.
#pragma once

#include "frontend/told.hpp"
#include "ledger/outcome.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace payment {

/// What a request is about: an amount, or a volume, whose operations have no SVC0007 and name their part.
enum class Measure : std::uint8_t { amount, volume };

/// What clients are told for one cause (ES 202 391-6 clause 8 names the faults of each operation, ES 202
/// 391-1 clause 10 their texts).
struct FaultRow {
    ledger::Refusal cause;
    frontend::Told of_amount;
    frontend::Told of_volume;
};

/// Every cause that an operation of Payment can meet.
[[nodiscard]] std::span<const FaultRow> fault_rows();

/// What Payment refuses by itself, of amounts only: a message that does not say how much.
struct OwnFaultRow {
    std::string_view cause;
    std::string_view meaning;  ///< for people
    frontend::Told told;
};
inline constexpr OwnFaultRow no_amount{
    "no_amount", "neither an amount nor a code says how much", {"SVC0007"}};
[[nodiscard]] frontend::Refused refused(const OwnFaultRow& row);

/// What the client is told when the ledger refused.
[[nodiscard]] frontend::Refused refused(ledger::Refusal refusal, Measure measure = Measure::amount);

}  // namespace payment
