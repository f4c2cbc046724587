// What must be true of a ledger's tables at any time.
#pragma once

#include "base/sql.hpp"

#include <string>

namespace tests {

/// Recomputes what is stored from what it follows from. Empty when everything agrees; else the names of the
/// rules that are broken, each with one row that breaks it. `session` is the superuser's.
std::string broken_rules(base::sql::Session& session);

}  // namespace tests
