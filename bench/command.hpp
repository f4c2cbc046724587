// Other programs' output.
#pragma once

#include <string>

namespace bench {

/// What a shell command prints; throws when it can't be run.
[[nodiscard]] std::string output_of(const std::string& command);

}  // namespace bench
