// Characters: UTF-16 to UTF-8, and escaping for output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace soap {

/// Turns UTF-16 code units that arrive in pieces into UTF-8; a surrogate pair may be cut by a piece's end.
class Utf16Decoder {
  public:
    void append(const char16_t* units, std::size_t count, std::string& out);
    /// A high surrogate still waits for its other half.
    [[nodiscard]] bool incomplete() const { return high_ != 0; }
    /// A surrogate came without its other half; it was left out.
    [[nodiscard]] bool broken() const { return broken_; }

  private:
    void append_slow(char16_t unit, std::string& out);
    char16_t high_ = 0;
    bool broken_ = false;
};

/// Appends text as XML character data. What XML 1.0 cannot carry (control characters, bytes that are no
/// UTF-8) becomes U+FFFD.
void append_escaped(std::string_view text, std::string& out);

/// Appends text as the value of an attribute in double quotes.
void append_escaped_attribute(std::string_view text, std::string& out);

[[nodiscard]] constexpr bool is_xml_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Without leading and trailing XML white space.
[[nodiscard]] std::string_view trim(std::string_view text);

}  // namespace soap
