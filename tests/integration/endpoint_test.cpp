// The straight line from socket to handler and back: what clients get for every way in which it can go.
#include "frontend/endpoint.hpp"

#include "accountmgmt/faults.hpp"
#include "base/database.hpp"
#include "frontend/auth/users.hpp"
#include "frontend/http/gzip.hpp"
#include "frontend/request_metrics.hpp"
#include "payment/faults.hpp"
#include "tests/support/echo_service.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/io_threads.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

namespace {

using namespace std::chrono_literals;
using tests::basic_authorization;
using tests::HttpClient;
using tests::HttpResponse;

constexpr std::string_view soap_1_1 = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr std::string_view soap_1_2 = "http://www.w3.org/2003/05/soap-envelope";

std::string envelope(std::string_view operation, std::string_view children,
                     std::string_view soap = soap_1_1) {
    std::string text = "<e:Envelope xmlns:e=\"";
    text.append(soap)
        .append("\"><e:Body><l:")
        .append(operation)
        .append(" xmlns:l=\"urn:test/echo/v2_1/local\">");
    text.append(children).append("</l:").append(operation).append("></e:Body></e:Envelope>");
    return text;
}

std::string echo(std::string_view text, std::string_view soap = soap_1_1) {
    return envelope("echo", "<l:address>tel:1</l:address><l:text>" + std::string(text) + "</l:text>", soap);
}

std::string fail(std::string_view how) { return envelope("fail", "<l:how>" + std::string(how) + "</l:how>"); }

class Endpoint : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        database.emplace();
        auto session = database->session("ledgerline_service");
        auth::Users users(session, "example.com");
        users.create({.login = "app", .grants = {{"example.com", auth::Permission::account_read}}}, "app");
        users.create({.login = "poor"}, "poor");
    }
    static void TearDownTestSuite() { database.reset(); }
    static inline std::optional<tests::TestDatabase> database;

    void SetUp() override { start({}); }

    void start(frontend::EndpointOptions options) {
        server_.reset();
        base::Database::Options pool;
        pool.session.url = database->url();
        pool.session.statement_timeout = 10s;
        authenticator_.reset();
        pool_.emplace(pool);
        auth::Authenticator::Options authentication;
        authentication.failures.throttle = throttle_;
        authenticator_.emplace(*pool_, authentication, log_);
        std::vector<frontend::Service> services;
        services.push_back(handlers_.service());
        const auto readiness = [this] { return readiness_; };
        const auto metrics = [this](std::string& out) {
            frontend::append_metrics(out, server_->statistics());
        };
        endpoint_log_.emplace(base::LogOptions{.level = base::LogLevel::error, .file = log_file_});
        endpoint_.emplace(
            frontend::EndpointParts{catalogue_, decoder_, *authenticator_, std::move(services), readiness,
                                    metrics, *endpoint_log_, *endpoint_log_, nullptr, status_},
            std::move(options));
        http::Options http;
        http.listen[0].port = 0;
        http.body_limit = 10'000;
        server_.emplace(threads_.contexts(), *endpoint_, http);
        server_->start();
    }
    void TearDown() override { server_.reset(); }

    HttpResponse send(const std::string& bytes) {
        HttpClient client(server_->port());
        client.send(bytes);
        return client.response().value();
    }
    HttpResponse post(std::string_view body, std::string_view user = "app:app",
                      std::string_view target = "/ParlayX/", std::string headers = "") {
        if (!user.empty()) headers += "Authorization: " + basic_authorization(user) + "\r\n";
        return send(tests::http_post(target, headers, body));
    }
    HttpResponse get(std::string_view target) {
        return send("GET " + std::string(target) + " HTTP/1.1\r\nHost: billing.example.com:81\r\n\r\n");
    }

    soap::XmlRuntime xml_;
    soap::Catalogue catalogue_{{&tests::echo_interface}};
    soap::Decoder decoder_{xml_, catalogue_};
    tests::EchoService handlers_;
    const base::Logger log_{base::LogLevel::error};
    std::string log_file_;  ///< of the endpoint; empty: standard error
    std::optional<base::Logger> endpoint_log_;
    auth::Throttle::Options throttle_{};  ///< of the authenticator
    frontend::RequestStatus status_;
    frontend::Readiness readiness_;
    std::optional<frontend::Endpoint> endpoint_;
    tests::IoThreads threads_{1};  // outlives those whose threads resume coroutines on it
    std::optional<base::Database> pool_;
    std::optional<auth::Authenticator> authenticator_;
    std::optional<http::Server> server_;
};

void expect_fault(const HttpResponse& response, int status, std::string_view text) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_TRUE(response.headers.at("content-type").starts_with("text/xml")) << response.head;
    EXPECT_NE(response.body.find("Fault>"), std::string::npos) << response.body;
    EXPECT_NE(response.body.find(text), std::string::npos) << response.body;
}

TEST_F(Endpoint, serves_an_operation) {
    for (const auto* target : {"/ParlayX/", "/ParlayX", "/ParlayX/v2_1/Echo"}) {
        const auto response = post(echo("hi &amp; bye"), "app:app", target);
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_EQ(response.headers.at("content-type"), "text/xml; charset=utf-8");
        EXPECT_NE(response.body.find("app@example.com says hi &amp; bye"), std::string::npos)
            << response.body;
        EXPECT_FALSE(response.headers.contains("idempotency-replayed"));
    }
}

TEST_F(Endpoint, logs_why_a_question_failed) {
    const auto file = std::filesystem::temp_directory_path() / ("endpoint-" + std::to_string(::getpid()));
    log_file_ = file.string();
    status_ = [](frontend::StatusQuestion) -> boost::asio::awaitable<frontend::StatusAnswer> {
        throw std::runtime_error("a secret of the program");
        co_return frontend::StatusAnswer();
    };
    start({});
    const auto response =
        send("GET /ParlayX/requests/r1?endUserIdentifier=tel:1 HTTP/1.1\r\nHost: h\r\nAuthorization: " +
             basic_authorization("app:app") + "\r\n\r\n");
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body.find("secret"), std::string::npos) << response.body;
    endpoint_log_->flush();
    std::ifstream in(file);
    std::string written;
    while (written.find("a secret of the program") == std::string::npos && std::getline(in, written)) {
    }
    EXPECT_NE(written.find("/ParlayX/requests/r1"), std::string::npos) << written;
    std::filesystem::remove(file);
}

TEST_F(Endpoint, tells_a_guesser_how_long_to_wait_whatever_is_asked) {
    throttle_ = {.per_address = 1, .window = 10min};
    start({.public_descriptions = false});
    EXPECT_EQ(post(echo("hi"), "app:wrong").status, 401);
    const auto posted = post(echo("hi"), "app:wrong too");
    const auto asked = send("GET /ParlayX/ HTTP/1.1\r\nHost: h\r\nAuthorization: " +
                            basic_authorization("app:wrong as well") + "\r\n\r\n");
    for (const auto& response : {posted, asked}) {
        EXPECT_EQ(response.status, 429);
        EXPECT_TRUE(response.head.starts_with("HTTP/1.1 429 Too Many Requests\r\n")) << response.head;
        EXPECT_GT(std::stoi(response.headers.at("retry-after")), 500);
    }
}

TEST_F(Endpoint, answers_soap_1_2_in_kind) {
    const auto response = post(echo("hi", soap_1_2));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.headers.at("content-type").starts_with("application/soap+xml"));
    EXPECT_NE(response.body.find(soap_1_2), std::string::npos);
    const auto denied =
        post(echo("hi", soap_1_2), "app:wrong", "/ParlayX/", "Content-Type: application/soap+xml\r\n");
    EXPECT_EQ(denied.status, 401);
    EXPECT_NE(denied.body.find(soap_1_2), std::string::npos);
}

TEST_F(Endpoint, marks_a_replayed_answer) {
    const auto response = post(echo("hi"), "app:app", "/ParlayX/", "Idempotency-Key: 1\r\n");
    EXPECT_EQ(response.headers.at("idempotency-replayed"), "true");
}

TEST_F(Endpoint, every_answer_has_its_own_request_id) {
    std::set<std::string> ids;
    for (const auto& response : {post(echo("hi")), post(echo("hi")), post("<a/>"), post("", "app:wrong"),
                                 send("POST /ParlayX/ HTTP/1.1\r\n\r\n")}) {
        EXPECT_TRUE(ids.insert(response.headers.at("x-request-id")).second);
    }
}

TEST_F(Endpoint, unknown_senders_get_401_and_a_fault) {
    for (const auto* user : {"", "app:wrong", "nobody:app"}) {
        for (const auto& body : {echo("hi"), std::string("<broken")}) {
            const auto response = post(body, user);
            expect_fault(response, 401, "not-authenticated");
            EXPECT_EQ(response.headers.at("www-authenticate"),
                      "Basic realm=\"ledgerline\", charset=\"UTF-8\"");
        }
    }
    expect_fault(post(echo("hi"), "", "/ParlayX/", "Authorization: Bearer x\r\n"), 401, "not-authenticated");
    expect_fault(post(echo("hi"), "", "/ParlayX/v9/Nothing"), 401, "not-authenticated");
}

TEST_F(Endpoint, who_has_no_right_gets_a_policy_exception) {
    const auto response = post(echo("hi"), "poor:poor");
    expect_fault(response, 500, "POL0001");
    expect_fault(response, 500, "not-allowed");
}

TEST_F(Endpoint, what_is_no_request_gets_its_fault) {
    expect_fault(post(""), 500, "Client");
    expect_fault(post("<broken"), 500, "Client");
    expect_fault(post("not xml"), 500, "Client");
    expect_fault(post(envelope("unknown", "")), 500, "Client");
    expect_fault(post(envelope("echo", "<l:text>hi</l:text>")), 500, "SVC0002");
    expect_fault(post(echo("hi"), "app:app", "/ParlayX/v2_1/Nothing"), 404, "Client");
    expect_fault(post(echo("hi"), "app:app", "/ParlayX/somewhere"), 404, "Client");
    expect_fault(post("\x1f\x8b", "app:app", "/ParlayX/", "Content-Encoding: x-unknown\r\n"), 415, "Client");
    const auto put = send("PUT /ParlayX/ HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_fault(put, 405, "Client");
    EXPECT_EQ(put.headers.at("allow"), "GET, HEAD, POST");
}

TEST_F(Endpoint, a_handlers_fault_is_the_answer) { expect_fault(post(fail("rule")), 500, "SVC0270"); }

TEST_F(Endpoint, overload_asks_to_come_again) {
    for (const auto& [how, code] :
         {std::pair("busy", "overloaded"), std::pair("away", "database-unavailable")}) {
        const auto response = post(fail(how));
        expect_fault(response, 503, code);
        expect_fault(response, 503, "SVC0001");
        EXPECT_EQ(response.headers.at("retry-after"), "1");
    }
    start({.retry_after = 7s, .overload_status = 500});
    const auto response = post(fail("busy"));
    expect_fault(response, 500, "SVC0001");
    EXPECT_EQ(response.headers.at("retry-after"), "7");
}

TEST_F(Endpoint, a_defect_tells_nothing_but_its_code) {
    testing::internal::CaptureStderr();
    const auto response = post(fail("defect"));
    endpoint_log_->flush();  // a thread of its own writes it
    const auto log = testing::internal::GetCapturedStderr();
    expect_fault(response, 500, "SVC0001");
    expect_fault(response, 500, "internal");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
    EXPECT_NE(log.find("a secret of the program"), std::string::npos);
    EXPECT_NE(log.find(response.headers.at("x-request-id")), std::string::npos);
}

TEST_F(Endpoint, what_the_server_refuses_is_told_in_soap) {
    expect_fault(post(std::string(10'001, 'x')), 413, "larger");
    expect_fault(send("POST /ParlayX/ HTTP/1.1\r\nHost: h\r\nName: " + std::string(20'000, 'x') + "\r\n\r\n"),
                 431, "header");
    expect_fault(send("garbage\r\n\r\n"), 400, "malformed");
    const auto elsewhere = send("POST /elsewhere HTTP/1.1\r\nHost: h\r\nContent-Length: 10001\r\n\r\n");
    EXPECT_EQ(elsewhere.headers.at("content-type"), "text/plain; charset=utf-8");
}

TEST_F(Endpoint, publishes_descriptions_under_the_name_the_client_used) {
    const auto wsdl = get("/ParlayX/v2_1/Echo?wsdl");
    EXPECT_EQ(wsdl.status, 200);
    EXPECT_NE(wsdl.body.find("http://billing.example.com:81/ParlayX/v2_1/Echo"), std::string::npos)
        << wsdl.body;
    EXPECT_EQ(get("/ParlayX/v2_1/Echo?xsd=local").status, 200);
    EXPECT_EQ(get("/ParlayX/v2_1/Echo?xsd=nothing").status, 404);
    EXPECT_EQ(get("/ParlayX/v2_1/Nothing?wsdl").status, 404);

    const auto index = get("/ParlayX/");
    EXPECT_EQ(index.headers.at("content-type"), "text/html; charset=utf-8");
    EXPECT_NE(index.body.find("http://billing.example.com:81/ParlayX/v2_1/Echo?wsdl"), std::string::npos);

    const auto strange = send("GET /ParlayX/ HTTP/1.1\r\nHost: \"><script>\r\n\r\n");
    // Neither as it came nor escaped: the page speaks of descriptions, so the word alone says nothing.
    for (const auto* part : {"<script", "&lt;script", "script>", "script&gt;"}) {
        EXPECT_EQ(strange.body.find(part), std::string::npos) << part;
    }

    start({.public_url = "https://pay.example.com/"});
    EXPECT_NE(get("/ParlayX/v2_1/Echo?wsdl").body.find("https://pay.example.com/ParlayX/v2_1/Echo"),
              std::string::npos);
}

TEST_F(Endpoint, descriptions_can_be_closed) {
    start({.public_descriptions = false});
    for (const auto* target : {"/ParlayX/", "/ParlayX/v2_1/Echo?wsdl"}) {
        const auto closed = get(target);
        EXPECT_EQ(closed.status, 401);
        EXPECT_TRUE(closed.headers.contains("www-authenticate"));
        const auto open = send("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\nAuthorization: " +
                               basic_authorization("poor:poor") + "\r\n\r\n");
        EXPECT_EQ(open.status, 200);
    }
    EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(Endpoint, tells_whether_it_is_ready) {
    EXPECT_EQ(get("/healthz").body, "ok\n");
    EXPECT_EQ(get("/readyz").status, 200);
    readiness_.checks = {{"lanes", ""}, {"database", "does not answer"}};
    EXPECT_EQ(get("/readyz").status, 503);
    EXPECT_EQ(get("/readyz").body, "not ready\nlanes: ok\ndatabase: does not answer\n");
    readiness_.checks.pop_back();
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/readyz").body, "ready\nlanes: ok\n");
    EXPECT_EQ(get("/").status, 404);
}

TEST_F(Endpoint, unpacks_requests_and_packs_answers) {
    const std::string ask = "Accept-Encoding: deflate, gzip;q=0.5\r\n";
    const auto packed =
        post(http::gzip(echo("hi")), "app:app", "/ParlayX/", "Content-Encoding: gzip\r\n" + ask);
    EXPECT_EQ(packed.status, 200);
    EXPECT_EQ(packed.headers.at("content-encoding"), "gzip");
    const auto body = std::get<std::string>(http::unpack("gzip", packed.body, 10'000));
    EXPECT_NE(body.find("says hi"), std::string::npos);
    EXPECT_FALSE(post(echo("hi")).headers.contains("content-encoding"));
    EXPECT_EQ(send("GET /ParlayX/v2_1/Echo?wsdl HTTP/1.1\r\nHost: h\r\n" + ask + "\r\n")
                  .headers.at("content-encoding"),
              "gzip");

    const std::string gzip = "Content-Encoding: gzip\r\n";
    const auto bomb = http::gzip(std::string(8U << 20U, ' '));
    expect_fault(post(bomb, "app:app", "/ParlayX/", gzip), 413, "larger");
    expect_fault(post(http::gzip(echo("hi")).substr(0, 60), "app:app", "/ParlayX/", gzip), 400,
                 "Content-Encoding");
    expect_fault(post(echo("hi"), "app:app", "/ParlayX/", gzip), 400, "Content-Encoding");
}

TEST_F(Endpoint, believes_its_own_proxies_only) {
    const std::string headers =
        "Host: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pay.example.com\r\n\r\n";
    const auto wsdl = "GET /ParlayX/v2_1/Echo?wsdl HTTP/1.1\r\n" + headers;
    EXPECT_NE(send(wsdl).body.find("http://h/ParlayX/v2_1/Echo"), std::string::npos);
    start({.trusted_proxies = http::Networks::parse("127.0.0.0/8").value()});
    EXPECT_NE(send(wsdl).body.find("https://pay.example.com/ParlayX/v2_1/Echo"), std::string::npos);
}

TEST_F(Endpoint, ignores_unknown_elements_of_whom_it_is_told_to) {
    const auto body =
        envelope("echo", "<l:address>tel:1</l:address><new><deep/>text</new><l:text>hi</l:text>");
    expect_fault(post(body), 500, "SVC0002: Invalid input value for message part new");
    start({.ignore_unknown_elements_of = {"app@example.com"}});
    EXPECT_EQ(post(body).status, 200);
    expect_fault(post(body, "poor:poor"), 500, "part new");
    start({.ignore_unknown_elements = true});
    expect_fault(post(body, "poor:poor"), 500, "POL0001");
}

TEST_F(Endpoint, serves_an_unlisted_minor_version_at_its_url) {
    auto body = echo("hi");
    body.replace(body.find("v2_1"), 4, "v2_7");
    for (const auto* target : {"/ParlayX/v2_7/Echo", "/ParlayX/v2_1/Echo", "/ParlayX/"}) {
        const auto response = post(body, "app:app", target);
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_NE(response.body.find("echoResponse xmlns:loc=\"urn:test/echo/v2_7/local\""),
                  std::string::npos);
    }
    EXPECT_EQ(get("/ParlayX/v2_7/Echo?wsdl").status, 200);
    expect_fault(post(body, "app:app", "/ParlayX/v4_0/Echo"), 404, "No service");
}

TEST_F(Endpoint, probes_can_have_a_listener_of_their_own) {
    start({.health_listener = 1});
    EXPECT_EQ(get("/healthz").status, 404);
    EXPECT_EQ(post(echo("hi")).status, 200);
    start({.health_listener = 0});  // this test's only listener has the tag 0
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/ParlayX/").status, 404);
    EXPECT_EQ(post(echo("hi")).status, 404);
}

TEST_F(Endpoint, counts_what_became_of_requests) {
    post(echo("hi"));
    post(echo("hi"), "app:app", "/ParlayX/", "Idempotency-Key: 1\r\n");
    post(echo("hi"), "poor:poor");
    post(echo("hi"), "app:wrong");
    post("<broken");
    post(envelope("echo", "<l:address>tel:1</l:address>"));
    post(fail("busy"));
    const auto text = get("/metrics").body;
    const auto has = [&](std::string_view operation, std::string_view outcome) {
        return text.find(std::string("ledgerline_requests_total{service=\"") +
                         (operation == "unknown" ? "unknown" : "Echo") + "\",operation=\"" +
                         std::string(operation) + "\",outcome=\"" + std::string(outcome) + "\"} 1\n") !=
               std::string::npos;
    };
    EXPECT_TRUE(has("echo", "done"));
    EXPECT_TRUE(has("echo", "replayed"));
    EXPECT_TRUE(has("echo", "refused"));
    EXPECT_TRUE(has("echo", "malformed"));
    EXPECT_TRUE(has("unknown", "unauthenticated"));
    EXPECT_TRUE(has("unknown", "malformed"));
    EXPECT_TRUE(has("fail", "overloaded"));
    EXPECT_NE(text.find("ledgerline_http_requests_total 8\n"), std::string::npos) << text;
}

/// Every row of the tables that docs/faults.md is made from.
TEST_F(Endpoint, every_cause_of_a_fault_reaches_the_client_as_its_row_says) {
    std::map<std::string, frontend::Told> rows;
    const auto add = [&](const std::string& how, const frontend::Told& told, frontend::Refused refused) {
        rows.emplace(how, told);
        handlers_.refusals.emplace(how, std::move(refused));
    };
    for (const auto& row : payment::fault_rows()) {
        const std::string cause(to_string(row.cause));
        add("amount/" + cause, row.of_amount, payment::refused(row.cause, payment::Measure::amount));
        add("volume/" + cause, row.of_volume, payment::refused(row.cause, payment::Measure::volume));
    }
    for (const auto& row : accountmgmt::fault_rows()) {
        const std::string cause(to_string(row.cause));
        add("account/" + cause, row.told, accountmgmt::refused(row.cause, "voucherIdentifier"));
    }
    for (const auto& row : accountmgmt::own_fault_rows())
        add("account/" + std::string(row.meaning), row.told, accountmgmt::refused(row.cause));

    const auto* operation = tests::echo_interface.find(tests::echo_versions[0], "fail");
    for (const auto& [how, told] : rows) {
        SCOPED_TRACE(how);
        const bool again = told.variable == "overloaded" || told.variable == "database-unavailable";
        const auto response = post(fail(how));
        EXPECT_EQ(response.status, again ? 503 : 500);
        EXPECT_EQ(response.headers.contains("retry-after"), again);
        const auto reply = decoder_.decode_reply(
            response.body, {&tests::echo_interface, &tests::echo_versions[0]}, *operation);
        ASSERT_TRUE(std::holds_alternative<soap::Fault>(reply)) << response.body;
        const auto& fault = std::get<soap::Fault>(reply);
        EXPECT_EQ(fault.id, told.id);
        const bool policy = told.id.starts_with("POL");
        EXPECT_EQ(fault.kind, policy ? soap::Fault::Kind::policy : soap::Fault::Kind::service);
        EXPECT_EQ(fault.text, soap::find_message_id(told.id)->text);
        const std::vector<std::string> variables(told.variable.empty() ? 0 : 1, std::string(told.variable));
        EXPECT_EQ(fault.variables, variables);
    }
}

}  // namespace
