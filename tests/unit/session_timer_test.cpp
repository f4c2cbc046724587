// Session timers as RFC 4028 has them.
#include "telephony/sip/session_timer.hpp"

#include <gtest/gtest.h>

namespace {

using sip::SessionExpires;
using sip::SessionTimer;
using Refresher = sip::SessionTimer::Refresher;
using namespace std::chrono_literals;

/// `1800;least=90`, with who is to refresh where somebody is named.
std::string asked_for(const SessionTimer& timer) {
    const auto request = timer.request();
    if (!request.expires) return "nothing";
    const auto caller = request.expires->caller_refreshes;
    return std::to_string(request.expires->interval.count()) +
           (caller ? (*caller ? ";refresher=uac" : ";refresher=uas") : "") +
           ";least=" + std::to_string(request.least.count());
}

TEST(SessionTimer, WhoAlwaysWantsMoreIsNotAskedForEver) {
    SessionTimer timer(100s, 90s);
    int raised = 0;
    while (raised < 1'000 && timer.raise(101s + raised * 1s)) ++raised;
    EXPECT_EQ(raised, 10);
}

TEST(SessionTimer, WeAskAndWhoeverIsNamedRefreshes) {
    SessionTimer timer(1800s, 90s);
    EXPECT_EQ(asked_for(timer), "1800;least=90");
    timer.agree(SessionExpires{1800s, true});
    EXPECT_EQ(timer.refresher(), Refresher::us);
    EXPECT_EQ(timer.due(), 900s);
    // Who refreshes goes on doing so (7.1).
    EXPECT_EQ(asked_for(timer), "1800;refresher=uac;least=90");
    timer.agree(SessionExpires{600s, false});
    EXPECT_EQ(timer.refresher(), Refresher::peer);
    // 10: the smaller of 32 s and a third before the end.
    EXPECT_EQ(timer.due(), 568s);
    timer.agree(SessionExpires{90s, false});
    EXPECT_EQ(timer.due(), 60s);
    EXPECT_EQ(asked_for(timer), "1800;refresher=uas;least=90");
    // A peer that knows none ends it.
    timer.agree(std::nullopt);
    EXPECT_EQ(timer.refresher(), Refresher::nobody);
}

TEST(SessionTimer, WhoWantsNoneAsksForNone) {
    SessionTimer timer(0s, 90s);
    EXPECT_EQ(asked_for(timer), "nothing");
    EXPECT_FALSE(timer.raise(600s));
    EXPECT_EQ(timer.answer_lines(std::nullopt, true), "");
    EXPECT_EQ(timer.refresher(), Refresher::nobody);
    // But agrees to what the peer wants.
    EXPECT_EQ(timer.answer_lines(SessionExpires{600s, {}}, true),
              "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n");
    EXPECT_EQ(timer.refresher(), Refresher::peer);
}

TEST(SessionTimer, A422RaisesWhatWeAskFor) {
    SessionTimer timer(100s, 90s);
    EXPECT_TRUE(timer.raise(300s));
    EXPECT_EQ(asked_for(timer), "300;least=300");
    // Not again for the same.
    EXPECT_FALSE(timer.raise(300s));
    EXPECT_FALSE(timer.raise(200s));
}

TEST(SessionTimer, PeersAskAndAreAnswered) {
    SessionTimer timer(1800s, 90s);
    EXPECT_TRUE(timer.too_small(SessionExpires{89s, {}}));
    EXPECT_FALSE(timer.too_small(SessionExpires{90s, {}}));
    EXPECT_FALSE(timer.too_small(std::nullopt));
    EXPECT_EQ(timer.least_line(), "Min-SE: 90");
    EXPECT_EQ(timer.answer_lines(SessionExpires{200s, true}, true),
              "Require: timer\r\nSession-Expires: 200;refresher=uac\r\n");
    EXPECT_EQ(timer.refresher(), Refresher::peer);
    EXPECT_EQ(timer.answer_lines(SessionExpires{200s, false}, true),
              "Session-Expires: 200;refresher=uas\r\n");
    EXPECT_EQ(timer.refresher(), Refresher::us);
    // A proxy asked; the peer itself knows no timers.
    EXPECT_EQ(timer.answer_lines(SessionExpires{200s, {}}, false), "Session-Expires: 200;refresher=uas\r\n");
    // The peer asks for none, but knows them.
    EXPECT_EQ(timer.answer_lines(std::nullopt, true), "Session-Expires: 1800;refresher=uas\r\n");
    EXPECT_EQ(timer.answer_lines(std::nullopt, false), "");
    EXPECT_EQ(timer.refresher(), Refresher::nobody);
}

}  // namespace
