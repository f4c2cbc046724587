// The form of libpq's connection strings that is no URI: NAME=VALUE pairs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

using ConnectionPairs = std::vector<std::pair<std::string, std::string>>;

/// Takes them apart as libpq does; nothing: it would not understand them.
[[nodiscard]] std::optional<ConnectionPairs> parse_connection_pairs(std::string_view text);
[[nodiscard]] std::string connection_string(const ConnectionPairs& pairs);

}  // namespace app
