// Random identifiers that nobody can guess.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace base {

using Id128 = std::array<std::uint8_t, 16>;

/// 128 bits from the system's random generator.
[[nodiscard]] Id128 random_id();

/// Fills `bytes` from the same generator.
void random_bytes(std::span<std::uint8_t> bytes);

/// Lower-case hexadecimal digits, two a byte.
[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

/// hex(random_id()): 32 digits.
[[nodiscard]] std::string random_hex_id();

}  // namespace base
