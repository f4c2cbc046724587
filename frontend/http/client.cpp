// Connections to others: names, addresses, deadlines, reuse.
#include "frontend/http/client.hpp"

#include "frontend/http/names.hpp"
#include "frontend/http/transport.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cstdint>
#include <list>
#include <mutex>
#include <string_view>
#include <vector>

namespace http {
namespace asio = boost::asio;
namespace beast = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Why = NoResponse::Why;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = 16UL * 1024;

/// Where a URL leads.
struct Target {
    bool tls = false;
    std::string host;  ///< without brackets
    std::string port;
    std::string authority;  ///< for the Host header
    std::string path;       ///< with its query
};

/// Boost.URL reads any digits.
bool is_port(std::string_view digits) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() && number != 0;
}

std::variant<Target, std::string> parse_target(std::string_view text) {
    const auto url = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (!url) return "it is no URL";
    Target target;
    target.tls = url->scheme_id() == boost::urls::scheme::https;
    if (!target.tls && url->scheme_id() != boost::urls::scheme::http)
        return "its scheme is neither http nor https";
    if (url->has_userinfo()) return "it names a user";
    if (url->has_fragment()) return "it has a fragment";
    if (url->has_port() && !url->port().empty() && !is_port(url->port())) return "its port is none";
    target.host = url->host_address();
    if (target.host.empty()) return "it names no host";
    target.port =
        url->has_port() && !url->port().empty() ? std::string(url->port()) : (target.tls ? "443" : "80");
    target.authority = url->encoded_host_and_port();
    target.path = url->encoded_path().empty() ? "/" : std::string(url->encoded_path());
    if (url->has_query()) target.path += '?' + std::string(url->encoded_query());
    return target;
}

/// A deadline for the waits on one socket: when it comes, they end with operation_aborted.
class Deadline {
  public:
    Deadline(const asio::any_io_executor& executor, Clock::time_point at)
        : state_(std::make_shared<State>(executor)) {
        state_->timer.expires_at(at);
        state_->timer.async_wait([state = state_](error_code ec) {
            if (ec) return;
            state->passed = true;
            error_code ignored;
            if (state->socket != nullptr) state->socket->cancel(ignored);
        });
    }
    ~Deadline() {
        state_->socket = nullptr;
        state_->timer.cancel();
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    void watch(tcp::socket* socket) { state_->socket = socket; }
    [[nodiscard]] bool passed() const { return state_->passed; }

  private:
    struct State {
        explicit State(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        tcp::socket* socket = nullptr;
        bool passed = false;
    };
    std::shared_ptr<State> state_;
};

/// A connection, with what it was made for.
struct Connected {
    Connected(tcp::socket socket, std::string given_key)
        : transport(std::move(socket)), key(std::move(given_key)) {}
    Transport transport;
    std::string key;  ///< scheme, host, port and the io thread
    Clock::time_point idle_since{};
};
using Connection = std::unique_ptr<Connected>;
using Opened = std::variant<Connection, NoResponse>;

/// One exchange on a connection.
class Exchange {
  public:
    /// `connecting`, where there is one, ends when the first bytes are sent: with TLS, after the handshake.
    Exchange(Connected& connection, Deadline& deadline, std::optional<Deadline>& connecting,
             const ClientOptions& options)
        : transport_(connection.transport), deadline_(deadline), connecting_(connecting), options_(options) {
        renew();
    }

    asio::awaitable<bool> send(std::string head, std::string_view body);
    asio::awaitable<bool> receive();

    [[nodiscard]] bool heard_anything() const { return heard_; }
    [[nodiscard]] bool reusable() const { return parser_->keep_alive() && rest_.empty(); }
    IncomingResponse response() {
        auto& message = parser_->get();
        const auto type = message[beast::field::content_type];
        return {message.result_int(), {type.data(), type.size()}, std::move(message.body())};
    }
    [[nodiscard]] NoResponse failure() const {
        if (deadline_.passed()) return {Why::too_late, "no answer in time", sent_};
        if (connecting_ && connecting_->passed()) return {Why::too_late, "no connection in time", sent_};
        return {why_, reason_, sent_};
    }

  private:
    using Parser = beast::response_parser<beast::string_body>;

    void renew() {
        parser_.emplace();
        parser_->eager(true);
        parser_->header_limit(static_cast<std::uint32_t>(options_.header_limit));
        parser_->body_limit(options_.body_limit);
    }
    asio::awaitable<bool> ready() {
        const auto [ec] = co_await transport_.socket().async_wait(transport_.wanted(), as_result);
        co_return !ec && !deadline_.passed();
    }
    bool parse();
    bool fail(Why why, std::string reason) {
        why_ = why;
        reason_ = std::move(reason);
        return false;
    }
    bool fail_transport(const error_code& ec) {
        if (!transport_.tls_failure().empty()) return fail(Why::untrusted, transport_.tls_failure());
        return fail(Why::broken, ec.message());
    }

    Transport& transport_;
    Deadline& deadline_;
    std::optional<Deadline>& connecting_;
    const ClientOptions& options_;
    std::optional<Parser> parser_;
    std::string rest_;
    Why why_ = Why::broken;
    std::string reason_;
    bool sent_ = false;
    bool heard_ = false;
};

asio::awaitable<bool> Exchange::send(std::string head, std::string_view body) {
    std::string_view rest = head;
    while (!rest.empty() || !body.empty()) {
        error_code ec;
        const auto count = transport_.write_some(rest, body, ec);
        if (ec && ec != asio::error::would_block) co_return fail_transport(ec);
        if (ec) {
            const bool go_on = co_await ready();
            if (!go_on) co_return fail(Why::broken, "the connection ended");
            continue;
        }
        sent_ = true;
        connecting_.reset();
        const auto of_head = std::min(count, rest.size());
        rest.remove_prefix(of_head);
        body.remove_prefix(count - of_head);
    }
    co_return true;
}

/// Takes what has come. False: it is no answer that is read.
bool Exchange::parse() {
    // Beast asserts five bytes at a last chunk; every chunked message that goes on has them left.
    const auto enough = [this] {
        return !parser_->is_header_done() || !parser_->chunked() || rest_.size() >= 5;
    };
    while (!rest_.empty() && !parser_->is_done() && enough()) {
        error_code ec;
        const auto used = parser_->put(asio::buffer(rest_), ec);
        rest_.erase(0, used);
        if (ec == beast::error::need_more) {
            if (used == 0) break;
            continue;
        }
        if (ec == beast::error::body_limit || ec == beast::error::header_limit) {
            return fail(Why::too_large, "the answer is larger than is read");
        }
        if (ec) return fail(Why::broken, "the answer is no HTTP: " + ec.message());
        if (parser_->is_done() && parser_->get().result_int() < 200) renew();  // 100 Continue and the like
    }
    if (rest_.size() > options_.header_limit)
        return fail(Why::too_large, "the answer is larger than is read");
    return true;
}

asio::awaitable<bool> Exchange::receive() {
    std::array<char, read_bytes> buffer{};
    while (!parser_->is_done()) {
        error_code ec;
        const auto count = transport_.read_some(buffer, ec);
        if (ec == asio::error::would_block) {
            const bool go_on = co_await ready();
            if (!go_on) co_return fail(Why::broken, "the connection ended");
            continue;
        }
        if (ec == asio::error::eof && parser_->need_eof() && parser_->is_header_done()) {
            error_code incomplete;
            parser_->put_eof(incomplete);
            if (!incomplete) co_return true;
        }
        if (ec) co_return fail_transport(ec);
        heard_ = true;
        rest_.append(buffer.data(), count);
        if (!parse()) co_return false;
    }
    co_return true;
}

std::string head_of(const OutgoingRequest& request, const Target& target) {
    return "POST " + target.path + " HTTP/1.1\r\nHost: " + target.authority +
           "\r\nUser-Agent: ledgerline\r\nContent-Type: " + request.content_type +
           "\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n" + request.headers + "\r\n";
}

}  // namespace

struct Client::Impl {
    const ClientOptions options;
    const std::shared_ptr<const TlsContext> tls;
    Names names;
    std::mutex mutex;
    std::list<Connection> idle;  ///< the oldest first

    explicit Impl(ClientOptions given)
        : options(std::move(given)), tls(TlsContext::client(options.ca_file)) {}

    [[nodiscard]] bool may_connect(const asio::ip::address& address) const {
        return is_public(address) || options.allowed.contains(address);
    }

    /// A connection of that key that was kept; null: there is none.
    Connection take(const std::string& key) {
        const std::lock_guard lock(mutex);
        const auto oldest = Clock::now() - options.idle_timeout;
        for (auto it = idle.rbegin(); it != idle.rend(); ++it) {
            if ((*it)->key != key || (*it)->idle_since < oldest) continue;
            auto found = std::move(*it);
            idle.erase(std::next(it).base());
            return found;
        }
        return nullptr;
    }

    void keep(Connection connection) {
        const std::lock_guard lock(mutex);
        const auto now = Clock::now();
        connection->idle_since = now;
        idle.push_back(std::move(connection));
        while (!idle.empty() && (idle.size() > options.idle_connections ||
                                 idle.front()->idle_since < now - options.idle_timeout)) {
            idle.pop_front();
        }
    }

    asio::awaitable<Opened> open(Target target, std::string key, Clock::time_point until);
    asio::awaitable<Exchanged> exchange(OutgoingRequest request, Target target, Clock::time_point until);
};

/// Connects to the addresses that were looked at, not to the name again: it might mean something else by
/// then. Each has its share of the time that is left, as one that says nothing must leave some to the others.
asio::awaitable<Opened> Client::Impl::open(Target target, std::string key, Clock::time_point until) {
    const auto executor = co_await asio::this_coro::executor;
    auto addresses = co_await names.find(target.host, until);
    if (addresses.empty()) co_return NoResponse{Why::unreachable, "no address of " + target.host};
    NoResponse failure{Why::not_allowed, target.host + " has no address that may be connected to"};
    std::erase_if(addresses, [this](const auto& address) { return !may_connect(address); });
    auto left = static_cast<int>(addresses.size());
    for (const auto& address : addresses) {
        const auto now = Clock::now();
        const auto share = (until - now) / left--;
        const tcp::endpoint endpoint(address, static_cast<std::uint16_t>(std::stoi(target.port)));
        tcp::socket socket(executor);
        error_code ec;
        socket.open(endpoint.protocol(), ec);
        if (!ec) socket.non_blocking(true, ec);
        if (!ec) socket.set_option(tcp::no_delay(true), ec);
        if (!ec) {
            Deadline deadline(executor, now + share);
            deadline.watch(&socket);
            const auto [connected] = co_await socket.async_connect(endpoint, as_result);
            ec = connected;
            if (deadline.passed()) {
                failure = {Why::too_late, "no connection in time"};
                continue;
            }
        }
        if (ec) {
            failure = {Why::unreachable, "cannot connect to " + target.authority + ": " + ec.message()};
            continue;
        }
        auto connection = std::make_unique<Connected>(std::move(socket), std::move(key));
        if (target.tls) connection->transport.connect_tls(tls, target.host);
        co_return connection;
    }
    co_return failure;
}

asio::awaitable<Exchanged> Client::Impl::exchange(OutgoingRequest request, Target target,
                                                  Clock::time_point until) {
    const auto executor = co_await asio::this_coro::executor;
    auto key =
        (target.tls ? "s " : "p ") + target.host + ' ' + target.port + ' ' +
        std::to_string(reinterpret_cast<std::uintptr_t>(&asio::query(executor, asio::execution::context)));
    for (;;) {
        auto connection = take(key);
        const bool used = connection != nullptr;
        std::optional<Deadline> connecting;
        if (!used) {
            const auto connected_by = std::min(until, Clock::now() + options.connect_timeout);
            auto opened = co_await open(target, key, connected_by);
            if (auto* failure = std::get_if<NoResponse>(&opened)) co_return std::move(*failure);
            connection = std::move(std::get<Connection>(opened));
            connecting.emplace(executor, connected_by);
            connecting->watch(&connection->transport.socket());
        }
        Deadline deadline(executor, until);
        deadline.watch(&connection->transport.socket());
        Exchange exchange(*connection, deadline, connecting, options);
        bool done = co_await exchange.send(head_of(request, target), request.body);
        if (done) done = co_await exchange.receive();
        // Servers end connections that were kept just when they are used again, and then read nothing of it.
        if (!done && used && !exchange.heard_anything() && !deadline.passed()) continue;
        if (!done) co_return exchange.failure();
        const bool reusable = exchange.reusable();
        auto response = exchange.response();
        if (reusable) keep(std::move(connection));
        co_return response;
    }
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

std::optional<std::string> Client::objection(std::string_view url) const {
    const auto parsed = parse_target(url);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return *wrong;
    error_code no_address;
    const auto address = asio::ip::make_address(std::get<Target>(parsed).host, no_address);
    if (!no_address && !impl_->may_connect(address)) return "its address may not be connected to";
    return std::nullopt;
}

asio::awaitable<Exchanged> Client::post(OutgoingRequest request) {
    const auto until = Clock::now() + request.timeout;
    auto parsed = parse_target(request.url);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) {
        co_return NoResponse{Why::bad_url, request.url + ": " + *wrong};
    }
    co_return co_await impl_->exchange(std::move(request), std::get<Target>(std::move(parsed)), until);
}

}  // namespace http
