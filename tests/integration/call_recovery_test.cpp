// thirdpartycall::Recovery beside a real database: what a server that stops does not wait for.
#include "telephony/thirdpartycall/recovery.hpp"

#include "tests/support/ledger_suite.hpp"
#include "tests/support/no_signalling.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace tests;

namespace {

class CallRecovery : public LedgerSuite {};

TEST_F(CallRecovery, StopsWithoutAnotherPauseWhenASignOfLifeIsUnderWay) {
    base::Database::Options pool;
    pool.session.url = bench().url();
    pool.session.statement_timeout = std::chrono::seconds(30);
    base::Database database(pool);
    boost::asio::io_context io;
    NoSignalling signalling;
    thirdpartycall::RecoveryOptions options;
    options.heartbeat = std::chrono::hours(1);
    const thirdpartycall::RunningCalls running{[] { return std::vector<std::string>(); },
                                               [](const std::string&) {}};
    thirdpartycall::Recovery recovery({"sip:node", std::string(32, 'a')}, options, running, database,
                                      ledger(), signalling, io.get_executor(), base::Logger());
    recovery.start("http://127.0.0.1:1");
    auto other = bench().session();
    base::sql::Transaction blocking(other);
    other.exec("select from ledger.call_server for update");
    auto ran = std::async(std::launch::async, [&] { io.run(); });
    const auto waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'call_heartbeat'";
    while (bench().value(waiting) != "1") std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::promise<void> stopped;
    boost::asio::post(io, [&] {
        recovery.stop();
        stopped.set_value();
    });
    stopped.get_future().wait();
    blocking.commit();
    EXPECT_EQ(ran.wait_for(std::chrono::seconds(30)), std::future_status::ready) << "it waits for its turn";
    io.stop();
}

}  // namespace
