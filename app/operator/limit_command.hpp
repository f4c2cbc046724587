// `ledgerline user limit`, a subcommand of `user`.
#pragma once

#include "app/operator/command_group.hpp"

namespace app {

void add_limit_command(CommandGroup& group);

}  // namespace app
