// `ledgerline call end --all`: the operator ends what a user has running.
#pragma once

#include "app/operator/desk.hpp"

#include <string>

namespace app {

/// Tells every server; they end the calls. The exit status. Throws PlainError.
int end_calls_of(const DeskOptions& options, const std::string& user);

}  // namespace app
