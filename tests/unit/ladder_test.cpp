// What a call's trace says.
#include "telephony/calls/ladder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace std::chrono_literals;

calls::CallStatus two_parties() {
    calls::CallStatus status;
    status.created.steady = 5'000ms;
    status.parties.emplace_back().address = "sip:a@example.com";
    status.parties.emplace_back().address = "tel:+15550002";
    return status;
}

calls::Signal signal(calls::LegNo leg, std::chrono::milliseconds at, bool sent, std::string text) {
    calls::Signal result;
    result.leg = leg;
    result.at.steady = at;
    result.sent = sent;
    result.text = std::move(text);
    return result;
}

TEST(Ladder, SaysWhenWhoSentWhat) {
    calls::Ladder ladder(10);
    ladder.add(signal(0, 5'000ms, true, "INVITE sip:a@example.com"));
    ladder.add(signal(0, 5'012ms, false, "180 Ringing (INVITE)"));
    ladder.add(signal(1, 6'000ms, true, "BYE"));
    EXPECT_EQ(ladder.text(two_parties()),
              "party 1: sip:a@example.com\n"
              "party 2: tel:+15550002\n"
              "        0 ms  -> 1  INVITE sip:a@example.com\n"
              "       12 ms  <- 1  180 Ringing (INVITE)\n"
              "     1000 ms  -> 2  BYE\n");
}

TEST(Ladder, IsBounded) {
    calls::Ladder ladder(2);
    for (int i = 0; i < 5; ++i) ladder.add(signal(0, 5'000ms, true, "OPTIONS"));
    const auto text = ladder.text(two_parties());
    EXPECT_NE(text.find("and 3 more\n"), std::string::npos) << text;
    EXPECT_EQ(std::ranges::count(text, '\n'), 5);
}

TEST(Ladder, APeersWordsAreOneLineAndNoCommands) {
    calls::Ladder ladder(1);
    ladder.add(signal(0, 5'000ms, false, "180 \x1b[2J\x9b\r\n" + std::string(10'000, 'x')));
    const auto text = ladder.text(two_parties());
    EXPECT_NE(text.find("180 ?[2J???xx"), std::string::npos) << text;
    EXPECT_LT(text.size(), 800U);
}

}  // namespace
