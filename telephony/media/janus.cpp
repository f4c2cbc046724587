// The session's life is one coroutine: connect, make a session, keep it alive, and again. Another one reads.
#include "telephony/media/janus.hpp"

#include <sys/un.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_seq_packet_socket.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/seq_packet_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace media {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

using Socket = asio::generic::seq_packet_protocol::socket;
using Timer = asio::steady_timer;
constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr auto plugin = "janus.plugin.audiobridge";

/// Janus's packets are a few kB at most.
constexpr std::size_t packet_limit = 65'536;

std::string_view text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    const auto* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string_view(*text) : std::string_view();
}

const json::object* object_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr ? value->if_object() : nullptr;
}

/// The number that Janus gave to what it made: `{"data": {"id": 17}}`.
std::optional<std::uint64_t> made_id(const std::optional<json::object>& reply) {
    if (!reply || text_of(*reply, "janus") != "success") return std::nullopt;
    const auto* data = object_of(*reply, "data");
    const auto* id = data != nullptr ? data->if_contains("id") : nullptr;
    if (id == nullptr) return std::nullopt;
    json::error_code error;
    const auto number = id->to_number<std::uint64_t>(error);
    return error ? std::nullopt : std::optional(number);
}

}  // namespace

struct Janus::State : std::enable_shared_from_this<State> {
    /// Somebody who waits for a reply: woken by the end of the timer's wait.
    struct Waiting {
        explicit Waiting(Timer until) : timer(std::move(until)) {}
        Timer timer;
        bool past_ack = false;  ///< "ack" is not the reply yet
        std::optional<json::object> reply;
    };

    JanusOptions options;
    asio::any_io_executor executor;
    Callbacks callbacks;
    base::Logger log;
    Timer pause;  ///< between keepalives, and between connections
    std::shared_ptr<Socket> socket;
    std::optional<std::uint64_t> session;
    std::optional<Handle> own;                                ///< the handle for rooms
    std::map<std::string, std::shared_ptr<Waiting>> waiting;  ///< by transaction
    std::uint64_t transactions = 0;
    std::deque<std::string> unsent;  ///< messages that the kernel has no room for yet
    bool closed = false;
    bool complained = false;
    std::atomic<int> unanswered = 0;  ///< requests and connections in a row

    State(JanusOptions given, asio::any_io_executor on, Callbacks tell, base::Logger to)
        : options(std::move(given)),
          executor(std::move(on)),
          callbacks(std::move(tell)),
          log(std::move(to)),
          pause(executor) {}

    asio::awaitable<void> live();
    asio::awaitable<bool> connect();
    asio::awaitable<void> read(std::shared_ptr<Socket> from);
    asio::awaitable<bool> still_there();
    asio::awaitable<std::optional<json::object>> request(json::object message);
    bool send(json::object& message);
    void flush();
    void received(json::object message);
    void drop();
};

/// Ends the connection; live() makes the next one.
void Janus::State::drop() {
    const bool had = own.has_value();
    if (socket) {
        boost::system::error_code ignored;
        socket->close(ignored);
    }
    socket.reset();
    session.reset();
    own.reset();
    unsent.clear();
    for (auto& [transaction, entry] : std::exchange(waiting, {})) entry->timer.cancel();
    pause.cancel();
    if (!had || closed) return;
    log.warning("the bridge is lost");
    callbacks.lost();
}

/// Does not wait: many calls that end at once say more than the kernel's buffer takes, and the rest follows.
/// A Janus that is stuck is known by its next reply, which does not come.
bool Janus::State::send(json::object& message) {
    if (!socket) return false;
    message["transaction"] = std::to_string(++transactions);
    if (session) message["session_id"] = *session;
    unsent.push_back(json::serialize(message));
    if (unsent.size() == 1) flush();
    return socket != nullptr;
}

void Janus::State::flush() {
    boost::system::error_code error;
    while (!error && !unsent.empty()) {
        socket->send(asio::buffer(unsent.front()), 0, error);
        if (!error) unsent.pop_front();
    }
    if (error == asio::error::would_block) {
        const auto writable = [self = shared_from_this(), to = socket](const auto& wrong) {
            if (!wrong && to == self->socket) self->flush();
        };
        socket->async_wait(Socket::wait_write, writable);
    } else if (error) {
        drop();
    }
}

asio::awaitable<std::optional<json::object>> Janus::State::request(json::object message) {
    const auto self = shared_from_this();
    if (!send(message)) co_return std::nullopt;
    const auto transaction = std::to_string(transactions);
    const auto entry = std::make_shared<Waiting>(Timer(executor, options.timeout));
    entry->past_ack = text_of(message, "janus") == "message";
    waiting[transaction] = entry;
    const auto [cancelled] = co_await entry->timer.async_wait(awaited);
    waiting.erase(transaction);
    if (!cancelled && !entry->reply) {
        // What it would answer later nobody waits for: it begins anew, and so do we.
        ++unanswered;
        log.warning("the bridge does not answer in time", {{"request", text_of(message, "janus")}});
        drop();
    }
    co_return std::move(entry->reply);
}

void Janus::State::received(json::object message) {
    const auto what = text_of(message, "janus");
    const auto entry = waiting.find(std::string(text_of(message, "transaction")));
    if (entry != waiting.end()) {
        if (what == "ack" && entry->second->past_ack) return;
        entry->second->reply = std::move(message);
        entry->second->timer.cancel();
        return;
    }
    if (what == "timeout") {
        drop();
    } else if (what == "event" || what == "detached") {
        callbacks.event(message);
    }
}

asio::awaitable<void> Janus::State::read(std::shared_ptr<Socket> from) {
    const auto self = shared_from_this();
    std::vector<char> packet(packet_limit);
    for (;;) {
        asio::socket_base::message_flags flags = 0;
        const auto [error, size] = co_await from->async_receive(asio::buffer(packet), flags, awaited);
        if (from != socket) co_return;
        // An empty packet is the end.
        if (error || size == 0) {
            drop();
            co_return;
        }
        json::error_code wrong;
        auto value = json::parse(std::string_view(packet.data(), size), wrong);
        if (wrong || !value.is_object()) {
            log.error("the bridge says what is no JSON object");
            continue;
        }
        received(std::move(value.get_object()));
    }
}

/// A connection, a session in it, and the handle for rooms.
asio::awaitable<bool> Janus::State::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options.socket.size() >= sizeof address.sun_path) co_return false;
    std::memcpy(address.sun_path, options.socket.data(), options.socket.size());
    const asio::generic::seq_packet_protocol protocol(AF_UNIX, 0);
    const asio::generic::seq_packet_protocol::endpoint endpoint(&address, sizeof address);
    auto fresh = std::make_shared<Socket>(executor);
    boost::system::error_code error;
    fresh->open(protocol, error);
    // To connect to a Unix socket waits only where its backlog is full: that is stuck, too.
    if (!error) fresh->non_blocking(true, error);
    if (!error) fresh->connect(endpoint, error);
    if (error) {
        ++unanswered;
        co_return false;
    }
    socket = fresh;
    asio::co_spawn(executor, read(fresh), asio::detached);
    json::object create{{"janus", "create"}};
    const auto made = made_id(co_await request(std::move(create)));
    if (!made || socket != fresh) co_return false;
    session = made;
    json::object attach{{"janus", "attach"}, {"plugin", plugin}};
    const auto handle = made_id(co_await request(std::move(attach)));
    if (!handle || socket != fresh) co_return false;
    own = handle;
    unanswered = 0;
    co_return true;
}

/// Waits until the next word is due, and says it. False: the session is gone.
asio::awaitable<bool> Janus::State::still_there() {
    const auto current = socket;
    pause.expires_after(options.keepalive);
    co_await pause.async_wait(awaited);
    if (closed || !socket || socket != current) co_return false;
    json::object keepalive{{"janus", "keepalive"}};
    const auto reply = co_await request(std::move(keepalive));
    co_return reply&& text_of(*reply, "janus") == "ack" && socket == current;
}

asio::awaitable<void> Janus::State::live() {
    const auto self = shared_from_this();
    auto delay = options.reconnect_min;
    while (!closed) {
        if (co_await connect()) {
            log.info("the bridge is there");
            complained = false;
            delay = options.reconnect_min;
            callbacks.found();
            while (co_await still_there()) {
            }
        } else if (!std::exchange(complained, true) && !closed) {
            log.warning("the bridge does not answer; trying again", {{"socket", options.socket}});
        }
        drop();
        if (closed) co_return;
        pause.expires_after(delay);
        co_await pause.async_wait(awaited);
        delay = std::min(delay * 2, options.reconnect_max);
    }
}

Janus::Janus(JanusOptions options, asio::any_io_executor executor, Callbacks callbacks, base::Logger log)
    : state_(std::make_shared<State>(std::move(options), std::move(executor), std::move(callbacks),
                                     std::move(log))) {}

Janus::~Janus() { close(); }

void Janus::start() { asio::co_spawn(state_->executor, state_->live(), asio::detached); }

void Janus::close() {
    state_->closed = true;
    state_->drop();
}

bool Janus::hangs() const { return state_->unanswered >= 2; }

bool Janus::up() const { return state_->own.has_value(); }

asio::awaitable<std::optional<Handle>> Janus::attach() {
    const auto state = state_;
    if (!state->own) co_return std::nullopt;
    json::object attach{{"janus", "attach"}, {"plugin", plugin}};
    co_return made_id(co_await state->request(std::move(attach)));
}

void Janus::detach(Handle handle) {
    json::object detach{{"janus", "detach"}, {"handle_id", handle}};
    if (state_->own) state_->send(detach);
}

asio::awaitable<std::optional<json::object>> Janus::message(std::optional<Handle> handle, json::object body) {
    const auto state = state_;
    if (!state->own) co_return std::nullopt;
    json::object message{{"janus", "message"}, {"handle_id", handle.value_or(*state->own)}};
    message["body"] = std::move(body);
    const auto reply = co_await state->request(std::move(message));
    const auto* data = reply ? object_of(*reply, "plugindata") : nullptr;
    const auto* answer = data != nullptr ? object_of(*data, "data") : nullptr;
    co_return answer != nullptr ? std::optional(*answer) : std::nullopt;
}

void Janus::tell(json::object body) {
    if (!state_->own) return;
    json::object message{{"janus", "message"}, {"handle_id", *state_->own}};
    message["body"] = std::move(body);
    state_->send(message);
}

}  // namespace media
