// What carries out a call's commands: its timers, and their end with the call.
#include "telephony/calls/command_runner.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace calls;
using namespace std::chrono_literals;

/// Nobody is there, and nobody is called.
class NoNetwork final : public Signalling {
  public:
    void invite(LegId /*leg*/, Invitation /*invitation*/) override {}
    void reinvite(LegId /*leg*/, std::string /*sdp*/) override {}
    void withdraw(LegId /*leg*/) override {}
    void ack(LegId /*leg*/, std::string /*sdp*/) override {}
    void relay(LegId /*leg*/, Ticket /*ticket*/, Method /*method*/, Body /*body*/) override {}
    void answer(LegId /*leg*/, Ticket /*ticket*/, int /*status*/, Body /*body*/) override {}
    void end(LegId /*leg*/, Cause /*why*/) override {}
    void rename(LegId /*from*/, LegId /*to*/) override {}
    void refuse(LegId /*leg*/, Response /*response*/) override {}
    void hang_up_lost(std::string /*dialog*/) override {}
};

class CommandRunnerTimers : public testing::Test {
  protected:
    void make() {
        runner.emplace(1,
                       CommandRunner::Machine{[this](const Event& event) {
                                                  if (const auto* timer = std::get_if<event::Timer>(&event))
                                                      rang.push_back(timer->id);
                                              },
                                              [](const command::Invite& /*invite*/) { return Invitation(); }},
                       network, context.get_executor(), Observer());
    }
    void set(TimerId id, std::chrono::milliseconds after) {
        Commands commands;
        commands.emplace_back(command::SetTimer{id, after});
        runner->run(std::move(commands));
    }

    boost::asio::io_context context{1};
    NoNetwork network;
    std::vector<TimerId> rang;
    std::optional<CommandRunner> runner;
};

TEST_F(CommandRunnerTimers, RingOnceInTheirOrder) {
    make();
    set(1, 20ms);
    set(2, 1ms);
    context.run();
    EXPECT_EQ(rang, (std::vector<TimerId>{2, 1}));
}

TEST_F(CommandRunnerTimers, OneThatRangAsItsCallWentIsToldToNobody) {
    make();
    // Due before the call's own timer, whose handler waits behind this one's then and can't be cancelled.
    boost::asio::steady_timer first(context, 1ms);
    first.async_wait([this](const boost::system::error_code& /*error*/) { runner.reset(); });
    set(1, 2ms);
    std::this_thread::sleep_for(10ms);
    context.run();
    EXPECT_TRUE(rang.empty());
}

TEST_F(CommandRunnerTimers, OneThatIsStillToRingGoesWithItsCall) {
    make();
    set(1, 1h);
    runner.reset();
    context.run();
    EXPECT_TRUE(rang.empty());
}

}  // namespace
