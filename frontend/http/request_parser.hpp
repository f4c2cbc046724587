// Bytes to requests, without sockets: framing and limits of HTTP/1.0 and 1.1 (RFC 9112). Beast parses; this
// adds what a server behind other people's proxies must refuse.
#pragma once

#include "frontend/http/message.hpp"
#include "frontend/http/server.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace http {

/// Parses one request after another of a connection.
class RequestParser {
  public:
    struct Limits {
        std::size_t header = 16 * 1024;
        std::size_t body = 1024 * 1024;
    };

    explicit RequestParser(Limits limits);
    ~RequestParser();
    RequestParser(RequestParser&&) noexcept;

    enum class State : std::uint8_t { incomplete, complete, refused };

    /// Takes bytes and says how many of them it used. What it did not use must be offered again, at the front
    /// of the next call's bytes: of an incomplete header, and what follows a complete request.
    struct Progress {
        State state;
        std::size_t used;
    };
    Progress feed(std::string_view bytes);

    /// The request as far as it is known. Its views are valid until reset().
    [[nodiscard]] Request& request();

    /// Why the request was refused, and the status that says so.
    [[nodiscard]] Refusal refusal() const;
    [[nodiscard]] unsigned status() const;

    /// The client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1).
    [[nodiscard]] bool expects_continue() const;

    /// The client lets the connection stay open.
    [[nodiscard]] bool keep_alive() const;

    /// Bytes of the request under way were seen.
    [[nodiscard]] bool begun() const;

    /// Makes ready for the next request.
    void reset();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace http
