// Listening, dealing connections to io threads, counting them, and stopping.
#include "frontend/http/server.hpp"

#include "base/ip.hpp"
#include "frontend/http/connection.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace http {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

bool Shared::admit(const std::string& peer, bool reserved) {
    constexpr std::size_t reserved_max = 64;
    const std::lock_guard lock(mutex_);
    if (reserved) {
        if (reserved_ >= reserved_max) return false;
        ++reserved_;
        ++open_;
        return true;
    }
    if (open_ - reserved_ >= options.connections) return false;
    if (options.connections_per_address != 0) {
        auto& count = per_address_[base::counted_address(peer)];
        if (count >= options.connections_per_address) return false;
        ++count;
    }
    ++open_;
    return true;
}

void Shared::leave(const std::string& peer, bool reserved) {
    const std::lock_guard lock(mutex_);
    if (reserved) {
        --reserved_;
    } else if (options.connections_per_address != 0) {
        const auto found = per_address_.find(base::counted_address(peer));
        if (found != per_address_.end() && --found->second == 0) per_address_.erase(found);
    }
    if (--open_ == 0) emptied_.notify_all();
}

std::size_t Shared::open() const {
    const std::lock_guard lock(mutex_);
    return open_;
}

bool Shared::wait_until_empty(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return emptied_.wait_until(lock, until, [this] { return open_ == 0; });
}

namespace {

/// Without its port; IPv4 in its own form even when it came through an IPv6 socket.
std::string address_of(const tcp::socket& socket) {
    error_code ec;
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) return {};
    const auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

/// Tells a client that there is no room, without waiting for what it wants.
void turn_away(tcp::socket& socket, Handler& handler) {
    const Response response = handler.refuse(Request(), Refusal::too_many_connections, 503);
    std::string bytes;
    append_head(bytes, response, {}, 11, false);
    bytes += response.body;
    error_code ec;
    socket.non_blocking(true, ec);
    socket.write_some(asio::buffer(bytes), ec);
    socket.shutdown(tcp::socket::shutdown_send, ec);
    // What has arrived is taken, so that closing does not reset the connection under the response.
    std::array<char, 16384> ignored{};
    socket.read_some(asio::buffer(ignored), ec);
}

}  // namespace

/// An address that is listened on; used on the first io thread once it accepts.
struct Listener {
    Listener(asio::io_context& context, const Listen& what)
        : options(what), acceptor(context), pause(context) {}

    const Listen options;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::uint16_t port = 0;

    void listen(int backlog) {
        const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
        acceptor.open(endpoint.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen(backlog);
        port = acceptor.local_endpoint().port();
    }
};

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
    std::shared_ptr<Shared> shared;
    std::vector<std::shared_ptr<Worker>> workers;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::atomic<std::shared_ptr<const TlsContext>> tls;
    std::size_t next_worker = 0;
    bool started = false;
    bool stopped = false;

    Impl(const std::vector<asio::io_context*>& threads, Handler& handler, Options options)
        : shared(std::make_shared<Shared>(handler, std::move(options))) {
        for (auto* context : threads) workers.push_back(std::make_shared<Worker>(*context, shared));
        for (const auto& listen : shared->options.listen) {
            listeners.push_back(std::make_unique<Listener>(*threads.at(0), listen));
        }
    }

    [[nodiscard]] bool has_tls() const { return std::ranges::any_of(shared->options.listen, &Listen::tls); }

    /// `listener` is one of self's.
    static asio::awaitable<void> accept(std::shared_ptr<Impl> self, Listener& listener);
    void deal(Worker& worker, tcp::socket socket, const Listen& listen);

    /// Runs `action` for each worker on its thread.
    void on_each(void (Worker::*action)()) {
        for (const auto& worker : workers) {
            asio::post(worker->context(), [worker, action] { (*worker.*action)(); });
        }
    }
};

asio::awaitable<void> Server::Impl::accept(std::shared_ptr<Impl> self, Listener& listener) {
    constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
    while (listener.acceptor.is_open()) {
        auto& worker = *self->workers[self->next_worker++ % self->workers.size()];
        auto [ec, socket] = co_await listener.acceptor.async_accept(worker.context(), as_result);
        if (!ec) {
            self->deal(worker, std::move(socket), listener.options);
        } else if (listener.acceptor.is_open() && ec != asio::error::connection_aborted) {
            // Out of descriptors or memory: others must close first, and trying at once would only burn time.
            listener.pause.expires_after(std::chrono::milliseconds(50));
            co_await listener.pause.async_wait(as_result);
        }
    }
}

void Server::Impl::deal(Worker& worker, tcp::socket socket, const Listen& listen) {
    Origin origin{address_of(socket), listen.tag, listen.reserved};
    if (!shared->admit(origin.peer, origin.reserved)) {
        shared->refused_connections.fetch_add(1, std::memory_order_relaxed);
        // Saying why would take a handshake first: work for the very clients of whom there are too many.
        if (!listen.tls) turn_away(socket, shared->handler);
        return;
    }
    if (listen.tls) origin.tls = tls.load();
    shared->accepted.fetch_add(1, std::memory_order_relaxed);
    asio::post(worker.context(),
               [owner = worker.shared_from_this(), moved = std::move(socket),
                from = std::move(origin)]() mutable { owner->serve(std::move(moved), std::move(from)); });
}

Server::Server(std::vector<asio::io_context*> threads, Handler& handler, Options options)
    : impl_(std::make_shared<Impl>(threads, handler, std::move(options))) {}

Server::~Server() {
    if (impl_->started && !impl_->stopped) stop(std::chrono::milliseconds(0));
}

void Server::start() {
    reload_tls();
    for (const auto& listener : impl_->listeners) {
        try {
            listener->listen(impl_->shared->options.backlog);
        } catch (const boost::system::system_error& error) {
            throw std::runtime_error("cannot listen on " + listener->options.address + ":" +
                                     std::to_string(listener->options.port) + ": " + error.code().message());
        }
    }
    impl_->started = true;
    impl_->on_each(&Worker::start_watch);
    for (const auto& listener : impl_->listeners) {
        asio::co_spawn(impl_->workers.front()->context(), Impl::accept(impl_, *listener), asio::detached);
    }
}

std::uint16_t Server::port(std::size_t listener) const { return impl_->listeners.at(listener)->port; }

bool Server::reload_tls() {
    if (!impl_->has_tls()) return false;
    impl_->tls = TlsContext::server(impl_->shared->options.tls);
    return true;
}

std::string Server::certificate_trouble() const {
    const auto tls = impl_->tls.load();
    return tls ? tls->out_of_date() : std::string();
}

void Server::stop_accepting() {
    asio::post(impl_->workers.front()->context(), [impl = impl_] {
        for (const auto& listener : impl->listeners) {
            error_code ignored;
            listener->acceptor.close(ignored);
            listener->pause.cancel();
        }
    });
    impl_->on_each(&Worker::drain);
}

bool Server::stop(std::chrono::milliseconds grace) {
    stop_accepting();
    auto& shared = *impl_->shared;
    const bool polite = shared.wait_until_empty(Clock::now() + grace);
    if (!polite) {
        impl_->on_each(&Worker::cut);
        // Connections whose request is still with the handler end when it answers.
        shared.wait_until_empty(Clock::now() + shared.options.linger_timeout);
    }
    impl_->on_each(&Worker::stop_watch);
    impl_->stopped = true;
    return polite;
}

Statistics Server::statistics() const {
    const auto& shared = *impl_->shared;
    Statistics figures;
    figures.connections_accepted = shared.accepted;
    figures.connections_refused = shared.refused_connections;
    figures.connections_open = shared.open();
    figures.requests = shared.requests;
    figures.requests_in_flight = shared.in_flight;
    figures.refusals = shared.refusals;
    figures.timeouts = shared.timeouts;
    figures.tls_failures = shared.tls_failures;
    return figures;
}

}  // namespace http
