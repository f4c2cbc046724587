// A blocking HTTP client for subcommands: one request, one response.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace app {

struct HttpPost {
    std::string url;  ///< http://HOST:PORT/PATH
    std::string content_type;
    std::string user;
    std::string password;  ///< sent as HTTP Basic
    std::string body;
    std::chrono::milliseconds timeout{30'000};
};

struct HttpReply {
    unsigned status = 0;
    bool replayed = false;  ///< `Idempotency-Replayed: true`
    std::string body;
};

/// Throws PlainError when there is no answer.
HttpReply post(const HttpPost& request);

}  // namespace app
