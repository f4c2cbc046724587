// The operator's command line: `account`, `audit`, `balance` and `hold`, which work on the ledger directly.
#pragma once

#include "app/command_line.hpp"

namespace app {

void add_account_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_audit_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_balance_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_hold_commands(CLI::App& program, CommonOptions& common, Action& action);

}  // namespace app
