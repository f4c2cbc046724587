// Content codings of bodies: gzip and deflate (RFC 9110, 8.4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace http {

enum class UnpackError : std::uint8_t {
    unknown_coding,
    too_large,  ///< more than the limit when unpacked
    broken,     ///< not what the coding says, or not all of it
};

/// `body` as it was before the coding that Content-Encoding names was applied: gzip, x-gzip, or deflate with
/// its zlib frame or, as some clients send it, without. Unpacks no more than `limit` bytes.
[[nodiscard]] std::variant<std::string, UnpackError> unpack(std::string_view coding, std::string_view body,
                                                            std::size_t limit);

[[nodiscard]] std::string gzip(std::string_view body);

/// Does an Accept-Encoding header's value ask for gzip?
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace http
