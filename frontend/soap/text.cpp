// Characters: UTF-16 to UTF-8, and escaping for output.
#include "frontend/soap/text.hpp"

#include "base/utf8.hpp"

#include <cstring>

namespace soap {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

void append_code_point(std::uint32_t c, std::string& out) {
    const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | (c >> 6));
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | (c >> 12));
        byte(0x80 | ((c >> 6) & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | (c >> 18));
        byte(0x80 | ((c >> 12) & 0x3F));
        byte(0x80 | ((c >> 6) & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

/// Bytes that go out as they are, in text and in attributes.
constexpr bool is_plain(char c) {
    return c >= ' ' && c < 0x7F && c != '&' && c != '<' && c != '>' && c != '"';
}

/// Appends the escaped form of the character at `at` and returns how many bytes it took.
std::size_t append_special(std::string_view text, std::size_t at, bool attribute, std::string& out) {
    switch (text[at]) {
        case '&':
            out += "&amp;";
            return 1;
        case '<':
            out += "&lt;";
            return 1;
        case '>':
            out += "&gt;";
            return 1;
        case '"':
            out += attribute ? "&quot;" : "\"";
            return 1;
        case '\r':
            out += "&#13;";
            return 1;  // a parser would read a bare one as a line feed
        case '\n':
            out += attribute ? "&#10;" : "\n";
            return 1;
        case '\t':
            out += attribute ? "&#9;" : "\t";
            return 1;
        default:
            break;
    }
    const auto length = base::utf8_sequence_length(text.substr(at));
    if (length == 0) {
        out += replacement;
        return 1;
    }
    const auto character = text.substr(at, length);
    const bool is_control = length == 1 && static_cast<unsigned char>(character.front()) < 0x20;
    out += is_control || character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF" ? replacement : character;
    return length;
}

void append_escaped(std::string_view text, bool attribute, std::string& out) {
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = at;
        while (end < text.size() && is_plain(text[end])) ++end;
        out += text.substr(at, end - at);
        at = end < text.size() ? end + append_special(text, end, attribute, out) : end;
    }
}

}  // namespace

void Utf16Decoder::append(const char16_t* units, std::size_t count, std::string& out) {
    std::size_t i = 0;
    if (high_ == 0) {
        // Nearly everything is ASCII: find how much of it is, four at a time, then copy that at once.
        std::uint64_t four = 0;
        for (; i + 4 <= count; i += 4) {
            std::memcpy(&four, units + i, sizeof four);
            if ((four & 0xFF80FF80FF80FF80ULL) != 0) break;
        }
        while (i < count && units[i] < 0x80) ++i;
        const std::size_t old_size = out.size();
        out.resize(old_size + i);
        char* const to = out.data() + old_size;  // a pointer of its own lets the compiler use wide registers
        for (std::size_t k = 0; k < i; ++k) to[k] = static_cast<char>(units[k]);
    }
    for (; i < count; ++i) append_slow(units[i], out);
}

void Utf16Decoder::append_slow(char16_t unit, std::string& out) {
    const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (high_ != 0 && is_low) {
        append_code_point(0x10000 + ((static_cast<std::uint32_t>(high_) - 0xD800) << 10U) +
                              (static_cast<std::uint32_t>(unit) - 0xDC00),
                          out);
        high_ = 0;
        return;
    }
    if (high_ != 0 || is_low) broken_ = true;
    high_ = 0;
    if (unit >= 0xD800 && unit <= 0xDBFF)
        high_ = unit;
    else if (!is_low)
        append_code_point(unit, out);
}

void append_escaped(std::string_view text, std::string& out) { append_escaped(text, false, out); }

void append_escaped_attribute(std::string_view text, std::string& out) { append_escaped(text, true, out); }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_xml_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_xml_space(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace soap
