// Characters: UTF-16 to UTF-8, checking, and escaping for output.
#include "frontend/soap/text.hpp"

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

/// The length of the well-formed sequence at `at` (Unicode 15, table 3-7), or 0; its code point in `c`.
std::size_t sequence_length(std::string_view bytes, std::size_t at, std::uint32_t& c) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
    const auto follows = [&](std::size_t i) { return at + i < bytes.size() && (byte(i) & 0xC0U) == 0x80U; };
    const std::uint32_t first = byte(0);
    if (first < 0x80) {
        c = first;
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF && follows(1)) {
        c = ((first & 0x1FU) << 6U) | (byte(1) & 0x3FU);
        return 2;
    }
    if ((first & 0xF0U) == 0xE0 && follows(1) && follows(2)) {
        c = ((first & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
        return c >= 0x800 && (c < 0xD800 || c > 0xDFFF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4 && follows(1) && follows(2) && follows(3)) {
        c = ((first & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) |
            (byte(3) & 0x3FU);
        return c >= 0x10000 && c <= 0x10FFFF ? 4 : 0;
    }
    return 0;
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
    std::uint32_t c = 0;
    const std::size_t length = sequence_length(text, at, c);
    if (length == 0 || c < 0x20 || c == 0xFFFE || c == 0xFFFF) {
        out += replacement;
        return length == 0 ? 1 : length;
    }
    out += text.substr(at, length);
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

bool is_utf8_text(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        // Eight ASCII bytes at a time; the second term finds a zero among them.
        std::uint64_t word = 0;
        while (at + 8 <= bytes.size()) {
            std::memcpy(&word, bytes.data() + at, 8);
            if (((word | (word - 0x0101010101010101ULL)) & 0x8080808080808080ULL) != 0) break;
            at += 8;
        }
        for (const std::size_t end = std::min(bytes.size(), at + 8); at < end;) {
            std::uint32_t c = 0;
            const std::size_t length = sequence_length(bytes, at, c);
            if (length == 0 || c == 0) return false;
            at += length;
        }
    }
    return true;
}

std::string latin1_to_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    for (const char c : bytes) append_code_point(static_cast<unsigned char>(c), out);
    return out;
}

void append_escaped(std::string_view text, std::string& out) { append_escaped(text, false, out); }

void append_escaped_attribute(std::string_view text, std::string& out) { append_escaped(text, true, out); }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_xml_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_xml_space(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace soap
