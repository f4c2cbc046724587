// The operator's command line: the subcommands that work on the ledger directly.
#pragma once

#include "app/command_line.hpp"

namespace app {

void add_account_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_audit_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_balance_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_export_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_hold_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_period_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_rule_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_tariff_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_user_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_voucher_commands(CLI::App& program, CommonOptions& common, Action& action);

}  // namespace app
