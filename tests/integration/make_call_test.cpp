// The application of third-party calls without a network.
#include "telephony/tasks/make_call.hpp"

#include "tests/support/ledger_suite.hpp"
#include "tests/support/no_signalling.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <string>

using namespace tests;

namespace {

class MakeCalls : public LedgerSuite {};

TEST_F(MakeCalls, ASessionEndsToGrowHoweverManyLeaveIt) {
    base::Database::Options pool;
    pool.session.url = bench().url();
    pool.session.statement_timeout = std::chrono::seconds(30);
    base::Database database(pool);
    boost::asio::io_context io;
    NoSignalling network;
    calls::RecordWriter records({"sip:node", std::string(32, 'a')}, database, io.get_executor(),
                                base::Logger());
    tasks::TaskContext context;
    context.number = 1;
    context.id = "call";
    context.executor = io.get_executor();
    context.ended = [] {};
    tasks::MakeCall parameters;
    parameters.parties = {"sip:a@x"};
    tasks::ParlayMakeCall call(context, std::move(parameters), network, nullptr, records);
    call.start();
    std::size_t added = 1;
    while (added <= tasks::legs_max && call.on({"addCallPeer", "sip:b@x"}) == tasks::Outcome::done) {
        EXPECT_EQ(call.on({"delCallPeer", "sip:b@x"}), tasks::Outcome::done);
        ++added;
    }
    EXPECT_EQ(added, tasks::legs_max);
    EXPECT_EQ(call.on({"addCallPeer", "sip:b@x"}), tasks::Outcome::too_many_peers);
    EXPECT_EQ(call.on({"endCall", {}}), tasks::Outcome::done);
}

}  // namespace
