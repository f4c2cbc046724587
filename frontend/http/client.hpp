// The HTTP client for what this server sends to others, whose addresses strangers may choose: every wait has
// a deadline, every answer a limit, and addresses inside one's own network are refused unless they are
// allowed.
#pragma once

#include "frontend/http/networks.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace http {

struct ClientOptions {
    Networks allowed{};     ///< addresses that are connected to although they are not public
    std::string ca_file{};  ///< PEM file of the authorities that servers' certificates must be signed by;
                            ///< empty: those that the system trusts
    std::chrono::milliseconds connect_timeout{5'000};  ///< for name, connection and handshake
    std::chrono::milliseconds idle_timeout{30'000};    ///< how long a connection is kept for the next request
    std::size_t idle_connections = 256;                ///< kept in all
    std::size_t header_limit = 16 * 1024;              ///< bytes of an answer's headers
    std::size_t body_limit = 256 * 1024;               ///< bytes of an answer's body
};

struct OutgoingRequest {
    std::string url;  ///< http:// or https://, without user and fragment
    std::string content_type;
    std::string headers{};  ///< further header lines, each with its CRLF
    std::string body;
    std::chrono::milliseconds timeout{10'000};  ///< for all of it
};

struct IncomingResponse {
    unsigned status = 0;
    std::string content_type;
    std::string body;
};

/// Why there is no answer.
struct NoResponse {
    enum class Why : std::uint8_t {
        bad_url,      ///< no URL that is posted to
        not_allowed,  ///< its host is or has only addresses that may not be connected to
        unreachable,  ///< no such name, nobody listens
        untrusted,    ///< TLS failed, or the certificate is not the host's
        too_late,
        too_large,
        broken,  ///< the connection ended, or what came is no HTTP
    };
    Why why;
    std::string reason;             ///< for people
    bool may_have_arrived = false;  ///< the request was sent, perhaps as a whole
};
using Exchanged = std::variant<IncomingResponse, NoResponse>;

class Client {
  public:
    /// Throws std::runtime_error when the authorities cannot be read.
    explicit Client(ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// What is wrong with a URL, as far as it can be said without asking anybody. For refusing it where it is
    /// configured; post() looks again, at the addresses that the name has then.
    [[nodiscard]] std::optional<std::string> objection(std::string_view url) const;

    /// POSTs and waits for the answer, whatever its status; redirects are not followed. Connections are kept
    /// and used again on the io thread that made them. Does not throw for what others do. The executor must
    /// be that of an io_context with one thread; it must outlive the client, and the client the call.
    boost::asio::awaitable<Exchanged> post(OutgoingRequest request);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace http
