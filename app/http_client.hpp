// A blocking HTTP client for subcommands: one request, one response.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace app {

struct HttpRequest {
    std::string url;   ///< http://HOST:PORT/PATH?QUERY
    bool get = false;  ///< a GET without body; otherwise a POST
    std::string content_type;
    std::string user;
    std::string password;         ///< sent as HTTP Basic
    std::string idempotency_key;  ///< of the header Idempotency-Key; empty: none
    std::string body;
    std::chrono::milliseconds timeout{30'000};
};

struct HttpReply {
    unsigned status = 0;
    bool replayed = false;  ///< `Idempotency-Replayed: true`
    std::string body;
};

/// Throws PlainError when there is no answer.
HttpReply send(const HttpRequest& request);

/// Everything but unreserved characters as %XX (RFC 3986, 2.3).
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace app
