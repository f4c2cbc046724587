// Which cause gives which fault, in Parlay X Payment: the one table.
#pragma once

#include "frontend/service.hpp"
#include "ledger/outcome.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace payment {

/// What a request is about: an amount, or a volume, whose operations have no SVC0007 and name their part.
enum class Measure : std::uint8_t { amount, volume };

/// A fault as the table spells it: SVC0002 with a message part, SVC0001 or POL0001 with a code, others alone.
struct Told {
    std::string_view id;
    std::string_view variable{};
    bool operator==(const Told&) const = default;
};

/// What clients are told for one cause (ES 202 391-6 clause 8 names the faults of each operation, ES 202
/// 391-1 clause 10 their texts).
struct FaultRow {
    ledger::Refusal cause;
    Told of_amount;
    Told of_volume;
};

/// Every cause that an operation of Payment can meet.
[[nodiscard]] std::span<const FaultRow> fault_rows();

/// What the client is told when the ledger refused.
[[nodiscard]] frontend::Refused refused(ledger::Refusal refusal, Measure measure = Measure::amount);

}  // namespace payment
