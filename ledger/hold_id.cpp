// Writes and reads hold identifiers.
#include "ledger/hold_id.hpp"

#include <array>

namespace ledger {
namespace {

constexpr std::size_t shard_digits = 4;

std::optional<unsigned> digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    return std::nullopt;
}

}  // namespace

std::string to_string(const HoldId& id) {
    const auto shard = static_cast<std::uint16_t>(id.shard);
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(shard >> 8),
                                            static_cast<std::uint8_t>(shard)};
    return base::hex(bytes) + base::hex(id.id);
}

std::optional<HoldId> hold_id_of(std::string_view text) {
    if (text.size() != shard_digits + 32 || text.find('-') != std::string_view::npos) return std::nullopt;
    unsigned shard = 0;
    for (const char c : text.substr(0, shard_digits)) {
        const auto value = digit(c);
        if (!value) return std::nullopt;
        shard = shard << 4 | *value;
    }
    const auto id = id_of_hex(text.substr(shard_digits));
    if (!id || shard > 32767) return std::nullopt;
    return HoldId{static_cast<std::int16_t>(shard), *id};
}

std::optional<base::Id128> id_of_hex(std::string_view text) {
    base::Id128 id{};
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const auto value = digit(c);
        if (!value || digits == 2 * id.size()) return std::nullopt;
        auto& byte = id[digits / 2];
        byte = static_cast<std::uint8_t>(byte * 16U + *value);
        ++digits;
    }
    return digits == 2 * id.size() ? std::optional(id) : std::nullopt;
}

}  // namespace ledger
