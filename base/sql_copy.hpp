// Bulk loading: COPY … FROM STDIN.
#pragma once

#include "base/sql.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace base::sql {

/// Columns of a copy.
inline constexpr std::size_t copy_width_max = 8;

/// Copies rows into `columns` of `table` (both as SQL writes them) until `next` gives none, on a connection
/// of its own: all of them, or none. Returns how many. Throws Error, and
/// std::invalid_argument for a row of more than copy_width_max values.
std::int64_t copy_into(const SessionOptions& options, const std::string& table,
                       const std::vector<std::string>& columns,
                       const std::function<std::optional<Params>()>& next);

}  // namespace base::sql
