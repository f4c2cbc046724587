// thirdpartycall::Recovery beside a real database: what a server that stops does not wait for.
#include "telephony/thirdpartycall/recovery.hpp"

#include "tests/support/ledger_suite.hpp"
#include "tests/support/no_signalling.hpp"

#include "telephony/calls/call_charge.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace tests;

namespace {

class CallRecovery : public LedgerSuite {};

base::Database::Options pool(const std::string& url) {
    base::Database::Options options;
    options.session.url = url;
    options.session.statement_timeout = std::chrono::seconds(30);
    return options;
}

thirdpartycall::RecoveryOptions with_heartbeat(std::chrono::milliseconds heartbeat) {
    thirdpartycall::RecoveryOptions options;
    options.heartbeat = heartbeat;
    return options;
}

/// What a server without calls of its own has for those of others.
struct Server {
    Server(const std::string& url, ledger::Ledger& ledger, std::chrono::milliseconds heartbeat)
        : database(pool(url)),
          recovery({"sip:node", std::string(32, 'a')}, with_heartbeat(heartbeat),
                   {[] { return std::vector<std::string>(); }, [](const std::string&) {}}, database, ledger,
                   signalling, io.get_executor(), base::Logger()) {}

    base::Database database;
    boost::asio::io_context io;
    NoSignalling signalling;
    thirdpartycall::Recovery recovery;
};

TEST_F(CallRecovery, StopsWithoutAnotherPauseWhenASignOfLifeIsUnderWay) {
    Server server(bench().url(), ledger(), std::chrono::hours(1));
    server.recovery.start("http://127.0.0.1:1");
    auto other = bench().session();
    base::sql::Transaction blocking(other);
    other.exec("select from ledger.call_server for update");
    auto ran = std::async(std::launch::async, [&] { server.io.run(); });
    const auto waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'call_heartbeat'";
    while (bench().value(waiting) != "1") std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::promise<void> stopped;
    boost::asio::post(server.io, [&] {
        server.recovery.stop();
        stopped.set_value();
    });
    stopped.get_future().wait();
    blocking.commit();
    EXPECT_EQ(ran.wait_for(std::chrono::seconds(30)), std::future_status::ready) << "it waits for its turn";
    server.io.stop();
}

/// What one server has to do for another's calls may take long: its own calls must not be taken for that.
TEST_F(CallRecovery, SaysThatItLivesWhileACallOfAnotherCanNotBeSettled) {
    applications::Charging charging;
    charging.description = "a call";
    charging.currency = "EUR";
    charging.amount = base::Decimal::parse("2.00");
    const auto charge = bench().run(
        calls::hold_charge(ledger(), "app", account_, std::move(charging), false, std::chrono::seconds(60)));
    calls::RecordFacts facts;
    calls::record_charge(facts, charge.value());
    const auto party = [](const std::string& address) {
        return "{\"address\": \"" + address +
               R"(", "state": "connected", "started_at": "2026-01-01 00:00:00+00"})";
    };
    const auto record = R"([{"call_id": "lost", "owner": "a@b", "calling": "sip:a@b", "state": "connected",
        "created_at": "2026-01-01 00:00:00+00", "started_at": "2026-01-01 00:00:00+00", "amount": 2.00,
        "unit": "EUR", "description": "", "code": "", "dialogs": [], "hold": ")" +
                        facts.hold + R"(", "reference": ")" + facts.reference + R"(", "parties": [)" +
                        party("sip:a@b") + ',' + party("sip:c@b") + "]}]";
    bench().exec("select ledger.record_calls('" + record + "', '{}', 'sip:node', '" + std::string(32, 'b') +
                 "')");
    Server server(bench().url(), ledger(), std::chrono::milliseconds(10));
    auto other = bench().session();
    base::sql::Transaction blocking(other);
    other.exec("select from ledger.hold for update");
    server.recovery.start("http://127.0.0.1:1");
    auto ran = std::async(std::launch::async, [&] { server.io.run(); });
    const auto until = [&](const std::string& question, const std::string& answer) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (bench().value(question) != answer) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    };
    EXPECT_TRUE(until("select count(*) from pg_stat_activity where wait_event_type = 'Lock'", "1"));
    bench().exec("create temporary table seen as select seen_at from ledger.call_server");
    EXPECT_TRUE(until("select c.seen_at > s.seen_at from ledger.call_server c, seen s", "t"))
        << "others take its calls";
    blocking.commit();
    EXPECT_TRUE(
        until("select settled and ended_at is not null from ledger.call where call_id = 'lost'", "t"));
    boost::asio::post(server.io, [&] { server.recovery.stop(); });
    EXPECT_EQ(ran.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    server.io.stop();
}

}  // namespace
