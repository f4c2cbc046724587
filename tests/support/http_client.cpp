// Sockets of the test client.
#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>

namespace tests {

HttpClient::HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect to the server under test");
    }
}

HttpClient::~HttpClient() { ::close(socket_); }

void HttpClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        // A server that closed the connection early is what some tests want to see: they read why.
        if (sent < 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void HttpClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

bool HttpClient::read_more() {
    pollfd wait{socket_, POLLIN, 0};
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    if (::poll(&wait, 1, static_cast<int>(milliseconds)) != 1) {
        throw std::runtime_error("the server under test neither answers nor closes");
    }
    std::array<char, 65536> buffer{};
    const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count > 0) received_.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0;
}

std::optional<HttpResponse> HttpClient::response(bool has_body) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (!read_more()) return std::nullopt;
    }
    HttpResponse result;
    result.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    result.status = std::stoi(result.head.substr(9, 3));
    for (auto line = result.head.find("\r\n") + 2; line < result.head.size();) {
        const auto next = result.head.find("\r\n", line);
        const auto colon = result.head.find(": ", line);
        auto name = result.head.substr(line, colon - line);
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        result.headers[name] = result.head.substr(colon + 2, next - colon - 2);
        line = next + 2;
    }
    const auto length = has_body ? std::stoul(result.headers.at("content-length")) : 0;
    while (received_.size() < length) {
        if (!read_more()) throw std::runtime_error("the response is shorter than it says");
    }
    result.body = received_.substr(0, length);
    received_.erase(0, length);
    return result;
}

bool HttpClient::receives(std::string_view bytes) {
    while (received_.size() < bytes.size()) {
        if (!read_more()) return false;
    }
    const bool same = received_.starts_with(bytes);
    received_.erase(0, bytes.size());
    return same;
}

bool HttpClient::closed() { return received_.empty() && !read_more(); }

std::string http_post(std::string_view target, std::string_view headers, std::string_view body) {
    std::string text = "POST ";
    text.append(target).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: ");
    return text.append(std::to_string(body.size()))
        .append("\r\n")
        .append(headers)
        .append("\r\n")
        .append(body);
}

std::string basic_authorization(std::string_view user_and_password) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text = "Basic ";
    for (std::size_t i = 0; i < user_and_password.size(); i += 3) {
        const auto byte = [&](std::size_t k) -> unsigned {
            return k < user_and_password.size() ? static_cast<unsigned char>(user_and_password[k]) : 0;
        };
        const auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        const auto left = user_and_password.size() - i;
        text += alphabet[bits >> 18];
        text += alphabet[bits >> 12 & 63];
        text += left > 1 ? alphabet[bits >> 6 & 63] : '=';
        text += left > 2 ? alphabet[bits & 63] : '=';
    }
    return text;
}

}  // namespace tests
