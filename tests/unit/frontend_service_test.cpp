// Registering handlers, and rights at the seam.
#include "frontend/request_metrics.hpp"
#include "frontend/service.hpp"
#include "tests/support/echo_service.hpp"

#include <gtest/gtest.h>

namespace {

using auth::Permission;
using frontend::Code;
using frontend::Service;
using tests::EchoService;

TEST(Service, knows_whether_every_operation_has_a_handler) {
    EchoService handlers;
    EXPECT_NO_THROW(handlers.service().check_complete());
    EXPECT_EQ(handlers.service().operations().size(), 2U);

    Service partial(tests::echo_interface);
    partial.serve<&EchoService::echo>(handlers, "echo", Permission::account_read);
    EXPECT_THROW(partial.check_complete(), std::logic_error);
}

TEST(Service, refuses_handlers_that_do_not_fit_the_tables) {
    EchoService handlers;
    Service service(tests::echo_interface);
    EXPECT_THROW(service.serve<&EchoService::echo>(handlers, "absent", Permission::account_read),
                 std::logic_error);
    EXPECT_THROW(service.serve<&EchoService::echo>(handlers, "fail", Permission::account_read),
                 std::logic_error);
    service.serve<&EchoService::echo>(handlers, "echo", Permission::account_read);
    EXPECT_THROW(service.serve<&EchoService::echo>(handlers, "echo", Permission::account_read),
                 std::logic_error);
}

TEST(Codes, become_the_fault_that_fits) {
    EXPECT_EQ(frontend::fault(Code::internal).id, "SVC0001");
    EXPECT_EQ(frontend::fault(Code::overloaded).variables, std::vector<std::string>{"overloaded"});
    EXPECT_EQ(frontend::fault(Code::not_allowed).id, "POL0001");
    EXPECT_EQ(frontend::fault(Code::not_allowed).variables, std::vector<std::string>{"not-allowed"});
    EXPECT_TRUE(frontend::try_again(Code::overloaded).try_again);
}

frontend::Call call_by(auth::Kind kind) {
    auth::Principal::Data data;
    data.login = {"alice", "example.com"};
    data.kind = kind;
    data.addresses = {"tel:1"};
    frontend::Call call;
    call.principal = std::make_shared<const auth::Principal>(std::move(data));
    call.permission = Permission::account_read;
    return call;
}

TEST(Refusal, follows_the_rights_of_the_caller) {
    const auto alice = call_by(auth::Kind::subscriber);
    EXPECT_FALSE(frontend::refusal(alice, "example.com", "tel:1"));
    EXPECT_EQ(frontend::refusal(alice, "example.com", "tel:2"), frontend::fault(Code::not_allowed));
    EXPECT_TRUE(frontend::refusal(alice, Permission::account_update, "example.com", "tel:1"));
}

TEST(Refusal, strangers_do_not_learn_which_addresses_exist) {
    const auto alice = call_by(auth::Kind::subscriber);
    EXPECT_EQ(frontend::refusal(alice, std::nullopt, "tel:9"),
              frontend::refusal(alice, "example.com", "tel:2"));
    const auto administrator = call_by(auth::Kind::administrator);
    EXPECT_FALSE(frontend::refusal(administrator, std::nullopt, "tel:9"));
}

TEST(RequestMetrics, count_by_operation_and_outcome) {
    using namespace std::chrono_literals;
    frontend::RequestMetrics metrics;
    const auto number = metrics.add("Echo", "echo");
    EXPECT_EQ(metrics.add("Echo", "echo"), number);
    EXPECT_NE(metrics.add("Echo", "fail"), number);
    metrics.count(number, frontend::RequestOutcome::done, 100us);
    metrics.count(number, frontend::RequestOutcome::done, 1'234'567us);
    metrics.count(number, frontend::RequestOutcome::replayed, 99'000ms);
    std::string text;
    metrics.write(text);
    const auto has = [&](std::string_view line) { return text.find(line) != std::string::npos; };
    EXPECT_TRUE(has("ledgerline_requests_total{service=\"Echo\",operation=\"echo\",outcome=\"done\"} 2\n"));
    EXPECT_TRUE(has("ledgerline_requests_total{service=\"Echo\",operation=\"echo\",outcome=\"failed\"} 0\n"));
    EXPECT_TRUE(
        has("ledgerline_request_seconds_bucket{service=\"Echo\",operation=\"echo\",le=\"0.000100\"} 1\n"));
    EXPECT_TRUE(
        has("ledgerline_request_seconds_bucket{service=\"Echo\",operation=\"echo\",le=\"2.500000\"} 2\n"));
    EXPECT_TRUE(
        has("ledgerline_request_seconds_bucket{service=\"Echo\",operation=\"echo\",le=\"+Inf\"} 3\n"));
    EXPECT_TRUE(has("ledgerline_request_seconds_sum{service=\"Echo\",operation=\"echo\"} 100.234667\n"));
    EXPECT_TRUE(has("ledgerline_request_seconds_count{service=\"Echo\",operation=\"echo\"} 3\n"));
}

}  // namespace
