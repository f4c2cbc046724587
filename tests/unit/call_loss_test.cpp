// Parties that vanish: the call ends when they were last there; and what the others are told.
#include "telephony/calls/call.hpp"

#include <gtest/gtest.h>

#include <variant>
#include <vector>

namespace {

using namespace calls;
using namespace std::chrono_literals;

const std::string offer =
    "v=0\r\no=p 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

Moment at(std::chrono::milliseconds time) {
    Moment moment;
    moment.steady = time;
    moment.wall = std::chrono::sys_time<std::chrono::microseconds>(time);
    return moment;
}

Call connected_at(std::chrono::milliseconds time) {
    CallOptions options;
    options.held = true;
    options.granted = 600s;
    options.address = "127.0.0.1";
    options.session = 64;
    Call call({"sip:a", "sip:b"}, options, at(0s));
    (void)call.on(event::Start{}, at(0s));
    (void)call.on(event::Answered{0, offer}, at(time / 2));
    (void)call.on(event::Answered{1, offer}, at(time));
    (void)call.on(event::Answered{0, offer}, at(time));
    return call;
}

std::vector<command::End> ends_of(const Commands& commands) {
    std::vector<command::End> result;
    for (const auto& command : commands) {
        if (const auto* end = std::get_if<command::End>(&command)) result.push_back(*end);
    }
    return result;
}

TEST(CallLoss, ALostPartyEndedWithItsLastSignOfLife) {
    auto call = connected_at(10s);
    const auto commands = call.on(event::Lost{1, at(25s)}, at(70s));
    EXPECT_EQ(call.status().phase, Phase::terminated);
    EXPECT_EQ(call.status().cause, Cause::aborted);
    EXPECT_EQ(call.status().ended->steady, 25s);
    EXPECT_EQ(call.status().parties[1].ended->wall, at(25s).wall);
    EXPECT_EQ(billed_seconds(call.status()), 15);
    ASSERT_EQ(ends_of(commands).size(), 1U);
    EXPECT_EQ(ends_of(commands)[0].leg, 0U);
    EXPECT_EQ(ends_of(commands)[0].why, Cause::aborted);
}

TEST(CallLoss, WhatAnotherServerTookEndsHereWithoutACharge) {
    auto call = connected_at(10s);
    const auto commands = call.on(event::Taken{}, at(70s));
    EXPECT_EQ(call.status().phase, Phase::terminated);
    EXPECT_EQ(call.status().cause, Cause::aborted);
    EXPECT_EQ(call.status().parties[0].cause, Cause::aborted);
    EXPECT_EQ(ends_of(commands).size(), 2U);
    for (const auto& command : commands) {
        EXPECT_FALSE(std::holds_alternative<command::Capture>(command));
        EXPECT_FALSE(std::holds_alternative<command::Release>(command));
    }
    (void)call.on(event::Gone{0}, at(71s));
    (void)call.on(event::Gone{1}, at(71s));
    EXPECT_TRUE(call.finished());
}

TEST(CallLoss, ASignOfLifeIsNeverBeforeTheAnswerNorInTheFuture) {
    auto early = connected_at(10s);
    (void)early.on(event::Lost{1, at(3s)}, at(70s));
    EXPECT_EQ(early.status().parties[1].ended->steady, 10s);
    EXPECT_EQ(billed_seconds(early.status()), 1);
    auto late = connected_at(10s);
    (void)late.on(event::Lost{1, at(99s)}, at(70s));
    EXPECT_EQ(billed_seconds(late.status()), 60);
    auto unknown = connected_at(10s);
    (void)unknown.on(event::Lost{1}, at(70s));
    EXPECT_EQ(billed_seconds(unknown.status()), 60);
}

TEST(CallLoss, WhoeverDoesNotKnowTheDialogIsGoneAndTheOtherIsNotToldThatItIsItself) {
    for (const auto method : {Method::info, Method::update}) {
        for (const int status : {408, 481}) {
            auto call = connected_at(10s);
            (void)call.on(event::Requested{0, 7, method, {"application/sdp", offer}}, at(20s));
            const auto commands = call.on(event::Replied{1, 7, status, {}}, at(21s));
            std::vector<int> answers;
            for (const auto& command : commands) {
                if (const auto* answer = std::get_if<command::Answer>(&command))
                    answers.push_back(answer->status);
            }
            EXPECT_EQ(answers, std::vector{500});
            EXPECT_EQ(ends_of(commands).size(), 2U);
            EXPECT_EQ(call.status().cause, Cause::aborted);
            EXPECT_EQ(call.status().culprit, LegNo{1});
        }
    }
}

TEST(CallLoss, TheOneThatWaitsHearsWhyTheOtherDidNotCome) {
    for (const auto& [status, cause] : {std::pair{486, Cause::busy}, std::pair{404, Cause::not_reachable}}) {
        Call call({"sip:a", "sip:b"}, {}, at(0s));
        (void)call.on(event::Start{}, at(0s));
        (void)call.on(event::Answered{0, offer}, at(1s));
        const auto ends = ends_of(call.on(event::Refused{1, status}, at(2s)));
        ASSERT_EQ(ends.size(), 1U);
        EXPECT_EQ(ends[0].leg, 0U);
        EXPECT_EQ(ends[0].why, cause);
    }
}

}  // namespace
