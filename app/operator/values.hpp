// What people type as the values of arguments: amounts and times.
#pragma once

#include "base/decimal.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace app {

/// A number like 1.50. Throws PlainError.
[[nodiscard]] base::Decimal decimal_of(const std::string& text);

/// In minor units of a unit with so many decimals. Throws Refused as the ledger would: below zero, too many
/// decimals, above `max`. `name`: what it is an amount of, e.g. "the credit limit".
[[nodiscard]] std::int64_t minor_units(const base::Decimal& number, std::int64_t decimals, std::int64_t max,
                                       const std::string& name);

/// A time like 2026-12-31, 2026-12-31T12:00 or with a zone at its end, for PostgreSQL; without a zone it is
/// in `zone` (empty: that of the session). Nothing for an empty text. Throws PlainError.
[[nodiscard]] std::optional<std::string> time_of(const std::string& text, const std::string& zone = "Z");

/// The first day of a month like 2026-10. Throws PlainError.
[[nodiscard]] std::string first_day(const std::string& month);

}  // namespace app
