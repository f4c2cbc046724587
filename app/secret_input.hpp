// How people hand over secrets: typed without echo, or in a file; never as an argument, which everybody on
// the machine can read.
#pragma once

#include <string>

namespace app {

/// Asks on the terminal. Throws PlainError, with `otherwise` as the hint, when there is none.
[[nodiscard]] std::string ask_secret(const std::string& prompt, const std::string& otherwise);

/// The file's first line. Throws PlainError, which calls it `what`, when there is none.
[[nodiscard]] std::string secret_in(const std::string& path, const std::string& what);

}  // namespace app
