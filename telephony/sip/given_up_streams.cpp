// By the kernel's word, as the stack has no way to ask for all of its connections.
#include "telephony/sip/given_up_streams.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sip {
namespace {

bool is_at(int socket, std::uint16_t port) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
    if (address.ss_family == AF_INET) return reinterpret_cast<sockaddr_in&>(address).sin_port == htons(port);
    return address.ss_family == AF_INET6 && reinterpret_cast<sockaddr_in6&>(address).sin6_port == htons(port);
}

bool is_closed_by_peer(int socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_CLOSE_WAIT;
}

}  // namespace

void GivenUpStreams::reset(std::uint16_t port) {
    std::set<int> closed;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failure)) {
        const auto name = entry.path().filename().string();
        int descriptor = -1;
        std::from_chars(name.data(), name.data() + name.size(), descriptor);
        if (is_at(descriptor, port) && is_closed_by_peer(descriptor)) closed.insert(descriptor);
    }
    for (const int descriptor : closed) {
        if (!closed_by_peer_.contains(descriptor)) continue;
        const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
        [[maybe_unused]] const auto done = ::connect(descriptor, &nobody, sizeof nobody);
    }
    closed_by_peer_ = std::move(closed);
}

}  // namespace sip
