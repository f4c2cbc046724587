// The HTTP server: connections, limits, time-outs, keep-alive and a graceful stop. What a request means is
// the handler's affair.
#pragma once

#include "frontend/http/message.hpp"
#include "frontend/http/tls.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace http {

/// Why the server itself answers instead of the handler.
enum class Refusal : std::uint8_t {
    malformed,             ///< 400: not HTTP, or framed ambiguously
    header_too_large,      ///< 431
    body_too_large,        ///< 413
    too_slow,              ///< 408: a begun request did not arrive in time
    not_supported,         ///< 501, 505: a transfer coding or version that is not served
    overloaded,            ///< 503: too many requests in flight
    too_many_connections,  ///< 503
    failed,                ///< 500: the handler threw
};

/// What requests mean. One object serves all io threads at once.
class Handler {
  public:
    virtual ~Handler() = default;

    /// Answers a request; runs on the connection's io thread. `request` stays until the response is written.
    virtual boost::asio::awaitable<Response> handle(const Request& request) = 0;

    /// Answers instead of handle() when the server refuses a request, in the handler's own terms. `request`
    /// holds what was read of it, possibly nothing. `status` is the HTTP status that fits the refusal.
    virtual Response refuse(const Request& request, Refusal refusal, unsigned status) = 0;
};

/// One address that is listened on.
struct Listen {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;  ///< 0: any free one, see Server::port()
    bool tls = false;
    unsigned tag = 0;       ///< what its requests carry, so that the handler can tell listeners apart
    bool reserved = false;  ///< for probes, which must come through where the others' limits are reached
};

struct Options {
    std::vector<Listen> listen{Listen{}};
    TlsOptions tls{};  ///< of the listeners with TLS

    std::size_t header_limit = 16 * 1024;             ///< bytes of request line and headers
    std::size_t body_limit = 1024 * 1024;             ///< bytes, after chunks are joined
    std::size_t connections = 10'000;                 ///< in total; beyond: 503 and closed
    std::size_t connections_per_address = 0;          ///< 0: no limit of its own
    std::size_t requests_in_flight = 4096;            ///< handed to the handler and not answered; beyond: 503
    std::size_t requests_per_connection = 0;          ///< then the connection is closed politely; 0: never
    std::chrono::milliseconds idle_timeout{75'000};   ///< between requests
    std::chrono::milliseconds read_timeout{20'000};   ///< from a request's first byte to its last
    std::chrono::milliseconds write_timeout{20'000};  ///< for one response
    std::chrono::milliseconds linger_timeout{2'000};  ///< to let a refused client read why
    std::size_t linger_limit = 4 * 1024 * 1024;       ///< bytes that it may send meanwhile
    int backlog = 1024;
};

/// Figures for /metrics and tests.
struct Statistics {
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t connections_open = 0;
    std::uint64_t requests = 0;
    std::uint64_t requests_in_flight = 0;
    std::uint64_t refusals = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t tls_failures = 0;
};

class Server {
  public:
    /// Connections are dealt to `threads` in turn and stay there; each io_context must be run by exactly one
    /// thread. Both the contexts and the handler must outlive the server.
    Server(std::vector<boost::asio::io_context*> threads, Handler& handler, Options options);

    /// Stops and waits like stop(0 ms) unless that was done.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Reads certificates, binds and listens. Throws std::runtime_error that names the file, or address and
    /// port, e.g. when the port is in use.
    void start();

    /// The port that a listener of Options has got.
    [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;

    /// Reads the certificates' files again; connections that are open keep theirs. Throws std::runtime_error
    /// that names what is wrong, and nothing has changed. False: no listener has TLS.
    bool reload_tls();
    /// Why clients will refuse the certificate by its dates; empty: they will not, or there is none.
    [[nodiscard]] std::string certificate_trouble() const;

    /// No new connections; idle ones are closed, busy ones after the response under way. Returns at once.
    void stop_accepting();

    /// stop_accepting(), then waits until every connection is closed; what is still open after `grace` is
    /// cut. True when nothing had to be cut. Must not be called on an io thread; these must still run.
    bool stop(std::chrono::milliseconds grace);

    [[nodiscard]] Statistics statistics() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace http
