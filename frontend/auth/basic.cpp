// Parsing of HTTP Basic credentials.
#include "frontend/auth/basic.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace auth {
namespace {

constexpr std::int8_t invalid = -1;

constexpr std::array<std::int8_t, 256> base64_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(invalid);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}

bool is_basic_scheme(std::string_view scheme) {
    constexpr std::string_view name = "basic";
    return std::ranges::equal(scheme, name, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

bool has_controls(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    static constexpr auto values = base64_values();
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    const auto rest = text.size() % 4;
    if (rest == 1 || (padding != 0 && (rest + padding) % 4 != 0)) return std::nullopt;

    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto value = values[static_cast<unsigned char>(c)];
        if (value == invalid) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 0xFF);
        }
    }
    if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return bytes;
}

std::optional<BasicCredentials> parse_basic(std::string_view authorization) {
    const auto space = authorization.find(' ');
    if (space == std::string_view::npos || !is_basic_scheme(authorization.substr(0, space)))
        return std::nullopt;
    const auto begin = authorization.find_first_not_of(' ', space);
    if (begin == std::string_view::npos) return std::nullopt;

    auto decoded = decode_base64(authorization.substr(begin));
    if (!decoded) return std::nullopt;
    const auto text = base::to_utf8(std::move(*decoded));
    const auto colon = text.find(':');
    if (colon == std::string::npos || has_controls(text)) return std::nullopt;
    return BasicCredentials{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace auth
