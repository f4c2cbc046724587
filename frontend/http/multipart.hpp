// Packages of several parts: multipart/related (RFC 2387), as clients with MTOM or attachments send messages.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace http {

/// A part of a package; views into the package.
struct Part {
    std::string_view content_type;
    std::string_view body;
};

enum class PackageError : std::uint8_t {
    broken,            ///< no boundary, no such part, or not all of it
    unknown_encoding,  ///< the root's Content-Transfer-Encoding is none of 7bit, 8bit and binary
};

/// Does a Content-Type header's value say multipart/related?
[[nodiscard]] bool is_package(std::string_view content_type);

/// The root of a package: the part whose Content-ID the parameter `start` names, else the first one.
/// `content_type` is the package's, with its boundary.
[[nodiscard]] std::variant<Part, PackageError> root_part(std::string_view content_type,
                                                         std::string_view body);

}  // namespace http
