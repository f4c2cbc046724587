// A request's SOAP message, out of all that HTTP and MIME put around it.
#pragma once

#include "frontend/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace frontend {

enum class BodyError : std::uint8_t {
    unknown_coding,             ///< of Content-Encoding
    too_large,                  ///< more than the limit when unpacked
    broken_coding,              ///< not what its Content-Encoding says
    broken_package,             ///< multipart/related without a root part, or not all of it
    unknown_transfer_encoding,  ///< of the package's root part
};

/// The message's bytes. Points into the request, or into its own when they had to be converted.
class MessageBody {
  public:
    /// Undoes the content coding (to `bytes_max` at most), takes the root out of a package of MTOM or of a
    /// message with attachments (the attachments are passed over: no message here has any), and reads as
    /// ISO-8859-1 what only a header calls so.
    MessageBody(const http::Request& request, std::size_t bytes_max);
    MessageBody(const MessageBody&) = delete;
    MessageBody& operator=(const MessageBody&) = delete;

    /// Why there is no message; null: there is one.
    [[nodiscard]] std::optional<BodyError> error() const { return error_; }
    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    std::optional<BodyError> unpack(std::string_view coding, std::size_t bytes_max);
    std::optional<BodyError> take_root(std::string_view& content_type);

    std::string converted_;
    std::string_view text_;
    std::optional<BodyError> error_;
};

}  // namespace frontend
