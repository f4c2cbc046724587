// What the ledger is told, made of the settings.
#pragma once

#include "app/settings.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_style.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace app {

/// Logins between commas, in their long form.
[[nodiscard]] std::set<std::string, std::less<>> long_logins(std::string_view list,
                                                             std::string_view default_domain);

/// Whose amounts are in minor units.
[[nodiscard]] payment::AmountStyle amount_style(const Settings& settings);

/// What a server and the operator's commands have in common: which requests are taken, and what is
/// remembered. How many lanes post, and how, is left to each.
[[nodiscard]] ledger::Options ledger_options(const Settings& settings);

}  // namespace app
