// One thread a connection, which forwards until it is told to cut.
#include "tests/support/cutting_proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace tests {
namespace {

constexpr int look_around_ms = 20;  // how long a thread sleeps before it sees that the proxy stops

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

int connect_to(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(path);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

bool readable(int socket) {
    pollfd poll{socket, POLLIN, 0};
    return ::poll(&poll, 1, look_around_ms) > 0;
}

bool send_all(int socket, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

/// What there is; empty at the end of the stream.
std::string receive(int socket) {
    std::array<char, 65536> buffer;
    const auto count = ::recv(socket, buffer.data(), buffer.size(), 0);
    return count > 0 ? std::string(buffer.data(), static_cast<std::size_t>(count)) : std::string();
}

}  // namespace

CuttingProxy::CuttingProxy(std::string target) : target_(std::move(target)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "ledgerline-proxy-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make a folder like " + pattern);
    folder_ = pattern;
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(folder_ + "/.s.PGSQL.5432");
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0) {
        throw std::runtime_error("can't listen in " + folder_);
    }
    acceptor_ = std::jthread([this] { accept_connections(); });
}

CuttingProxy::~CuttingProxy() {
    stopping_ = true;
    acceptor_.join();
    connections_.clear();
    ::close(listener_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void CuttingProxy::cut(std::string marker, Moment moment) {
    const std::lock_guard lock(mutex_);
    order_ = Order{std::move(marker), moment};
}

void CuttingProxy::accept_connections() {
    while (!stopping_) {
        if (!readable(listener_)) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) connections_.emplace_back([this, client] { forward(client); });
    }
}

/// The order that these bytes fulfil. Each is given once.
std::optional<CuttingProxy::Moment> CuttingProxy::ordered(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    if (!order_ || bytes.find(order_->marker) == std::string::npos) return std::nullopt;
    const auto moment = order_->moment;
    order_.reset();
    return moment;
}

void CuttingProxy::forward(int client) {
    const int server = connect_to(target_);
    std::string recent;  // from the client: the marker may come in two pieces
    bool deaf = false;   // the server's next answer is the last thing that happens
    while (server >= 0 && !stopping_) {
        std::array<pollfd, 2> sockets{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
        if (::poll(sockets.data(), sockets.size(), look_around_ms) <= 0) continue;
        if (sockets[0].revents != 0) {
            const auto bytes = receive(client);
            if (bytes.empty()) break;
            recent = recent.substr(recent.size() - std::min<std::size_t>(recent.size(), 256)) + bytes;
            const auto moment = ordered(recent);
            if (moment == Moment::before_the_request_arrives) {
                ++cuts_;
                break;
            }
            deaf = deaf || moment == Moment::after_the_answer_was_given;
            if (!send_all(server, bytes)) break;
        }
        if (sockets[1].revents != 0) {
            const auto bytes = receive(server);
            if (deaf) {
                ++cuts_;
                break;
            }
            if (bytes.empty() || !send_all(client, bytes)) break;
        }
    }
    if (server >= 0) ::close(server);
    ::close(client);
}

}  // namespace tests
