// The blocking client on Beast; the only file of app with its templates.
#include "app/http_client.hpp"

#include "app/data_dir.hpp"
#include "frontend/auth/secrets.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <functional>

namespace app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

/// One exchange on a stream with a time limit. Beast's time-outs work on asynchronous operations only, so
/// each step is one, run to its end.
class Exchange {
  public:
    explicit Exchange(const HttpRequest& request) : request_(request), stream_(io_) {
        const auto url = boost::urls::parse_uri(request.url);
        if (url && url->scheme() == "https") {
            throw PlainError(
                "this client speaks plain HTTP: give the URL of [server] listen, not of [tls] listen");
        }
        if (!url || url->scheme() != "http" || url->host().empty()) {
            throw PlainError("'" + request.url + "' is no URL like http://127.0.0.1:8080");
        }
        host_ = url->host_address();
        port_ = url->has_port() ? std::string(url->port()) : "80";
        authority_ = std::string(url->encoded_host_and_port());
        target_ = url->encoded_path().empty() ? "/" : std::string(url->encoded_path());
        if (url->has_query()) target_ += '?' + std::string(url->encoded_query());
    }

    HttpReply run() {
        stream_.expires_after(request_.timeout);
        asio::ip::tcp::resolver resolver(io_);
        error_code failure;
        const auto endpoints = resolver.resolve(host_, port_, failure);
        if (failure) throw PlainError("can't find " + host_ + ": " + failure.message());
        step([&](auto done) {
            stream_.async_connect(endpoints, [done](error_code ec, const auto&) { done(ec); });
        });
        send();
        return receive();
    }

  private:
    void send() {
        http::request<http::string_body> message(request_.get ? http::verb::get : http::verb::post, target_,
                                                 11);
        message.set(http::field::host, authority_);
        message.set(http::field::user_agent, "ledgerline");
        message.set(http::field::authorization,
                    "Basic " + auth::encode_base64(request_.user + ':' + request_.password));
        if (!request_.idempotency_key.empty()) message.set("Idempotency-Key", request_.idempotency_key);
        if (!request_.get) {
            message.set(http::field::content_type, request_.content_type);
            message.set("SOAPAction", "\"\"");
            message.body() = request_.body;
            message.prepare_payload();
        }
        step([&](auto done) {
            http::async_write(stream_, message, [done](error_code ec, std::size_t) { done(ec); });
        });
    }

    HttpReply receive() {
        beast::flat_buffer buffer;
        http::response<http::string_body> message;
        step([&](auto done) {
            http::async_read(stream_, buffer, message, [done](error_code ec, std::size_t) { done(ec); });
        });
        HttpReply reply;
        reply.status = message.result_int();
        reply.replayed = message["Idempotency-Replayed"] == "true";
        reply.body = std::move(message.body());
        return reply;
    }

    /// Starts an asynchronous operation and runs it to its end.
    template <class Start>
    void step(Start start) {
        error_code result;
        start([&result](error_code ec) { result = ec; });
        io_.restart();
        io_.run();
        if (result) throw PlainError("no answer from " + authority_ + ": " + result.message());
    }

    const HttpRequest& request_;
    asio::io_context io_;
    beast::tcp_stream stream_;
    std::string host_, port_, authority_, target_;
};

}  // namespace

std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '_' || c == '.' || c == '~') {
            result += c;
        } else {
            result += '%';
            result += digits[static_cast<unsigned char>(c) >> 4];
            result += digits[static_cast<unsigned char>(c) & 15];
        }
    }
    return result;
}

HttpReply send(const HttpRequest& request) { return Exchange(request).run(); }

}  // namespace app
