// Parties on the bridge: what they ask for there, what they hear while another one rings, and what is shown
// of it.
#include "telephony/calls/sdp.hpp"
#include "tests/unit/call_player.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <chrono>

namespace {

using namespace call_player;
using namespace std::chrono_literals;

/// The same party's next offer.
std::string changed(const std::string& line, int version = 2) {
    auto text = offer;
    text.replace(text.find("o=p 1 1"), 7, "o=p 1 " + std::to_string(version));
    return text + line + "\r\n";
}

event::Requested asks(LegNo leg, Ticket ticket, std::string sdp) {
    return {leg, ticket, Method::reinvite, {"application/sdp", std::move(sdp)}};
}

command::Answer last_answer(const Player& player) { return player.every<command::Answer>().back(); }

TEST(CallMixed, HoldLeavesTheMixAndResumeComesBack) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    const auto joins = player.every<command::Join>().size();
    player.feed(asks(1, 9, changed("a=sendonly")));
    EXPECT_EQ(player.every<command::Leave>().back().leg, 1U);
    EXPECT_EQ(last_answer(player).status, 200);
    EXPECT_NE(last_answer(player).body.text.find("a=inactive"), std::string::npos);
    EXPECT_TRUE(player.call.media(1).empty());
    // Nobody asks it for anything until it comes back by itself.
    EXPECT_EQ(player.every<command::Join>().size(), joins);
    const auto resumed = changed("a=sendrecv", 3);
    player.feed(asks(1, 10, resumed));
    EXPECT_EQ(player.every<command::Join>().back().offer, resumed);
    EXPECT_EQ(last_answer(player).ticket, 9U);
    player.feed(event::Joined{1, offer});
    EXPECT_EQ(last_answer(player).ticket, 10U);
    EXPECT_EQ(last_answer(player).status, 200);
    EXPECT_EQ(player.call.media(1).size(), 1U);
    EXPECT_EQ(player.call.live(), 3U);
}

TEST(CallMixed, HoldAsOldPhonesSayItIsHoldToo) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    auto old = changed("a=ptime:20");
    old.replace(old.find("c=IN IP4 1.2.3.4"), 16, "c=IN IP4 0.0.0.0");
    player.feed(asks(1, 9, old));
    EXPECT_EQ(player.every<command::Leave>().back().leg, 1U);
    EXPECT_EQ(last_answer(player).status, 200);
}

TEST(CallMixed, OtherMediaGoToTheBridgeAndARefusalChangesNothing) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    player.feed(asks(2, 9, changed("m=video 5000 RTP/AVP 31")));
    EXPECT_EQ(player.every<command::Join>().back().leg, 2U);
    player.feed(event::Joined{2, offer});
    EXPECT_EQ(last_answer(player).status, 200);
    player.feed(asks(2, 10, changed("a=rtpmap:0 X/1", 3)));
    const auto timers = player.every<command::SetTimer>().size();
    player.feed(event::Unbridged{2, true});
    EXPECT_EQ(last_answer(player).status, 488);
    EXPECT_TRUE(player.every<command::End>().empty());
    // What it had is asked for again.
    ASSERT_EQ(player.every<command::SetTimer>().size(), timers + 1);
    player.feed(event::Timer{player.every<command::SetTimer>().back().id});
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 2U);
    EXPECT_EQ(player.every<command::Reinvite>().back().sdp, "");
}

TEST(CallMixed, AnOfferThatIsCancelledWhileTheBridgeIsAskedChangesNothing) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    player.feed(asks(2, 9, changed("a=sendrecv")));
    EXPECT_EQ(player.every<command::Join>().back().leg, 2U);
    const auto answers = player.every<command::Answer>().size();
    player.feed(event::Withdrawn{2, 9});
    // The bridge may have taken the new description, which the party has no more.
    ASSERT_EQ(player.every<command::Leave>().size(), 1U);
    EXPECT_EQ(player.every<command::Leave>()[0].leg, 2U);
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 2U);
    EXPECT_EQ(player.every<command::Reinvite>().back().sdp, "");
    player.feed(event::Answered{2, offer});
    EXPECT_EQ(player.every<command::Join>().back().offer, offer);
    player.feed(event::Joined{2, offer});
    EXPECT_EQ(player.every<command::Answer>().size(), answers);
    EXPECT_EQ(player.call.media(2).size(), 1U);
    EXPECT_EQ(player.call.live(), 3U);
}

TEST(CallMixed, FixedMediaAreFixedOnTheBridgeToo) {
    auto fixed = options();
    fixed.fixed_media = true;
    Player player({"sip:a", "sip:b"}, fixed);
    conference(player);
    const auto joins = player.every<command::Join>().size();
    player.feed(asks(2, 9, changed("m=video 5000 RTP/AVP 31")));
    EXPECT_EQ(last_answer(player).status, 488);
    EXPECT_EQ(player.every<command::Join>().size(), joins);
    player.feed(asks(2, 10, changed("a=sendonly", 3)));  // hold is no other medium
    EXPECT_EQ(last_answer(player).status, 200);
}

TEST(CallMixed, ARefreshIsAnsweredAsBefore) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    const auto joins = player.every<command::Join>().size();
    for (const auto& sdp : {offer, std::string()}) {
        player.feed(asks(1, 9, sdp));
        EXPECT_EQ(last_answer(player).status, 200);
        EXPECT_NE(last_answer(player).body.text.find("m=audio 4000"), std::string::npos);
    }
    EXPECT_EQ(player.every<command::Join>().size(), joins);
}

/// The party asks for the bridge's description, and answers it with its ACK.
void answers(Player& player, Ticket ticket, const std::string& sdp) {
    player.feed(asks(1, ticket, {}));
    EXPECT_EQ(last_answer(player).ticket, ticket);
    EXPECT_NE(last_answer(player).body.text.find("m=audio 4000"), std::string::npos);
    EXPECT_EQ(last_answer(player).body.text.find("a=inactive"), std::string::npos);
    player.feed(event::Acknowledged{1, sdp});
}

TEST(CallMixed, WhoAnswersTheBridgeFromElsewhereIsAskedForAnOffer) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    const auto asked = player.every<command::Reinvite>().size();
    answers(player, 9, changed("a=ptime:20"));  // only says the same once more
    EXPECT_TRUE(player.every<command::Leave>().empty());
    auto elsewhere = changed("a=ptime:20", 3);
    elsewhere.replace(elsewhere.find("m=audio 4000"), 12, "m=audio 4002");
    answers(player, 10, elsewhere);
    EXPECT_EQ(player.every<command::Leave>().back().leg, 1U);
    ASSERT_EQ(player.every<command::Reinvite>().size(), asked + 1);
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 1U);
    EXPECT_EQ(player.every<command::Reinvite>().back().sdp, "");
    player.feed(event::Answered{1, elsewhere});
    EXPECT_EQ(player.every<command::Join>().back().offer, elsewhere);
    player.feed(event::Joined{1, offer});
    EXPECT_EQ(player.call.media(1).size(), 1U);
}

TEST(CallMixed, HoldAndResumeInAnswersToTheBridge) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    const auto asked = player.every<command::Reinvite>().size();
    answers(player, 9, changed("a=sendonly"));
    EXPECT_EQ(player.every<command::Leave>().size(), 1U);
    EXPECT_TRUE(player.call.media(1).empty());
    answers(player, 10, changed("a=sendonly", 3));
    EXPECT_EQ(player.every<command::Reinvite>().size(), asked);
    answers(player, 11, changed("a=sendrecv", 4));
    ASSERT_EQ(player.every<command::Reinvite>().size(), asked + 1);
    player.feed(event::Answered{1, offer});
    player.feed(event::Joined{1, offer});
    EXPECT_EQ(player.call.media(1).size(), 1U);
}

CallOptions with_ringback() {
    auto result = options();
    result.ringback = true;
    return result;
}

TEST(CallRingback, TheFirstPartyHearsItUntilTheSecondAnswers) {
    Player player({"sip:a", "sip:b"}, with_ringback());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    ASSERT_EQ(player.every<command::Join>().size(), 1U);
    EXPECT_TRUE(player.every<command::Ack>().empty());
    player.feed(event::Joined{0, offer});
    EXPECT_EQ(player.every<command::Invite>().back().address, "sip:b");
    ASSERT_EQ(player.every<command::Play>().size(), 1U);
    EXPECT_EQ(player.every<command::Play>()[0].tone, Tone::ringing);
    player.feed(event::Ringing{1});
    player.feed(event::Answered{1, offer});
    EXPECT_EQ(player.every<command::Leave>().size(), 1U);
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 0U);
    EXPECT_NE(player.every<command::Reinvite>().back().sdp.find("m=audio 4000"), std::string::npos);
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
    EXPECT_EQ(player.every<command::Invite>().size(), 2U);
}

TEST(CallRingback, WithoutTheBridgeItIsSilent) {
    Player player({"sip:a", "sip:b"}, with_ringback());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Unbridged{0});
    EXPECT_NE(player.every<command::Ack>().back().sdp.find("a=inactive"), std::string::npos);
    EXPECT_EQ(player.every<command::Invite>().back().address, "sip:b");
    player.feed(event::Answered{1, offer});
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    EXPECT_TRUE(player.every<command::Play>().empty());
}

TEST(CallRingback, ABridgeThatIsLostMeanwhileIsNotMissed) {
    Player player({"sip:a", "sip:b"}, with_ringback());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Joined{0, offer});
    player.feed(event::Unbridged{0});
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
    player.feed(event::Answered{1, offer});
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 0U);
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(CallRingback, WhoPutsItselfOnHoldMeanwhileIsConnectedAllTheSame) {
    Player player({"sip:a", "sip:b"}, with_ringback());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Joined{0, offer});
    player.feed(asks(0, 9, changed("a=sendonly")));
    EXPECT_EQ(last_answer(player).status, 200);
    player.feed(event::Answered{1, offer});
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 0U);
}

TEST(CallRingback, WhoWaitsAloneHearsItWhileAnotherIsCalled) {
    Player player({"sip:a"}, with_ringback());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Joined{0, offer});
    EXPECT_TRUE(player.every<command::Play>().empty());
    player.feed(event::Add{"sip:b"});
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::ringing);
    player.feed(event::Refused{1, 486});
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
}

/// Connected, and its paid time ends soon. The timers of that come last: its end, the question, the notice.
Player notified(std::vector<std::string> parties, bool three = false) {
    auto with = options();
    with.granted = 90s;
    with.funds_notice = 5s;
    Player player(std::move(parties), with);
    player.connect();
    const auto notice = player.every<command::SetTimer>().back();
    EXPECT_EQ(notice.after, 85s);
    if (three) {
        player.feed(event::Add{"sip:c"});
        for (const LegNo leg : {0U, 1U, 2U}) {
            player.feed(event::Answered{leg, offer});
            player.feed(event::Joined{leg, offer});
        }
    }
    player.feed(event::Timer{notice.id});
    return player;
}

TEST(CallFunds, TwoAreMixedToHearThatTheyEndAndTheCallEndsWithThem) {
    auto player = notified({"sip:a", "sip:b"});
    const auto timers = player.every<command::SetTimer>();
    const auto end = *std::ranges::find(timers, 90s, &command::SetTimer::after);
    EXPECT_EQ(player.every<command::Reinvite>().size(), 3U);
    EXPECT_TRUE(player.every<command::Play>().empty());
    for (const LegNo leg : {0U, 1U}) {
        player.feed(event::Answered{leg, offer});
        player.feed(event::Joined{leg, offer});
    }
    ASSERT_EQ(player.every<command::Play>().size(), 1U);
    EXPECT_EQ(player.every<command::Play>()[0].tone, Tone::funds_end);
    player.feed(event::Timer{end.id});
    EXPECT_EQ(player.every<command::End>().size(), 2U);
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
    EXPECT_EQ(player.call.status().cause, Cause::hang_up);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
}

TEST(CallFunds, OneThatHangsUpMeanwhileEndsTheCallAsEver) {
    auto player = notified({"sip:a", "sip:b"});
    player.feed(event::Answered{1, offer});
    player.feed(event::Joined{1, offer});
    player.feed(event::HungUp{0});
    EXPECT_EQ(player.call.status().phase, Phase::terminated);
    EXPECT_EQ(player.every<command::End>().back().leg, 1U);
}

TEST(CallFunds, MoreTimeAfterAllStopsItAndTwoTalkDirectlyAgain) {
    auto player = notified({"sip:a", "sip:b"});
    for (const LegNo leg : {0U, 1U}) {
        player.feed(event::Answered{leg, offer});
        player.feed(event::Joined{leg, offer});
    }
    player.feed(event::Granted{120s});
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
    EXPECT_EQ(player.every<command::Leave>().size(), 2U);
    player.feed(event::Answered{1, offer});
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.call.media(0).size(), 1U);
    EXPECT_EQ(player.every<command::Ack>().back().leg, 1U);
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(CallFunds, WithoutTheBridgeTheyTalkDirectlyUntilTheEnd) {
    auto player = notified({"sip:a", "sip:b"});
    player.feed(event::Answered{0, offer});
    player.feed(event::Answered{1, offer});
    player.feed(event::Joined{1, offer});
    player.feed(event::Unbridged{0});
    EXPECT_EQ(player.every<command::Play>().back().tone, Tone::none);
    player.feed(event::Answered{1, offer});
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.call.media(0).size(), 1U);
    EXPECT_EQ(player.every<command::Join>().size(), 2U);
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(CallFunds, AConferenceHearsItWhereItIs) {
    auto player = notified({"sip:a", "sip:b"}, true);
    ASSERT_EQ(player.every<command::Play>().size(), 1U);
    EXPECT_EQ(player.every<command::Play>()[0].tone, Tone::funds_end);
    EXPECT_EQ(player.every<command::Join>().size(), 3U);
}

TEST(CallMedia, IsWhatBothTake) {
    Player player({"sip:a", "sip:b"});
    player.connect();
    ASSERT_EQ(player.call.media(0).size(), 1U);
    EXPECT_TRUE(player.call.media(0)[0].sends && player.call.media(0)[0].receives);
    // The second one holds the first, which takes that.
    player.feed(asks(1, 9, changed("a=sendonly")));
    player.feed(event::Answered{0, offer + "a=recvonly\r\n"});
    const auto first = player.call.media(0)[0], second = player.call.media(1)[0];
    EXPECT_TRUE(!first.sends && first.receives);
    EXPECT_TRUE(second.sends && !second.receives);
    player.feed(event::HungUp{0});
    EXPECT_TRUE(player.call.media(0).empty());
}

TEST(CallMedia, AListenerIsSentToAndNotHeard) {
    auto with = options();
    with.audio = sdp::AudioOnly{.sends = false, .receives = true};
    Player player({"sip:a"}, with);
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer + "m=video 4002 RTP/AVP 31\r\n"});
    // The bridge is told so.
    EXPECT_TRUE(player.every<command::Join>().back().muted);
    EXPECT_TRUE(player.every<command::Join>().back().offer.ends_with(
        "a=rtpmap:0 PCMU/8000\r\na=recvonly\r\nm=video 0 RTP/AVP 31\r\n"));
    player.feed(event::Joined{0, offer});
    ASSERT_EQ(player.call.media(0).size(), 1U);
    EXPECT_FALSE(player.call.media(0)[0].sends);
    // Of another one that only speaks a hold is none.
    player.feed(event::Add{"sip:b", sdp::AudioOnly{.sends = true, .receives = false}});
    player.feed(event::Answered{1, offer});
    player.feed(event::Joined{1, offer});
    EXPECT_FALSE(player.every<command::Join>().back().muted);
    EXPECT_TRUE(player.every<command::Join>().back().offer.ends_with("a=sendonly\r\n"));
    player.feed(asks(1, 9, changed("a=sendonly")));
    EXPECT_EQ(player.every<command::Join>().size(), 3U);
    EXPECT_TRUE(player.every<command::Leave>().empty());
}

TEST(CallMedia, DirectlyToo) {
    auto with = options();
    with.audio = sdp::AudioOnly{.sends = true, .receives = false};
    Player player({"sip:a", "sip:b"}, with);
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Answered{1, offer});
    // Both may only speak: neither is sent anything.
    EXPECT_TRUE(player.every<command::Reinvite>().back().sdp.ends_with("a=inactive\r\n"));
    player.feed(event::Answered{0, offer});
    EXPECT_TRUE(player.every<command::Ack>().back().sdp.ends_with("a=inactive\r\n"));
    player.feed(asks(0, 9, changed("m=video 4002 RTP/AVP 31")));
    EXPECT_TRUE(
        player.every<command::Reinvite>().back().sdp.ends_with("a=inactive\r\nm=video 0 RTP/AVP 31\r\n"));
}

TEST(SdpMedia, EachSectionHasItsDirection) {
    const auto all = sdp::media(
        "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.1\r\na=recvonly\r\nm=audio 1 RTP/AVP 0\r\n"
        "m=video 0 RTP/AVP 31\r\nm=video 2 RTP/AVP 31\r\na=sendonly\r\n"
        "m=audio 3 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\n");
    ASSERT_EQ(all.size(), 3U);
    EXPECT_TRUE(all[0].kind == "audio" && !all[0].sends && all[0].receives);
    EXPECT_TRUE(all[1].kind == "video" && all[1].sends && !all[1].receives);
    EXPECT_TRUE(all[2].kind == "audio" && all[2].sends && !all[2].receives);
    EXPECT_FALSE(sdp::on_hold("m=audio 1 RTP/AVP 0\r\n"));
    EXPECT_TRUE(sdp::on_hold("m=audio 1 RTP/AVP 0\r\na=inactive\r\n"));
    EXPECT_FALSE(sdp::on_hold("m=audio 0 RTP/AVP 0\r\n"));  // nothing to hold
    EXPECT_TRUE(sdp::media("m=audio\r\n").empty());
}

}  // namespace
