// A connected socket with or without TLS, non-blocking: one type for both, so that what is built on it is
// compiled once and knows one way of waiting.
#pragma once

#include "frontend/http/message.hpp"
#include "frontend/http/tls.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace http {

class Transport {
  public:
    using Socket = boost::asio::ip::tcp::socket;
    using error_code = boost::system::error_code;

    /// `socket` must be non-blocking.
    explicit Transport(Socket socket) : socket_(std::move(socket)) {}
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    /// What follows is TLS, with this side as the server. The handshake is part of the first reads and
    /// writes.
    void accept_tls(std::shared_ptr<const TlsContext> context);
    /// The same as the client, of a server that must prove to be `host`: a name, or an address.
    void connect_tls(std::shared_ptr<const TlsContext> context, const std::string& host);

    /// Reads what is there. `would_block`: try again when the socket is ready for wanted(). End of stream is
    /// asio::error::eof; a failure of TLS is asio::error::no_protocol_option, with its reason in
    /// tls_failure().
    std::size_t read_some(std::span<char> into, error_code& ec);
    /// Writes some of `head` and then of `body`. After would_block the same bytes must be offered again.
    std::size_t write_some(std::string_view head, std::string_view body, error_code& ec);
    [[nodiscard]] Socket::wait_type wanted() const { return wanted_; }

    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
    [[nodiscard]] bool handshaking() const;
    /// The certificate that the other side has shown and that was found valid.
    [[nodiscard]] std::optional<PeerCertificate> peer_certificate() const;
    [[nodiscard]] const std::string& tls_failure() const { return failure_; }

    /// Tells the other side that no more will come.
    void shutdown_send();

    [[nodiscard]] Socket& socket() { return socket_; }

  private:
    struct Free {
        void operator()(ssl_st* tls) const;
    };

    void start_tls(std::shared_ptr<const TlsContext> context);
    std::size_t finish(int result, error_code& ec);
    void say_goodbye();

    Socket socket_;
    std::shared_ptr<const TlsContext> context_;
    std::unique_ptr<ssl_st, Free> tls_;
    std::string record_;  ///< head and body joined, so that a short response is one record
    std::string failure_;
    Socket::wait_type wanted_ = Socket::wait_read;
    bool broken_ = false;  ///< nothing may be written any more, a goodbye neither
};

}  // namespace http
