// Which cause gives which fault, in Account Management.
#pragma once

#include "frontend/service.hpp"
#include "ledger/outcome.hpp"

#include <string>

namespace accountmgmt {

/// What the client is told when the ledger refused (ES 202 391-7 clause 8 names the faults of each
/// operation). `voucher`: the identifier that the request gave, for those of vouchers.
[[nodiscard]] frontend::Refused refused(ledger::Refusal refusal, const std::string& voucher = {});

}  // namespace accountmgmt
