// What clients of Call Handling set, beside the rules that it means. Throws base::sql::Error.
#pragma once

#include "base/sql.hpp"
#include "telephony/callhandling/messages.hpp"
#include "telephony/rules/store.hpp"

#include <cstdint>
#include <vector>

namespace callhandling {

/// In place of what was set before, for each of these accounts or for none. `meaning`: translate(given).
void write(base::sql::Session& session, std::vector<rules::Owner> owners, const CallHandlingRules& given,
           const std::vector<rules::Rule>& meaning);

/// Exactly what was set; nothing of rules that were made by other means.
[[nodiscard]] CallHandlingRules read(base::sql::Session& session, std::int64_t account);

}  // namespace callhandling
