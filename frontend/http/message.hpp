// A request and a response as handlers see them: views and strings, without Beast.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace http {

/// A client's certificate that was found valid.
struct PeerCertificate {
    std::string fingerprint;  ///< SHA-256 of the certificate, 64 lower-case hex digits
    std::string subject;      ///< its distinguished name (RFC 2253), as UTF-8
};

enum class Method : std::uint8_t { get, head, post, other };

/// One request. Its views are valid until the response has been written.
class Request {
  public:
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;  ///< as sent: origin form, or the absolute form of proxies
    int version = 11;         ///< 10 or 11
    std::string_view body;
    std::string_view peer;  ///< the address of the other end of the connection, without its port
    bool secure = false;    ///< it came through TLS
    const PeerCertificate* certificate = nullptr;    ///< of the client; null: it has shown none
    unsigned listener = 0;                           ///< the tag of the listener that it came through
    std::chrono::steady_clock::time_point received;  ///< when its last byte was read

    /// The value of the header with this name (without case), or an empty view.
    [[nodiscard]] std::string_view header(std::string_view name) const;

    struct Field {
        std::string_view name, value;
    };
    std::vector<Field> fields;
};

/// One response. Content-Length, Connection and Date are the server's affair.
struct Response {
    unsigned status = 200;
    std::string_view content_type;  ///< refers to text that lives as long as the program
    std::string headers;            ///< further header lines, each with its CRLF; see add_header
    std::string body;

    /// Appends a header line. Characters that could end the line early are replaced.
    void add_header(std::string_view name, std::string_view value);
};

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

/// A plain text, and a line's end.
[[nodiscard]] Response text_response(unsigned status, std::string text);

/// The registered reason phrase, e.g. `Service Unavailable`.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

/// ASCII letters compare without case.
[[nodiscard]] bool equal_no_case(std::string_view a, std::string_view b);

}  // namespace http
