// The subcommands that are SOAP clients for people: they ask a server, as one of its users.
#pragma once

#include "app/command_line.hpp"

namespace app {

void add_payment_commands(CLI::App& program, CommonOptions& common, Action& action);
void add_account_clients(CLI::App& program, CommonOptions& common, Action& action);
void add_call_commands(CLI::App& program, CommonOptions& common, Action& action);

/// `ledgerline hold ADDRESS …` and `ledgerline balance ADDRESS`, on the groups of the operator's subcommands
/// with these names.
void add_hold_client(CLI::App& group, CommonOptions& common, Action& action);
void add_balance_client(CLI::App& group, CommonOptions& common, Action& action);

}  // namespace app
