// Rules in the database. Each function is one statement; they throw base::sql::Error.
#pragma once

#include "base/sql.hpp"
#include "telephony/rules/rule.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rules {

/// Whose rules: an account's (the ledger's id), or without one those of a whole domain.
struct Owner {
    std::optional<std::int64_t> account;
    std::string domain;  ///< of the account, too
};

/// Who made a rule. Writing rules of one origin leaves those of the others alone.
enum class Origin : std::uint8_t { operator_, call_handling };
[[nodiscard]] std::string_view to_string(Origin origin);  ///< `call-handling`

/// Every rule that concerns calls to an account, of every origin, and those that live notifications stand
/// for. Without an account: the domain-wide ones.
[[nodiscard]] RuleSet load(base::sql::Session& session, const Owner& owner);

/// All rules of the owner and origin, in place of those before.
void replace(base::sql::Session& session, const Owner& owner, Origin origin, const std::vector<Rule>& rules);

/// One rule of the operator's; one of the same name is replaced.
void put(base::sql::Session& session, const Owner& owner, const Rule& rule);

/// One rule of the operator's; false when there is none of this name.
[[nodiscard]] bool remove(base::sql::Session& session, const Owner& owner, const std::string& name);

/// The channel on which the database tells that rules changed; its payload is the account's id, or empty:
/// everybody's may have changed.
inline constexpr std::string_view changed_channel = "rules_changed";

}  // namespace rules
