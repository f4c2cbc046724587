// Blocking sockets, one after the other: only the server's side is of interest.
#include "bench/idle.hpp"

#include "bench/server_under_test.hpp"

#include <sys/resource.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;

namespace bench {
namespace {

bool is_answered(asio::ip::tcp::socket& socket) {
    constexpr std::string_view request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    std::string answer;
    if (!error) asio::read_until(socket, asio::dynamic_buffer(answer), "ok\n", error);
    return !error && answer.starts_with("HTTP/1.1 200");
}

}  // namespace

IdleConnections hold_idle_connections(const ServerUnderTest& server, std::int64_t count) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < static_cast<rlim_t>(count) + 100)
        throw std::runtime_error("only " + std::to_string(files.rlim_cur) + " open files are allowed");
    asio::io_context io;
    std::vector<asio::ip::tcp::socket> sockets;
    const auto before = server.memory_now();
    const asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), server.port());
    for (std::int64_t i = 0; i < count; ++i) {
        sockets.emplace_back(io).connect(address);
        if (!is_answered(sockets.back()))
            throw std::runtime_error("connection " + std::to_string(i) + " was refused");
    }
    IdleConnections result;
    result.server_bytes_each = static_cast<double>(server.memory_now() - before) / static_cast<double>(count);
    for (auto& socket : sockets) result.held += is_answered(socket) ? 1 : 0;
    return result;
}

}  // namespace bench
