// Validation of UTF-8 and the reading of ISO-8859-1.
#include "base/utf8.hpp"

namespace base {

bool is_utf8(std::string_view text) {
    std::size_t i = 0;
    const auto at = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
    const auto tail = [&](std::size_t k) { return at(k) >= 0x80 && at(k) <= 0xBF; };
    while (i < text.size()) {
        const unsigned first = at(i);
        if (first < 0x80) {
            i += 1;
        } else if (first >= 0xC2 && first <= 0xDF && tail(i + 1)) {
            i += 2;
        } else if (first >= 0xE0 && first <= 0xEF && tail(i + 1) && tail(i + 2) &&
                   !(first == 0xE0 && at(i + 1) < 0xA0) && !(first == 0xED && at(i + 1) > 0x9F)) {
            i += 3;
        } else if (first >= 0xF0 && first <= 0xF4 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
                   !(first == 0xF0 && at(i + 1) < 0x90) && !(first == 0xF4 && at(i + 1) > 0x8F)) {
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

bool is_storable_text(std::string_view text) {
    return text.find('\0') == std::string_view::npos && is_utf8(text);
}

std::string to_utf8(std::string text) {
    if (is_utf8(text)) return text;
    std::string result;
    result.reserve(text.size() * 2);
    for (const char c : text) {
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

}  // namespace base
