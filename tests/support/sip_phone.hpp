// A SIP peer over UDP that says whatever a test wants.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

class SipMessage {
  public:
    SipMessage() = default;
    explicit SipMessage(std::string text) : text_(std::move(text)) {}

    /// 0: it is a request.
    [[nodiscard]] int status() const {
        return text_.starts_with("SIP/2.0 ") ? std::stoi(text_.substr(8, 3)) : 0;
    }
    [[nodiscard]] std::string method() const {
        return status() != 0 ? std::string() : text_.substr(0, text_.find(' '));
    }
    /// The first one's value; empty: there is none.
    [[nodiscard]] std::string header(std::string_view name) const {
        const auto begin = text_.find("\r\n" + std::string(name) + ": ");
        if (begin == std::string::npos) return {};
        const auto value = begin + name.size() + 4;
        return text_.substr(value, text_.find("\r\n", value) - value);
    }

    /// As if it were a request with this method.
    [[nodiscard]] SipMessage as(const std::string& other) const {
        auto text = text_;
        const auto sequence = header("CSeq");
        text.replace(text.find(sequence), sequence.size(),
                     sequence.substr(0, sequence.find(' ') + 1) + other);
        return SipMessage(text);
    }

  private:
    std::string text_;
};

class Phone {
  public:
    std::uint16_t server = 0;  ///< where its requests go
    std::string tag = "phone";
    std::string via;    ///< parameters of its requests' Via; empty: a branch for each
    SipMessage dialog;  ///< the INVITE that made the dialog in which ask() asks

    Phone()
        : socket_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}),
          port_(socket_.local_endpoint().port()) {}

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Nobody is here any more.
    void go() { socket_.close(); }

    /// A request outside dialogs, or to whom `to` says.
    void send(const std::string& method, int number, const std::vector<std::string>& headers,
              const std::string& body = {}, const std::string& to = "<sip:a@127.0.0.1>") {
        send_request(method + " sip:a@127.0.0.1:" + std::to_string(server), number, headers, body,
                     "<sip:p@127.0.0.1>;tag=p", to,
                     "call-" + std::to_string(number) + '@' + std::to_string(port_));
    }

    /// A request in the dialog.
    void ask(const std::string& method, int number, const std::vector<std::string>& headers = {},
             const std::string& body = {}) {
        const auto contact = dialog.header("Contact");
        send_request(method + ' ' + contact.substr(1, contact.find('>') - 1), number, headers, body,
                     dialog.header("To") + ";tag=" + tag, dialog.header("From"), dialog.header("Call-ID"));
    }

    void reply(const SipMessage& request, const std::string& line,
               const std::vector<std::string>& headers = {}, const std::string& body = {}) {
        auto to = request.header("To");
        if (to.find(";tag=") == std::string::npos) to += ";tag=" + tag;
        std::string text = "SIP/2.0 " + line + "\r\nVia: " + request.header("Via") +
                           "\r\nFrom: " + request.header("From") + "\r\nTo: " + to +
                           "\r\nCall-ID: " + request.header("Call-ID") +
                           "\r\nCSeq: " + request.header("CSeq");
        send_text(text, headers, body);
    }

    /// The first message that comes and fits; others are passed over.
    std::optional<SipMessage> find(const std::function<bool(const SipMessage&)>& wanted,
                                   std::chrono::milliseconds within = std::chrono::milliseconds(500)) {
        const auto until = std::chrono::steady_clock::now() + within;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            pollfd descriptor{socket_.native_handle(), POLLIN, 0};
            if (left.count() < 0 || ::poll(&descriptor, 1, static_cast<int>(left.count())) <= 0)
                return std::nullopt;
            std::array<char, 65'536> buffer{};
            boost::system::error_code error;
            const auto size = socket_.receive(boost::asio::buffer(buffer), 0, error);
            if (error) continue;
            SipMessage message(std::string(buffer.data(), size));
            if (wanted(message)) return message;
        }
    }

    /// The next message; a request with this method, or a response with this status.
    SipMessage take(const std::string& what = {}) {
        const auto fits = [&](const SipMessage& message) {
            return what.empty() || message.method() == what || std::to_string(message.status()) == what;
        };
        auto message = find(fits, std::chrono::seconds(10));
        EXPECT_TRUE(message) << what << " does not come";
        return message.value_or(SipMessage());
    }

    /// The final response to a request of its own.
    SipMessage answered(const std::string& method, int number) {
        const auto sequence = std::to_string(number) + ' ' + method;
        const auto fits = [&](const SipMessage& message) {
            return message.status() >= 200 && message.header("CSeq") == sequence;
        };
        auto message = find(fits, std::chrono::seconds(10));
        EXPECT_TRUE(message) << sequence << " has no answer";
        return message.value_or(SipMessage());
    }

    /// Of UDP and of TCP.
    static std::uint16_t free_port() {
        boost::asio::io_context io;
        for (;;) {
            const boost::asio::ip::udp::socket udp(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
            const auto port = udp.local_endpoint().port();
            boost::system::error_code error;
            boost::asio::ip::tcp::acceptor tcp(io);
            tcp.open(boost::asio::ip::tcp::v4());
            tcp.bind({boost::asio::ip::make_address("127.0.0.1"), port}, error);
            if (!error) return port;
        }
    }

  private:
    void send_request(const std::string& line, int number, const std::vector<std::string>& headers,
                      const std::string& body, const std::string& from, const std::string& to,
                      const std::string& call_id) {
        const auto method = line.substr(0, line.find(' '));
        const auto local = "127.0.0.1:" + std::to_string(port_);
        const auto branch = ";rport;branch=z9hG4bK" + std::to_string(++branches_);
        send_text(line + " SIP/2.0\r\nVia: SIP/2.0/UDP " + local + (via.empty() ? branch : via) +
                      "\r\nFrom: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id +
                      "\r\nCSeq: " + std::to_string(number) + ' ' + method,
                  headers, body);
    }

    void send_text(std::string text, const std::vector<std::string>& headers, const std::string& body) {
        text += "\r\nContact: <sip:phone@127.0.0.1:" + std::to_string(port_) + '>';
        for (const auto& line : headers) text += "\r\n" + line;
        text += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        socket_.send_to(boost::asio::buffer(text), {boost::asio::ip::make_address("127.0.0.1"), server});
    }

    boost::asio::io_context io_;
    boost::asio::ip::udp::socket socket_;
    std::uint16_t port_;
    int branches_ = 0;
};

}  // namespace tests
