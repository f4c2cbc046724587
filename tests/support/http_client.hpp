// A client that sends exactly the bytes that a test wants sent, and reads responses back.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tests {

struct HttpResponse {
    int status = 0;
    std::string head;                            ///< status line and headers
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

/// One connection to a port on loopback. Blocking, but never for longer than `patience`, so that tests fail
/// instead of hanging.
class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    void send(std::string_view bytes);

    /// The next response with its body; nothing when the server closed the connection first.
    std::optional<HttpResponse> response(bool has_body = true);

    /// Reads until exactly these bytes have come (true), or others (false).
    bool receives(std::string_view bytes);

    /// Waits until the server has closed the connection; false when it sends something instead.
    bool closed();

    /// Closes the sending half.
    void finish_sending();

    static constexpr std::chrono::seconds patience{20};

  private:
    bool read_more();

    int socket_;
    std::string received_;
};

/// A POST with Content-Length.
[[nodiscard]] std::string http_post(std::string_view target, std::string_view headers, std::string_view body);

/// `user:password` as the value of an Authorization header.
[[nodiscard]] std::string basic_authorization(std::string_view user_and_password);

}  // namespace tests
