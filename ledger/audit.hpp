// The audit: recomputes what is stored from what it follows from, and names the first row that is wrong.
#pragma once

#include "base/sql.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

struct AuditReport {
    std::string as_of;               ///< the moment that all of it speaks of
    std::vector<std::string> agree;  ///< what was checked and found right, in sentences
    /// The first thing that is wrong: which rule it breaks, and the row.
    std::optional<std::string> wrong;
};

/// Told before each check: its number, how many there are, what it checks.
using AuditProgress = std::function<void(std::size_t number, std::size_t count, std::string_view what)>;

/// Verifies the whole ledger on one snapshot, beside postings. The database does the work, in one statement a
/// check; nothing but the first wrong row comes here. `session` is the service's, without statement time-out.
/// Throws base::sql::Error.
[[nodiscard]] AuditReport verify(base::sql::Session& session, const AuditProgress& progress);

}  // namespace ledger
