// Which cause gives which fault, in Parlay X Payment: the one table.
#pragma once

#include "frontend/service.hpp"
#include "ledger/outcome.hpp"

namespace payment {

/// What the client is told when the ledger refused (ES 202 391-6 clause 8 names the faults of each operation,
/// ES 202 391-1 clause 10 their texts).
[[nodiscard]] frontend::Refused refused(ledger::Refusal refusal);

}  // namespace payment
