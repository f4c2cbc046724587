// Calling others: what arrives, what is made of their answers, and whom we do not connect to.
#include "frontend/soap_client.hpp"

#include "frontend/http/server.hpp"
#include "tests/support/echo_service.hpp"
#include "tests/support/io_threads.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace {

/// Names in `.slow` are not found, once nobody holds this any more.
std::mutex slow_names;
std::atomic<int> slow_lookups = 0;

/// A name with two addresses, in this order.
constexpr std::string_view twofold = "application.twofold";
constexpr auto first_of_two = "127.0.0.2";
constexpr auto second_of_two = "127.0.0.1";

}  // namespace

// In place of the system's, which is asked for all other names.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    if (name != nullptr && std::string_view(name).ends_with(".slow")) {
        ++slow_lookups;
        const std::lock_guard lock(slow_names);
        return EAI_AGAIN;
    }
    static auto* const systems = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if (name == nullptr || name != twofold) return systems(name, service, hints, found);
    if (const int failure = systems(first_of_two, service, hints, found)) return failure;
    auto* last = *found;
    while (last->ai_next != nullptr) last = last->ai_next;
    return systems(second_of_two, service, hints, &last->ai_next);
}

namespace {

using namespace std::chrono_literals;
using frontend::CallResult;
using frontend::Undelivered;

const std::string done_1_1 =
    R"(<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>)"
    R"(<l:echoResponse xmlns:l="urn:test/echo/v2_1/local"><l:result>fine</l:result></l:echoResponse>)"
    R"(</e:Body></e:Envelope>)";
const std::string fault_1_2 =
    R"(<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault>)"
    R"(<e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang="en">no</e:Text></e:Reason>)"
    R"(</e:Fault></e:Body></e:Envelope>)";

/// An application: answers as its path says, and remembers what it was told.
class Application : public http::Handler {
  public:
    boost::asio::awaitable<http::Response> handle(const http::Request& request) override {
        const std::lock_guard lock(mutex_);
        requests.emplace_back(request.body);
        certificate = request.certificate != nullptr ? request.certificate->subject : "";
        http::Response response;
        response.content_type = "text/xml";
        response.body = done_1_1;
        if (request.target == "/moved") {
            response.status = 302;
            response.add_header("Location", "/");
        } else if (request.target == "/fault") {
            response.status = 400;
            response.body = fault_1_2;
        } else if (request.target == "/page") {
            response.status = 500;
            response.body = "<html>oops</html>";
        } else if (request.target == "/large") {
            response.body.assign(1U << 20U, ' ');
        } else if (request.target == "/long-header") {
            response.add_header("X-Long", std::string(2000, 'x'));
        } else if (request.target == "/later") {
            response.status = 503;
            response.body = "later";
        }
        co_return response;
    }
    http::Response refuse(const http::Request&, http::Refusal, unsigned status) override {
        http::Response response;
        response.status = status;
        return response;
    }

    std::vector<std::string> requests;
    std::string certificate;

  private:
    std::mutex mutex_;
};

/// A self-signed certificate for 127.0.0.1, by the program that everybody has.
class Certificate {
  public:
    Certificate() {
        std::string pattern = (std::filesystem::temp_directory_path() / "certificate-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        const auto command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=application -addext subjectAltName=IP:127.0.0.1 -keyout " +
            key() + " -out " + file() + " 2>/dev/null";
        if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl makes no certificate");
    }
    ~Certificate() { std::filesystem::remove_all(folder_); }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    [[nodiscard]] std::string file() const { return folder_ / "certificate.pem"; }
    [[nodiscard]] std::string key() const { return folder_ / "key.pem"; }

  private:
    std::filesystem::path folder_;
};

class SoapClient : public testing::Test {
  protected:
    void SetUp() override {
        http::Options options;
        options.listen = {{"127.0.0.1", 0, false, 0}, {"127.0.0.1", 0, true, 0}};
        options.tls.certificate = certificate_.file();
        options.tls.key = certificate_.key();
        server_.emplace(threads_.contexts(), application_, options);
        server_->start();
        start("127.0.0.0/8");
    }
    void TearDown() override {
        client_.reset();
        server_.reset();
    }

    void start(std::string_view allowed, std::string ca_file = "") {
        auto options = options_;
        options.allowed = http::Networks::parse(allowed).value();
        options.ca_file = std::move(ca_file);
        options.body_limit = 100'000;
        client_.emplace(decoder_, options);
    }

    [[nodiscard]] std::string url(std::string_view path, std::size_t listener = 0) const {
        return (listener == 0 ? "http://127.0.0.1:" : "https://127.0.0.1:") +
               std::to_string(server_->port(listener)) + std::string(path);
    }

    CallResult call(std::string url,
                    soap::Message message = soap::Message::of(tests::Echo{"tel:1", "a & b"})) {
        return calling(std::move(url), std::move(message)).get();
    }
    std::future<CallResult> calling(std::string url, soap::Message message = soap::Message::of(tests::Echo{
                                                         "tel:1", "a & b"})) {
        frontend::OutgoingCall call;
        call.url = std::move(url);
        call.endpoint = {&tests::echo_interface, &tests::echo_versions[0]};
        call.operation = &tests::echo_operations[0];
        call.message = std::move(message);
        call.local_namespace = "urn:test/echo/v2_7/local";
        call.timeout = timeout_;
        auto& context = *threads_.contexts().front();
        return boost::asio::co_spawn(context, client_->call(std::move(call)), boost::asio::use_future);
    }
    std::string reason(std::string url) { return reason(call(std::move(url))); }
    static std::string reason(const CallResult& result) {
        const auto* undelivered = std::get_if<Undelivered>(&result);
        return undelivered != nullptr ? undelivered->reason : "delivered";
    }

    http::ClientOptions options_;  ///< of the client that is started
    std::chrono::milliseconds timeout_{2s};
    Certificate certificate_;
    Application application_;
    soap::XmlRuntime xml_;
    soap::Catalogue catalogue_{{&tests::echo_interface}};
    soap::Decoder decoder_{xml_, catalogue_};
    tests::IoThreads threads_{1};
    std::optional<http::Server> server_;
    std::optional<frontend::SoapClient> client_;
};

TEST_F(SoapClient, asks_and_reads_the_answer_on_one_connection) {
    for (int i = 0; i < 3; ++i) {
        const auto result = call(url("/"));
        ASSERT_TRUE(std::holds_alternative<soap::Message>(result)) << std::get<Undelivered>(result).reason;
        EXPECT_EQ(std::get<soap::Message>(result).as<tests::EchoResponse>().result, "fine");
    }
    EXPECT_EQ(server_->statistics().connections_accepted, 1U);
    EXPECT_NE(application_.requests.at(0).find("urn:test/echo/v2_7/local"), std::string::npos);
    EXPECT_NE(application_.requests.at(0).find("a &amp; b"), std::string::npos);
}

TEST_F(SoapClient, makes_a_new_connection_when_the_kept_one_is_gone) {
    (void)call(url("/"));
    http::Options options;
    options.listen = {{"127.0.0.1", server_->port(), false, 0}};
    server_.emplace(threads_.contexts(), application_, options);
    server_->start();
    EXPECT_TRUE(std::holds_alternative<soap::Message>(call(url("/"))));
}

TEST_F(SoapClient, reads_faults_and_other_answers) {
    const auto fault = call(url("/fault"));
    ASSERT_TRUE(std::holds_alternative<soap::Fault>(fault));
    EXPECT_EQ(std::get<soap::Fault>(fault).text, "no");
    EXPECT_TRUE(reason(url("/moved")).starts_with("HTTP 302: redirects"));
    EXPECT_TRUE(reason(url("/page")).starts_with("HTTP 500: "));
    EXPECT_TRUE(reason(url("/large")).starts_with("the answer is larger"));
    EXPECT_TRUE(reason(url("/later")).starts_with("HTTP 503: "));
    EXPECT_EQ(application_.requests.size(), 5U) << "whether one is tried again is the caller's affair";
}

TEST_F(SoapClient, throws_nothing_so_that_whoever_calls_can_count) {
    const auto result = call(url("/"), soap::Message::of(tests::EchoResponse()));
    ASSERT_TRUE(std::holds_alternative<Undelivered>(result));
    EXPECT_NE(std::get<Undelivered>(result).reason.find("a message that does not belong"), std::string::npos);
}

TEST_F(SoapClient, reads_no_headers_beyond_their_limit) {
    EXPECT_EQ(reason(url("/long-header")), "delivered");
    options_.header_limit = 1000;
    start("127.0.0.0/8");
    EXPECT_EQ(reason(url("/")), "delivered");
    EXPECT_TRUE(reason(url("/long-header")).starts_with("the answer is larger"));
}

TEST_F(SoapClient, keeps_as_many_connections_as_it_may_and_not_for_ever) {
    options_.idle_connections = 0;
    start("127.0.0.0/8");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(reason(url("/")), "delivered");
    EXPECT_EQ(server_->statistics().connections_accepted, 2U);
    options_.idle_connections = 1;
    options_.idle_timeout = 0ms;
    start("127.0.0.0/8");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(reason(url("/")), "delivered");
    EXPECT_EQ(server_->statistics().connections_accepted, 4U);
}

TEST_F(SoapClient, connects_no_longer_than_it_may) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent(context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    timeout_ = 1min;
    options_.connect_timeout = 50ms;
    start("127.0.0.0/8");
    const auto begin = std::chrono::steady_clock::now();
    // The handshake is part of it.
    const auto result = call("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/");
    EXPECT_EQ(std::get<Undelivered>(result).reason, "no connection in time");
    EXPECT_FALSE(std::get<Undelivered>(result).maybe_done);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
}

TEST_F(SoapClient, an_address_that_says_nothing_leaves_time_to_the_next_one) {
    namespace asio = boost::asio;
    using asio::ip::tcp;
    auto named = url("/");
    named.replace(7, 9, twofold);
    // A listening socket whose queue is full: what comes then is not answered.
    asio::io_context context;
    tcp::acceptor silent(context, tcp::v4());
    const auto port = static_cast<std::uint16_t>(std::stoi(named.substr(named.rfind(':') + 1)));
    tcp::endpoint endpoint(asio::ip::make_address(first_of_two), port);
    silent.bind(endpoint);
    silent.listen(0);
    std::vector<tcp::socket> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.emplace_back(context, tcp::v4());
        waiting.back().native_non_blocking(true);
        // Asio's would wait.
        ::connect(waiting.back().native_handle(), endpoint.data(), sizeof(sockaddr_in));
    }
    options_.connect_timeout = 2s;
    start("127.0.0.0/8");
    EXPECT_EQ(reason(named), "delivered");
}

TEST_F(SoapClient, ends_a_call_that_takes_too_long) {
    // A listening socket whose connections nobody takes.
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor silent(context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    const auto url = "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/";
    const auto result = call(url);
    EXPECT_EQ(std::get<Undelivered>(result).reason, "no answer in time");
    EXPECT_TRUE(std::get<Undelivered>(result).maybe_done);
}

TEST_F(SoapClient, connects_to_no_address_that_is_not_public) {
    start("");
    for (const auto* host : {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433",
                             "169.254.169.254", "10.0.0.1", "[fe80::1]", "[fd00:ec2::254]", "0.0.0.0"}) {
        const auto result = call("http://" + std::string(host) + ":" + std::to_string(server_->port()) + "/");
        ASSERT_TRUE(std::holds_alternative<Undelivered>(result)) << host;
        EXPECT_TRUE(std::get<Undelivered>(result).not_allowed ||
                    std::get<Undelivered>(result).reason.starts_with("no address"))
            << host << ": " << std::get<Undelivered>(result).reason;
    }
    EXPECT_TRUE(application_.requests.empty());
    for (const auto* wrong :
         {"ftp://example.com/", "http://u:p@example.com/", "http:///x", "example.com", "http://a/#b",
          "http://example.com:0/", "http://example.com:65536/", "http://127.0.0.1:99999/"}) {
        EXPECT_TRUE(client_->objection(wrong)) << wrong;
        EXPECT_TRUE(std::get<Undelivered>(call(wrong)).not_allowed) << wrong;
    }
    EXPECT_TRUE(client_->objection("http://192.168.1.1/"));
    EXPECT_FALSE(client_->objection("https://example.com:8443/a?b=c"));
}

/// A name that looked harmless where it was configured may lead inside once it is called.
TEST_F(SoapClient, judges_a_name_by_the_addresses_that_it_has_when_it_is_called) {
    start("");
    auto inside = url("/");
    inside.replace(7, 9, "localhost");
    const auto refused = call(inside);
    EXPECT_TRUE(std::get<Undelivered>(refused).not_allowed) << std::get<Undelivered>(refused).reason;
    EXPECT_EQ(server_->statistics().connections_accepted, 0U);
    start("127.0.0.0/8");
    EXPECT_TRUE(std::holds_alternative<soap::Message>(call(inside)));
}

TEST_F(SoapClient, looks_a_name_up_without_holding_up_others) {
    std::unique_lock silence(slow_names);
    const int before = slow_lookups;
    auto first = calling("http://application.slow/");
    auto second = calling("http://application.slow/other");
    while (slow_lookups == before) std::this_thread::yield();
    EXPECT_EQ(reason(url("/")), "delivered");
    auto named = url("/");
    named.replace(7, 9, "localhost");
    EXPECT_EQ(reason(named), "delivered");
    EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
    silence.unlock();
    for (auto* stuck : {&first, &second}) EXPECT_EQ(reason(stuck->get()), "no address of application.slow");
    EXPECT_EQ(slow_lookups, before + 1) << "each name has one thread";
}

TEST_F(SoapClient, ends_while_a_name_is_looked_up) {
    timeout_ = 100ms;
    const std::lock_guard silence(slow_names);
    EXPECT_EQ(reason("http://other.slow/"), "no address of other.slow");
    client_.reset();
}

TEST_F(SoapClient, believes_only_certificates_of_its_authorities) {
    EXPECT_NE(reason(url("/", 1)).find("self-signed certificate"), std::string::npos);
    EXPECT_TRUE(application_.requests.empty());
    start("127.0.0.0/8", certificate_.file());
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(std::holds_alternative<soap::Message>(call(url("/", 1))));
    }
    auto other_name = url("/", 1);
    other_name.replace(8, 9, "localhost");
    EXPECT_NE(reason(other_name).find("ostname mismatch"), std::string::npos) << reason(other_name);
    EXPECT_EQ(application_.requests.size(), 2U);
}

}  // namespace
