// What one party asks of the other, and takes back, or leaves behind.
#include "tests/unit/call_player.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace call_player;

TEST(CallRelay, AReinviteThatIsCancelledIsCancelledAtTheOtherParty) {
    Player player({"sip:a", "sip:b"});
    player.connect();
    const auto hold = offer + "a=sendonly\r\n";
    player.feed(event::Requested{1, 7, Method::reinvite, {"application/sdp", hold}});
    player.feed(event::Withdrawn{1, 6});
    EXPECT_TRUE(player.every<command::Withdraw>().empty()) << "it is another one";
    player.feed(event::Withdrawn{1, 7});
    ASSERT_EQ(player.every<command::Withdraw>().size(), 1U);
    EXPECT_EQ(player.every<command::Withdraw>().back().leg, 0U);
    player.feed(event::Rejected{0, 487});
    EXPECT_TRUE(player.every<command::Answer>().empty()) << "it has been answered";
    EXPECT_TRUE(player.call.media(1).at(0).receives) << "it is not on hold";

    // The other party's answer crosses the CANCEL: what it took is not what holds.
    player.feed(event::Requested{1, 8, Method::reinvite, {"application/sdp", hold}});
    player.feed(event::Withdrawn{1, 8});
    const auto sent = player.every<command::Reinvite>().size();
    player.feed(event::Answered{0, offer});
    ASSERT_EQ(player.every<command::Reinvite>().size(), sent + 1);
    EXPECT_EQ(player.every<command::Reinvite>().back().sdp.find("sendonly"), std::string::npos);
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.every<command::Ack>().back().leg, 0U);
    EXPECT_TRUE(player.every<command::Answer>().empty());
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(CallRelay, WhoseAnswerCrossedTheCancelOfAReinviteTalksAgain) {
    for (const LegNo asker : {0U, 1U}) {
        for (const bool at_once : {true, false}) {
            SCOPED_TRACE(std::to_string(asker) + (at_once ? "" : ", later"));
            const LegNo other = 1 - asker;
            Player player({"sip:a", "sip:b"});
            player.connect();
            player.feed(
                event::Requested{asker, 8, Method::reinvite, {"application/sdp", offer + "a=sendonly\r\n"}});
            player.feed(event::Withdrawn{asker, 8});
            const auto sent = player.every<command::Reinvite>().size();
            player.feed(event::Answered{other, offer});
            if (!at_once) {
                const auto timers = player.every<command::SetTimer>().size();
                player.feed(event::Rejected{other, 500});
                player.feed(event::Timer{player.every<command::SetTimer>()[timers].id});
            }
            for (auto asked = sent; asked < player.every<command::Reinvite>().size(); ++asked)
                player.feed(event::Answered{player.every<command::Reinvite>()[asked].leg, offer});
            EXPECT_EQ(player.call.media(0).size(), 1U);
            EXPECT_EQ(player.call.media(1).size(), 1U);
            const auto again = player.every<command::Reinvite>().size() - sent;
            EXPECT_TRUE(again == 1 || !at_once) << again;
        }
    }
}

TEST(CallRelay, WhoLeavesAReinviteBehindLetsTheOtherAnswerItFirst) {
    for (const bool crosses : {false, true}) {
        auto with = options();
        with.bridge = false;
        Player player({"sip:a", "sip:b"}, with);
        player.connect();
        player.feed(event::Add{"sip:c"});
        player.feed(event::Remove{"sip:c"});
        player.feed(event::Requested{1, 7, Method::reinvite, {"application/sdp", offer + "a=sendonly\r\n"}});
        const auto sent = player.every<command::Reinvite>().size();
        player.feed(event::HungUp{1});
        ASSERT_EQ(player.every<command::Withdraw>().size(), 1U);
        EXPECT_EQ(player.every<command::Reinvite>().size(), sent) << "one at a time";
        if (crosses)
            player.feed(event::Answered{0, offer});
        else
            player.feed(event::Rejected{0, 487});
        ASSERT_EQ(player.every<command::Reinvite>().size(), sent + 1) << "into silence";
        EXPECT_NE(player.every<command::Reinvite>().back().sdp.find("a=inactive"), std::string::npos);
        EXPECT_TRUE(player.call.has("sip:a"));
    }
}

TEST(CallRelay, WhoIsAskedForOtherMediaAndTakesLongEndsNoCall) {
    Player player({"sip:a", "sip:b"});
    player.connect();
    const auto wait_out = [&] { player.feed(event::Timer{player.every<command::SetTimer>().back().id}); };
    player.feed(event::Requested{1, 7, Method::reinvite, {"application/sdp", offer}});
    wait_out();
    EXPECT_EQ(player.every<command::Answer>().back().status, 480);
    ASSERT_EQ(player.every<command::Withdraw>().size(), 1U);
    player.feed(event::Rejected{0, 487});
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    // Of one that says nothing to the CANCEL either nothing is to be hoped.
    player.feed(event::Requested{1, 8, Method::reinvite, {"application/sdp", offer}});
    wait_out();
    wait_out();
    EXPECT_EQ(player.call.status().cause, Cause::aborted);
    EXPECT_EQ(player.every<command::Answer>().size(), 2U);
}

}  // namespace
