// By what the kernel knows of each socket at our port.
#include "telephony/sip/streams.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace sip {
namespace {

/// As often as connections are counted while others are closed for there being too many.
constexpr std::chrono::seconds count_pause{1};

/// At once; the stack's backlog is that long.
constexpr int refused_max = 64;

bool is_at(int socket, std::uint16_t port) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
    if (address.ss_family == AF_INET) return reinterpret_cast<sockaddr_in&>(address).sin_port == htons(port);
    return address.ss_family == AF_INET6 && reinterpret_cast<sockaddr_in6&>(address).sin6_port == htons(port);
}

/// Nothing: it is no TCP.
std::optional<tcp_info> info_of(int socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    return info;
}

/// As IPv6 has it, IPv4 at its end; all zeros: there is none. Of IPv6 the /64 only, all of which one peer
/// has.
using Address = std::array<unsigned char, sizeof(in6_addr)>;

Address peer_of(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Address result{};
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return result;
    const auto& v6 = reinterpret_cast<sockaddr_in6&>(address).sin6_addr;
    if (address.ss_family == AF_INET6)
        std::memcpy(result.data(), &v6, IN6_IS_ADDR_V4MAPPED(&v6) ? sizeof v6 : sizeof v6 / 2);
    else
        std::memcpy(result.data() + sizeof(in6_addr) - sizeof(in_addr),
                    &reinterpret_cast<sockaddr_in&>(address).sin_addr, sizeof(in_addr));
    return result;
}

/// In their order: the newest are among the last.
std::vector<int> descriptors() {
    std::vector<int> result;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failure)) {
        const auto name = entry.path().filename().string();
        std::from_chars(name.data(), name.data() + name.size(), result.emplace_back(-1));
    }
    std::sort(result.begin(), result.end());
    return result;
}

void reset(int socket) {
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    [[maybe_unused]] const auto done = ::connect(socket, &nobody, sizeof nobody);
}

}  // namespace

Streams::~Streams() {
    if (listener_ >= 0) ::close(listener_);
}

void Streams::look() {
    std::set<int> closed;
    std::map<Address, std::size_t> of_address;
    open_ = 0;
    for (const int descriptor : descriptors()) {
        if (!is_at(descriptor, port_)) continue;
        const auto info = info_of(descriptor);
        if (!info || info->tcpi_state == TCP_LISTEN || info->tcpi_state == TCP_CLOSE) continue;
        const std::chrono::milliseconds silent(
            std::min(info->tcpi_last_data_recv, info->tcpi_last_data_sent));
        const bool closed_by_peer = info->tcpi_state == TCP_CLOSE_WAIT;
        const auto number = ++of_address[peer_of(descriptor)];
        if ((closed_by_peer && closed_by_peer_.contains(descriptor)) || silent > limits_.idle ||
            (limits_.per_address != 0 && number > limits_.per_address)) {
            reset(descriptor);
            continue;
        }
        if (closed_by_peer) closed.insert(descriptor);
        ++open_;
    }
    closed_by_peer_ = std::move(closed);
    counted_ = Clock::now();
}

int Streams::listener() {
    for (const int descriptor : descriptors()) {
        if (listener_ >= 0) break;
        const auto info = is_at(descriptor, port_) ? info_of(descriptor) : std::nullopt;
        if (info && info->tcpi_state == TCP_LISTEN) listener_ = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    }
    return listener_;
}

int Streams::datagrams() const {
    for (const int descriptor : descriptors()) {
        if (is_at(descriptor, port_) && !info_of(descriptor)) return descriptor;
    }
    return -1;
}

void Streams::somebody_waits() {
    if (open_ >= limits_.total && Clock::now() - counted_ >= count_pause) look();
    if (open_ < limits_.total) {
        ++open_;
        return;
    }
    for (int n = 0; n < refused_max; ++n) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        ::close(socket);
        ++refused_;
    }
}

std::size_t Streams::take_refused() { return std::exchange(refused_, 0); }

}  // namespace sip
