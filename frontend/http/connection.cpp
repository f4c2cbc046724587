// The life of a connection, and the io thread's watch over deadlines.
#include "frontend/http/connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <ctime>
#include <exception>
#include <utility>

namespace http {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t scratch_bytes = 64UL * 1024;
/// Shorter bodies are not counted among all bodies: the number of connections bounds them.
constexpr std::size_t short_body_bytes = 16UL * 1024;
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

void append_number(std::string& out, std::size_t value) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

/// Counts a request as in flight while it lives.
class InFlight {
  public:
    InFlight(Shared& shared, bool reserved)
        : count_(shared.in_flight),
          admitted_(count_.fetch_add(1) < shared.options.requests_in_flight || reserved) {}
    ~InFlight() { count_.fetch_sub(1); }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    [[nodiscard]] bool admitted() const { return admitted_; }

  private:
    std::atomic<std::size_t>& count_;
    bool admitted_;
};

}  // namespace

void append_head(std::string& out, const Response& response, std::string_view date_line, int version,
                 bool keep_alive) {
    if (response.status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
    } else {
        out += "HTTP/1.1 ";
        append_number(out, response.status);
        out.append(1, ' ').append(reason_phrase(response.status)).append("\r\n");
    }
    out += date_line;
    if (!response.content_type.empty()) {
        out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
    out += response.headers;
    if (!keep_alive) {
        out += "Connection: close\r\n";
    } else if (version < 11) {
        out += "Connection: keep-alive\r\n";
    }
    out += "\r\n";
}

/// A connection and its coroutine, on one io thread.
class Connection {
  public:
    Connection(std::shared_ptr<Worker> worker, tcp::socket socket, Origin origin)
        : worker_(std::move(worker)),
          shared_(*worker_->shared_),
          transport_(std::move(socket)),
          origin_(std::move(origin)),
          parser_({shared_.options.header_limit, shared_.options.body_limit}) {
        if (origin_.tls) transport_.accept_tls(std::move(origin_.tls));
        worker_->connections_.insert(this);
    }
    ~Connection() {
        shared_.body_bytes.fetch_sub(counted_);
        worker_->connections_.erase(this);
        shared_.leave(origin_.peer, origin_.reserved);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Serves until the connection is closed. The coroutine's frame owns the connection.
    static asio::awaitable<void> run(std::unique_ptr<Connection> self);

    void check_deadline(Clock::time_point now) {
        if (now < deadline_) return;
        shared_.timeouts.fetch_add(1, std::memory_order_relaxed);
        interrupt();
    }
    void drain() {
        if (idle_) interrupt();
    }
    void cut() {
        error_code ignored;
        transport_.socket().close(ignored);
    }

  private:
    enum class Next : std::uint8_t { answer, refuse, close };

    asio::awaitable<bool> shake_hands();
    asio::awaitable<Next> read_request();
    asio::awaitable<Response> answer();
    asio::awaitable<bool> write(std::string_view head, std::string_view body);
    asio::awaitable<void> linger();

    RequestParser::State parse(std::string_view fresh);
    [[nodiscard]] Response refuse(Refusal refusal, unsigned status);
    [[nodiscard]] bool stays_open() const;
    [[nodiscard]] bool has_room_for_body();
    void forget_request();

    /// Ends the wait under way with operation_aborted.
    void interrupt() {
        deadline_ = Clock::time_point::max();
        error_code ignored;
        transport_.socket().cancel(ignored);
    }
    /// Waits until the transport can go on.
    asio::awaitable<error_code> ready() {
        const auto [waited] = co_await transport_.socket().async_wait(transport_.wanted(), as_result);
        co_return waited;
    }
    void describe(Request& request) const {
        request.peer = origin_.peer;
        request.listener = origin_.listener;
        request.secure = transport_.is_tls();
        request.certificate = certificate_ ? &*certificate_ : nullptr;
    }
    void allow(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
    void allow_for_ever() { deadline_ = Clock::time_point::max(); }

    std::shared_ptr<Worker> worker_;
    Shared& shared_;
    Transport transport_;
    Origin origin_;
    std::optional<PeerCertificate> certificate_;
    RequestParser parser_;
    std::string unparsed_;  ///< read, but not used by the request under way
    std::string head_;
    Clock::time_point deadline_ = Clock::time_point::max();
    std::size_t served_ = 0;
    std::size_t counted_ = 0;  ///< bytes of the request's body in Shared::body_bytes
    Refusal refusal_ = Refusal::malformed;
    unsigned refusal_status_ = 400;
    bool idle_ = false;  ///< waits for a request of which nothing has come
};

asio::awaitable<void> Connection::run(std::unique_ptr<Connection> self) {
    auto& c = *self;
    if (c.transport_.is_tls()) {
        const bool secured = co_await c.shake_hands();
        if (!secured) co_return;
    }
    for (;;) {
        const Next next = co_await c.read_request();
        if (next == Next::close) break;

        Response response;
        if (next == Next::answer) {
            response = co_await c.answer();
        } else {
            response = c.refuse(c.refusal_, c.refusal_status_);
        }
        ++c.served_;
        const auto& request = c.parser_.request();
        const bool keep = next == Next::answer && c.stays_open();
        c.head_.clear();
        append_head(c.head_, response, c.worker_->date_, request.version, keep);
        const std::string_view body = request.method == Method::head ? std::string_view() : response.body;
        const bool written = co_await c.write(c.head_, body);
        if (!written) break;
        if (!keep) {
            // Closing while bytes are unread resets the connection, and the client may never see the
            // response.
            c.forget_request();
            if (next == Next::refuse || !c.unparsed_.empty()) co_await c.linger();
            break;
        }
        c.forget_request();
    }
}

/// What the client sends first may come with the end of its handshake; it is kept.
asio::awaitable<bool> Connection::shake_hands() {
    allow(shared_.options.read_timeout);
    while (transport_.handshaking()) {
        error_code ec;
        const auto count = transport_.read_some(worker_->scratch_, ec);
        unparsed_.append(worker_->scratch_.data(), count);
        if (!ec) break;
        if (ec == asio::error::would_block && !transport_.handshaking()) break;
        error_code waited = ec;
        if (ec == asio::error::would_block) waited = co_await ready();
        if (waited) {
            shared_.tls_failures.fetch_add(1, std::memory_order_relaxed);
            co_return false;
        }
    }
    allow_for_ever();
    certificate_ = transport_.peer_certificate();
    co_return true;
}

RequestParser::State Connection::parse(std::string_view fresh) {
    if (unparsed_.empty()) {
        const auto progress = parser_.feed(fresh);
        unparsed_ = fresh.substr(progress.used);
        return progress.state;
    }
    unparsed_ += fresh;
    const auto progress = parser_.feed(unparsed_);
    unparsed_.erase(0, progress.used);
    return progress.state;
}

asio::awaitable<Connection::Next> Connection::read_request() {
    bool continued = false;
    bool timed = false;
    auto state = unparsed_.empty() ? RequestParser::State::incomplete : parse({});
    while (state == RequestParser::State::incomplete) {
        idle_ = !parser_.begun();
        if (idle_) {
            if (worker_->draining_) co_return Next::close;
            allow(shared_.options.idle_timeout);
        } else if (!timed) {
            timed = true;
            allow(shared_.options.read_timeout);
        }
        if (!continued && parser_.expects_continue()) {
            continued = true;
            const bool written = co_await write(continue_line, std::string_view());
            if (!written) co_return Next::close;
            allow(shared_.options.read_timeout);
        }

        const auto waited = co_await ready();
        const bool was_idle = std::exchange(idle_, false);
        if (waited == asio::error::operation_aborted && !was_idle && transport_.socket().is_open()) {
            refusal_ = Refusal::too_slow;
            refusal_status_ = 408;
            co_return Next::refuse;
        }
        if (waited) co_return Next::close;
        error_code ec;
        auto& scratch = worker_->scratch_;
        const auto count = transport_.read_some(scratch, ec);
        if (ec == asio::error::would_block) continue;
        if (ec) co_return Next::close;
        state = parse({scratch.data(), count});
        if (state != RequestParser::State::refused && !has_room_for_body()) {
            allow_for_ever();
            refusal_ = Refusal::overloaded;
            refusal_status_ = 503;
            co_return Next::refuse;
        }
    }
    allow_for_ever();
    if (state == RequestParser::State::complete) co_return Next::answer;
    refusal_ = parser_.refusal();
    refusal_status_ = parser_.status();
    co_return Next::refuse;
}

asio::awaitable<Response> Connection::answer() {
    auto& request = parser_.request();
    describe(request);
    request.received = Clock::now();
    shared_.requests.fetch_add(1, std::memory_order_relaxed);
    const InFlight in_flight(shared_, origin_.reserved);
    if (!in_flight.admitted()) co_return refuse(Refusal::overloaded, 503);
    try {
        co_return co_await shared_.handler.handle(request);
    } catch (const std::exception&) {
        // Answered below: what the handler could not say, it says as a refusal.
    }
    co_return refuse(Refusal::failed, 500);
}

Response Connection::refuse(Refusal refusal, unsigned status) {
    shared_.refusals.fetch_add(1, std::memory_order_relaxed);
    auto& request = parser_.request();
    describe(request);
    return shared_.handler.refuse(request, refusal, status);
}

bool Connection::stays_open() const {
    const auto limit = shared_.options.requests_per_connection;
    return parser_.keep_alive() && !worker_->draining_ && (limit == 0 || served_ < limit);
}

/// Counts the body as far as it is there. False: all together take too much.
bool Connection::has_room_for_body() {
    const auto size = parser_.request().body.size();
    if (size <= short_body_bytes) return true;
    const auto more = size - counted_;
    counted_ = size;
    return shared_.body_bytes.fetch_add(more) + more <= shared_.body_bytes_max();
}

void Connection::forget_request() {
    if (counted_ > 0) shared_.body_bytes.fetch_sub(std::exchange(counted_, 0));
    parser_.reset();
}

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body) {
    bool timed = false;
    for (;;) {
        error_code ec;
        const auto count = transport_.write_some(head, body, ec);
        if (ec && ec != asio::error::would_block) co_return false;
        const auto of_head = std::min(count, head.size());
        head.remove_prefix(of_head);
        body.remove_prefix(count - of_head);
        if (head.empty() && body.empty()) break;
        if (!timed) {
            timed = true;
            allow(shared_.options.write_timeout);
        }
        const auto waited = co_await ready();
        if (waited) co_return false;
    }
    allow_for_ever();
    co_return true;
}

asio::awaitable<void> Connection::linger() {
    transport_.shutdown_send();
    error_code ec;
    allow(shared_.options.linger_timeout);
    std::size_t total = 0;
    while (!ec && total < shared_.options.linger_limit) {
        const auto [waited] = co_await transport_.socket().async_wait(tcp::socket::wait_read, as_result);
        if (waited) break;
        // What comes is thrown away as it is, encrypted or not.
        total += transport_.socket().read_some(asio::buffer(worker_->scratch_), ec);
        if (ec == asio::error::would_block) ec = {};
    }
}

Worker::Worker(asio::io_context& context, std::shared_ptr<Shared> shared)
    : context_(context), shared_(std::move(shared)), timer_(context), scratch_(scratch_bytes) {
    refresh_date();
}

void Worker::serve(tcp::socket socket, Origin origin) {
    error_code ec;
    socket.non_blocking(true, ec);
    if (!ec) socket.set_option(tcp::no_delay(true), ec);
    // A socket that refuses its options is already dead; its coroutine finds out.
    auto connection = std::make_unique<Connection>(shared_from_this(), std::move(socket), std::move(origin));
    asio::co_spawn(context_, Connection::run(std::move(connection)), asio::detached);
}

void Worker::start_watch() {
    watching_ = true;
    asio::co_spawn(context_, watch(shared_from_this()), asio::detached);
}

void Worker::stop_watch() {
    watching_ = false;
    timer_.cancel();
}

asio::awaitable<void> Worker::watch(std::shared_ptr<Worker> self) {
    const auto& options = self->shared_->options;
    const auto shortest =
        std::min({options.idle_timeout, options.read_timeout, options.write_timeout, options.linger_timeout});
    // Often enough that a deadline is kept within a quarter, and that Date is right.
    const auto pause = std::clamp(shortest / 4, std::chrono::milliseconds(1), std::chrono::milliseconds(500));
    while (self->watching_) {
        self->timer_.expires_after(pause);
        co_await self->timer_.async_wait(as_result);
        self->refresh_date();
        const auto now = Clock::now();
        for (auto* connection : self->connections_) connection->check_deadline(now);
    }
}

void Worker::drain() {
    draining_ = true;
    for (auto* connection : connections_) connection->drain();
}

void Worker::cut() {
    draining_ = true;
    for (auto* connection : connections_) connection->cut();
}

void Worker::refresh_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    // strftime's names follow the locale; a server that never calls setlocale has "C".
    std::array<char, 64> line{};
    const auto size = std::strftime(line.data(), line.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date_.assign(line.data(), size);
}

}  // namespace http
