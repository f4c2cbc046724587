// What the ledger is told, made of the settings.
#pragma once

#include "app/settings.hpp"
#include "ledger/ledger.hpp"

namespace app {

/// What a server and the operator's commands have in common: which requests are taken, and what is
/// remembered. How many lanes post, and how, is left to each.
[[nodiscard]] ledger::Options ledger_options(const Settings& settings);

}  // namespace app
