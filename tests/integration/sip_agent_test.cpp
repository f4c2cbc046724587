// The SIP thread over real sockets: how far it is behind, for those who decide whether it gets more to do.
#include "telephony/sip/agent.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;
using calls::LegId;

/// Nobody listens there: the kernel says so at once.
calls::Invitation to_nobody() {
    calls::Invitation invitation;
    invitation.target = "sip:nobody@127.0.0.1:9";
    invitation.from = "sip:a@127.0.0.1";
    return invitation;
}

/// Until it holds, for ten seconds.
template <class Condition>
bool comes(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

TEST(SipAgent, DoesNotStartDeafWhenSomebodyHasItsPortByUdp) {
    boost::asio::io_context io;
    const boost::asio::ip::udp::socket taken(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
    sip::AgentOptions options;
    options.port = taken.local_endpoint().port();
    EXPECT_ANY_THROW(sip::Agent(
        options, [](calls::CallNo /*call*/, const calls::Event& /*event*/) {}, nullptr,
        base::Logger(base::LogOptions())));
}

TEST(SipAgent, SaysHowLongWhatIsToBeDoneHasWaited) {
    std::promise<void> busy, go_on;
    bool first = true;
    std::atomic<int> refused = 0;
    sip::AgentOptions options;
    options.port = 0;
    sip::Agent agent(
        options,
        [&](calls::CallNo /*call*/, const calls::Event& /*event*/) {
            ++refused;
            if (!std::exchange(first, false)) return;
            busy.set_value();
            go_on.get_future().wait();
        },
        nullptr, base::Logger(base::LogOptions()));
    EXPECT_EQ(agent.lag(), 0ms);
    agent.invite(LegId{1, 0}, to_nobody());
    busy.get_future().wait();
    EXPECT_EQ(agent.lag(), 0ms);  // it is busy, and nothing waits
    constexpr int more = 40;      // than it does in a row
    for (calls::CallNo call = 2; call < 2 + more; ++call) agent.invite(LegId{call, 0}, to_nobody());
    EXPECT_TRUE(comes([&] { return agent.lag() > 20ms; }));
    go_on.set_value();
    EXPECT_TRUE(comes([&] { return refused == 1 + more; }));
    EXPECT_TRUE(comes([&] { return agent.legs() == 0; }));
    EXPECT_EQ(agent.lag(), 0ms);
}

}  // namespace
