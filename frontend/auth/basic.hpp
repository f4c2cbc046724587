// HTTP Basic authentication (RFC 7617): the header's text to a user id and a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace auth {

struct BasicCredentials {
    std::string user;
    std::string password;
    bool operator==(const BasicCredentials&) const = default;
};

/// Reads `Basic <base64 of user:password>`: scheme without case, padding optional, the first colon separates.
/// ISO-8859-1 is read as such where it is not UTF-8. Nothing for another scheme, bad base64, no colon, or
/// control characters (RFC 7617, 2).
[[nodiscard]] std::optional<BasicCredentials> parse_basic(std::string_view authorization);

/// The bytes of a base64 text (RFC 4648, 4), padded or not. Nothing for any other character, a wrong length,
/// or bits left over that are not zero.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace auth
