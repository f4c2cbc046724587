// The HTTP server on a real port: what clients do to it, well-meaning and not.
#include "frontend/http/server.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/io_threads.hpp"

#include <gtest/gtest.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using http::Request;
using http::Response;
using tests::http_post;
using tests::HttpClient;

/// Answers with what it got; some targets make it behave in other ways.
class EchoHandler : public http::Handler {
  public:
    awaitable<Response> handle(const Request& request) override {
        if (request.target == "/throw") throw std::runtime_error("handler");
        if (request.target == "/wait") co_await wait();
        Response response;
        response.content_type = "text/plain";
        response.body = std::string(request.method_text) + ' ' + std::string(request.target) + ' ' +
                        std::string(request.body);
        if (request.target == "/large") response.body.assign(32U << 20U, 'x');
        co_return response;
    }

    Response refuse(const Request& request, http::Refusal, unsigned status) override {
        Response response;
        response.status = status;
        response.body = "refused " + std::string(request.target);
        return response;
    }

    /// Waits until so many requests to /wait have come.
    void wait_for_waiting(int number) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return waiting_ >= number; }));
    }
    void release() { released_ = true; }

  private:
    awaitable<void> wait() {
        {
            const std::lock_guard lock(mutex_);
            ++waiting_;
        }
        changed_.notify_all();
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (!released_) {
            timer.expires_after(1ms);
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    std::atomic<bool> released_{false};
};

class HttpServer : public testing::Test {
  protected:
    void start(http::Options options = {}, std::size_t threads = 1) {
        for (auto& listen : options.listen) listen.port = 0;
        threads_.emplace(threads);
        server_.emplace(threads_->contexts(), handler_, options);
        server_->start();
    }
    HttpClient client() { return HttpClient(server_->port()); }

    void TearDown() override {
        handler_.release();
        server_.reset();
        threads_.reset();
    }

    EchoHandler handler_;
    std::optional<tests::IoThreads> threads_;
    std::optional<http::Server> server_;
};

/// Waits for what another thread is about to do.
template <class Condition>
bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + HttpClient::patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

constexpr std::string_view get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(HttpServer, keeps_a_connection_open) {
    start();
    auto client = this->client();
    for (int i = 0; i < 3; ++i) {
        client.send(http_post("/a", "", "hello"));
        const auto response = client.response();
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->body, "POST /a hello");
        EXPECT_FALSE(response->headers.contains("connection"));
        EXPECT_TRUE(response->headers.at("date").ends_with(" GMT"));
    }
    client.send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.response()->headers.at("connection"), "close");
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(server_->statistics().requests, 4U);
}

TEST_F(HttpServer, answers_pipelined_requests_in_order) {
    start();
    auto client = this->client();
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += http_post("/" + std::to_string(i), "", std::string(200, 'x'));
    std::thread sender([&] { client.send(bytes); });
    for (int i = 0; i < 1000; ++i) {
        const auto response = client.response();
        ASSERT_TRUE(response);
        ASSERT_EQ(response->body, "POST /" + std::to_string(i) + ' ' + std::string(200, 'x'));
    }
    sender.join();
}

TEST_F(HttpServer, serves_http_1_0) {
    start();
    auto client = this->client();
    client.send("POST /a HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(client.response()->headers.at("connection"), "keep-alive");
    client.send("GET /b HTTP/1.0\r\n\r\n");
    const auto response = client.response();
    EXPECT_EQ(response->body, "GET /b ");
    EXPECT_EQ(response->headers.at("connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, sends_100_continue_at_once) {
    start();
    auto client = this->client();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_TRUE(client.receives("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send("hello");
    EXPECT_EQ(client.response()->body, "POST /a hello");
    // Who sends the body without waiting gets no interim response.
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(client.response()->status, 200);
}

TEST_F(HttpServer, a_body_over_the_limit_is_refused_before_it_is_sent) {
    start({.body_limit = 10});
    auto client = this->client();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    const auto response = client.response();
    EXPECT_EQ(response->status, 413);
    EXPECT_EQ(response->body, "refused /a");
    EXPECT_EQ(response->headers.at("connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, a_client_that_sends_too_much_can_read_why) {
    start({.body_limit = 1000});
    auto client = this->client();
    client.send(http_post("/a", "", std::string(3U << 20U, 'x')));
    EXPECT_EQ(client.response()->status, 413);
}

TEST_F(HttpServer, joins_chunks) {
    start();
    auto client = this->client();
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    client.send("1\r\n!\r\n0\r\n\r\n");
    EXPECT_EQ(client.response()->body, "POST /a hello!");
}

TEST_F(HttpServer, answers_head_without_a_body) {
    start();
    auto client = this->client();
    client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.response(false)->headers.at("content-length"), "8");
    client.send(get);
    EXPECT_EQ(client.response()->body, "GET /a ");
}

TEST_F(HttpServer, sends_a_large_response_to_a_slow_reader) {
    start();
    auto client = this->client();
    client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.response()->body.size(), 32U << 20U);
}

TEST_F(HttpServer, refuses_what_is_not_http) {
    start({.header_limit = 1000});
    const std::pair<std::string, int> cases[]{
        {"hello\r\n\r\n", 400},
        {"GET /a HTTP/2.0\r\n\r\n", 505},
        {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET /a HTTP/1.1\r\nHost: h\r\nName: " + std::string(5000, 'x') + "\r\n\r\n", 431},
    };
    for (const auto& [bytes, status] : cases) {
        auto client = this->client();
        client.send(bytes);
        const auto response = client.response();
        ASSERT_TRUE(response) << bytes;
        EXPECT_EQ(response->status, status) << bytes;
        EXPECT_TRUE(client.closed()) << bytes;
    }
    EXPECT_EQ(server_->statistics().refusals, 5U);
}

TEST_F(HttpServer, a_failing_handler_is_answered_and_harms_nobody) {
    start();
    auto client = this->client();
    client.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.response()->status, 500);
    client.send(get);
    EXPECT_EQ(client.response()->status, 200);
}

TEST_F(HttpServer, a_client_that_goes_away_harms_nobody) {
    start();
    {
        auto client = this->client();
        client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
        client.finish_sending();
        EXPECT_TRUE(client.closed());
    }
    {
        auto client = this->client();
        client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
        handler_.wait_for_waiting(1);
    }
    handler_.release();
    auto client = this->client();
    client.send(get);
    EXPECT_EQ(client.response()->status, 200);
}

TEST_F(HttpServer, ends_idle_connections) {
    start({.idle_timeout = 20ms});
    auto client = this->client();
    EXPECT_TRUE(client.closed());
    auto other = this->client();
    other.send(get);
    EXPECT_TRUE(other.response());
    EXPECT_TRUE(other.closed());
    EXPECT_GE(server_->statistics().timeouts, 2U);
}

TEST_F(HttpServer, tells_slow_clients_and_ends_them) {
    start({.read_timeout = 50ms});
    for (const auto* begun : {"P", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"}) {
        auto client = this->client();
        client.send(begun);
        EXPECT_EQ(client.response()->status, 408) << begun;
        EXPECT_TRUE(client.closed()) << begun;
    }
}

TEST_F(HttpServer, gives_up_on_clients_that_do_not_read) {
    start({.write_timeout = 50ms});
    auto client = this->client();
    client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return server_->statistics().timeouts > 0; }));
    EXPECT_ANY_THROW(static_cast<void>(client.response()));
}

TEST_F(HttpServer, limits_connections) {
    start({.connections = 2});
    auto one = this->client(), two = this->client();
    one.send(get);
    two.send(get);
    EXPECT_EQ(one.response()->status, 200);
    EXPECT_EQ(two.response()->status, 200);
    {
        auto three = this->client();
        EXPECT_EQ(three.response()->status, 503);
        EXPECT_TRUE(three.closed());
    }
    one.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(one.response());
    EXPECT_TRUE(one.closed());
    EXPECT_TRUE(eventually([&] { return server_->statistics().connections_open == 1; }));
    auto four = this->client();
    four.send(get);
    EXPECT_EQ(four.response()->status, 200);
    EXPECT_EQ(server_->statistics().connections_refused, 1U);
}

TEST_F(HttpServer, limits_connections_per_address) {
    start({.connections_per_address = 1});
    auto one = this->client();
    one.send(get);
    EXPECT_EQ(one.response()->status, 200);
    auto two = this->client();
    EXPECT_EQ(two.response()->status, 503);
}

TEST_F(HttpServer, a_reserved_listener_is_none_of_the_others_limits) {
    http::Options options;
    options.listen = {{}, {.reserved = true}};
    options.connections = 1;
    options.connections_per_address = 1;
    options.requests_in_flight = 1;
    start(options);
    auto busy = this->client();
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    handler_.wait_for_waiting(1);
    {
        HttpClient one(server_->port(1)), two(server_->port(1));
        for (auto* probe : {&one, &two}) {
            probe->send(get);
            EXPECT_EQ(probe->response()->status, 200);
        }
        EXPECT_EQ(server_->statistics().connections_open, 3U);
    }
    EXPECT_TRUE(eventually([&] { return server_->statistics().connections_open == 1; }));
    EXPECT_EQ(this->client().response()->status, 503) << "theirs left nobody room";
    // They are not without a limit.
    std::vector<std::unique_ptr<HttpClient>> many;
    for (int i = 0; i < 64; ++i) many.push_back(std::make_unique<HttpClient>(server_->port(1)));
    EXPECT_TRUE(eventually([&] { return server_->statistics().connections_open == 65; }));
    EXPECT_EQ(HttpClient(server_->port(1)).response()->status, 503);
}

TEST_F(HttpServer, limits_requests_in_flight_without_losing_the_connection) {
    start({.requests_in_flight = 1});
    auto busy = this->client();
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    handler_.wait_for_waiting(1);
    auto client = this->client();
    client.send(get);
    EXPECT_EQ(client.response()->status, 503);
    handler_.release();
    EXPECT_EQ(busy.response()->status, 200);
    client.send(get);
    EXPECT_EQ(client.response()->status, 200);
}

TEST_F(HttpServer, closes_politely_after_so_many_requests) {
    start({.requests_per_connection = 2});
    auto client = this->client();
    client.send(get);
    EXPECT_FALSE(client.response()->headers.contains("connection"));
    client.send(get);
    EXPECT_EQ(client.response()->headers.at("connection"), "close");
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, stops_when_what_is_under_way_is_done) {
    start({}, 2);
    auto idle = this->client();
    idle.send(get);
    EXPECT_TRUE(idle.response());
    auto busy = this->client();
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    handler_.wait_for_waiting(1);
    // Connections are dealt in turn: the second of these shows that the busy one's thread has heard, too.
    std::array more{std::make_unique<HttpClient>(server_->port()),
                    std::make_unique<HttpClient>(server_->port())};
    for (const auto& client : more) {
        client->send(get);
        EXPECT_TRUE(client->response());
    }

    server_->stop_accepting();
    EXPECT_TRUE(idle.closed());
    for (const auto& client : more) EXPECT_TRUE(client->closed());
    handler_.release();
    const auto response = busy.response();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->headers.at("connection"), "close");
    EXPECT_TRUE(server_->stop(20s));
    EXPECT_THROW(this->client(), std::runtime_error);
}

TEST_F(HttpServer, cuts_what_outlasts_its_grace) {
    start({.linger_timeout = 100ms});
    auto busy = this->client();
    busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    handler_.wait_for_waiting(1);
    EXPECT_FALSE(server_->stop(20ms));
    EXPECT_TRUE(busy.closed());
}

TEST_F(HttpServer, says_which_port_is_in_use) {
    start();
    http::Options options;
    options.listen[0].port = server_->port();
    http::Server second(threads_->contexts(), handler_, options);
    try {
        second.start();
        FAIL() << "two servers on one port";
    } catch (const std::runtime_error& error) {
        const std::string what = error.what();
        const auto where = "127.0.0.1:" + std::to_string(options.listen[0].port);
        EXPECT_NE(what.find(where), std::string::npos) << what;
        EXPECT_NE(what.find("in use"), std::string::npos) << what;
    }
}

TEST_F(HttpServer, serves_many_connections_on_several_threads) {
    start({}, 3);
    std::vector<std::jthread> clients;
    std::atomic<int> answered{0};
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back([&, i] {
            auto client = this->client();
            for (int k = 0; k < 200; ++k) {
                const auto text = std::to_string(i * 1000 + k);
                client.send(http_post("/a", "", text));
                if (client.response()->body == "POST /a " + text) ++answered;
            }
        });
    }
    clients.clear();
    EXPECT_EQ(answered, 16 * 200);
}

}  // namespace
