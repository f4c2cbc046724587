// Validation of UTF-8 and the reading of ISO-8859-1.
#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>
#include <utility>

namespace base {

std::size_t utf8_sequence_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xBF; };
    if (text.empty()) return 0;
    const auto first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
    // The first byte narrows what the second may be: no overlong forms, no surrogates, nothing beyond
    // U+10FFFF.
    const auto low = first == 0xE0 ? 0xA0U : first == 0xF0 ? 0x90U : 0x80U;
    const auto high = first == 0xED ? 0x9FU : first == 0xF4 ? 0x8FU : 0xBFU;
    if (at(1) < low || at(1) > high) return 0;
    if (first >= 0xE0 && first <= 0xEF) return tail(2) ? 3 : 0;
    if (first >= 0xF0 && first <= 0xF4) return tail(2) && tail(3) ? 4 : 0;
    return 0;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        // Nearly everything is ASCII: eight bytes of it at a time.
        std::uint64_t eight = 0;
        while (text.size() >= sizeof eight) {
            std::memcpy(&eight, text.data(), sizeof eight);
            if ((eight & 0x8080808080808080ULL) != 0) break;
            text.remove_prefix(sizeof eight);
        }
        if (text.empty()) break;
        const auto length = utf8_sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

bool is_storable_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && is_utf8(text);
}

bool is_storable_text(std::string_view text, std::size_t bytes_max) {
    return text.size() <= bytes_max && is_storable_text(text);
}

std::string latin1_to_utf8(std::string_view bytes) {
    std::string result;
    result.reserve(bytes.size() + bytes.size() / 8);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            result += c;
        } else {
            result += static_cast<char>(0xC0 | byte >> 6);
            result += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return result;
}

std::string to_utf8(std::string text) { return is_utf8(text) ? std::move(text) : latin1_to_utf8(text); }

}  // namespace base
