// One connection: reads requests, has them answered, writes responses, within limits and time-outs.
#pragma once

#include "frontend/http/request_parser.hpp"
#include "frontend/http/server.hpp"
#include "frontend/http/transport.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace http {

using Clock = std::chrono::steady_clock;

/// What all connections of a server share, on whichever thread they are.
struct Shared {
    Shared(Handler& given_handler, Options given) : handler(given_handler), options(std::move(given)) {}

    Handler& handler;
    const Options options;

    std::atomic<std::size_t> in_flight{0};
    std::atomic<std::size_t> body_bytes{0};  ///< of bodies that are there, but the short ones
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> refusals{0};
    std::atomic<std::uint64_t> timeouts{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused_connections{0};
    std::atomic<std::uint64_t> tls_failures{0};

    /// What all bodies together may take: more than usual ones of as many requests as may be answered at
    /// once, or a few of the largest.
    [[nodiscard]] std::size_t body_bytes_max() const {
        return std::max(options.requests_in_flight * 64 * 1024, 8 * options.body_limit);
    }

    /// Counts a new connection; false when a limit is reached.
    bool admit(const std::string& peer, bool reserved);
    void leave(const std::string& peer, bool reserved);
    [[nodiscard]] std::size_t open() const;
    /// Waits until no connection is open. False when `until` comes first.
    bool wait_until_empty(Clock::time_point until);

  private:
    mutable std::mutex mutex_;
    std::condition_variable emptied_;
    std::size_t open_ = 0;
    std::size_t reserved_ = 0;  ///< of these
    std::map<std::string, std::size_t> per_address_;
};

/// Where a connection comes from, and through what.
struct Origin {
    std::string peer;                         ///< the client's address
    unsigned listener = 0;                    ///< the listener's tag
    bool reserved = false;                    ///< as the listener is
    std::shared_ptr<const TlsContext> tls{};  ///< null: without
};

class Connection;

/// An io thread's part of a server. Everything in it is used on that thread only.
class Worker : public std::enable_shared_from_this<Worker> {
  public:
    Worker(boost::asio::io_context& context, std::shared_ptr<Shared> shared);

    /// Serves a socket of this thread's context, which was admitted, until it is closed.
    void serve(boost::asio::ip::tcp::socket socket, Origin origin);

    /// Looks at the connections' deadlines from time to time: one timer a thread instead of one an operation.
    void start_watch();
    void stop_watch();

    /// No further requests: idle connections are closed now, busy ones after their response.
    void drain();
    /// Ends all connections now.
    void cut();

    [[nodiscard]] boost::asio::io_context& context() { return context_; }

  private:
    friend class Connection;
    static boost::asio::awaitable<void> watch(std::shared_ptr<Worker> self);
    void refresh_date();

    boost::asio::io_context& context_;
    std::shared_ptr<Shared> shared_;
    boost::asio::steady_timer timer_;
    std::unordered_set<Connection*> connections_;
    std::vector<char> scratch_;  ///< what is read goes through here, so that idle connections need no buffer
    std::string date_;           ///< the Date header's line
    bool draining_ = false;
    bool watching_ = false;
};

/// Appends status line and headers, as they go before `response.body`.
void append_head(std::string& out, const Response& response, std::string_view date_line, int version,
                 bool keep_alive);

}  // namespace http
