// The call's state machine: lists of events in, commands out; and random lists, for what must always hold.
#include "telephony/calls/records.hpp"
#include "telephony/calls/sdp.hpp"
#include "telephony/sip/dialog_state.hpp"
#include "tests/unit/call_player.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

namespace {

using namespace calls;
using namespace call_player;

TEST(Call, FlowThreeConnectsTwoParties) {
    Player player({"sip:a", "sip:b"});
    player.feed(event::Start{});
    ASSERT_EQ(player.every<command::Invite>().size(), 1U);
    player.feed(event::Ringing{0});
    player.feed(event::Answered{0, offer});
    EXPECT_NE(player.every<command::Ack>().at(0).sdp.find("a=inactive"), std::string::npos);
    EXPECT_EQ(player.every<command::Invite>().at(1).address, "sip:b");
    player.feed(event::Answered{1, offer});
    const auto reinvite = player.every<command::Reinvite>().at(0);
    EXPECT_EQ(reinvite.leg, 0U);
    EXPECT_NE(reinvite.sdp.find("m=audio 4000"), std::string::npos);
    EXPECT_EQ(reinvite.sdp.find("o=p "), std::string::npos);
    EXPECT_TRUE(player.every<command::Capture>().empty());
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.every<command::Ack>().back().leg, 1U);
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
    player.feed(event::HungUp{1});
    EXPECT_EQ(player.every<command::End>().back().leg, 0U);
    EXPECT_FALSE(player.call.finished());
    player.feed(event::Gone{0});
    EXPECT_TRUE(player.call.finished());
    EXPECT_EQ(player.call.status().cause, Cause::hang_up);
    EXPECT_EQ(seconds_between(player.call.status().started, player.call.status().ended), 1);
}

TEST(Call, NobodyIsLetTalkForMoneyBeforeTheRecordIsSafe) {
    Player player({"sip:a", "sip:b"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer, "dialog of a"});
    EXPECT_TRUE(player.every<command::Secure>().empty());
    const auto commands = player.feed(event::Answered{1, offer, "dialog of b"});
    const auto secure = std::ranges::find_if(
        commands, [](const Command& c) { return std::holds_alternative<command::Secure>(c); });
    const auto reinvite = std::ranges::find_if(
        commands, [](const Command& c) { return std::holds_alternative<command::Reinvite>(c); });
    EXPECT_LT(secure, reinvite);
    EXPECT_NE(reinvite, commands.end());
    EXPECT_EQ(player.call.status().parties[1].dialogs, std::vector<std::string>{"dialog of b"});
    player.feed(event::HungUp{1});
    EXPECT_TRUE(player.call.status().parties[1].dialogs.empty());

    auto free_of_charge = options();
    free_of_charge.held = false;
    Player other({"sip:a", "sip:b"}, free_of_charge);
    other.connect();
    EXPECT_TRUE(other.every<command::Secure>().empty());
}

CallOptions paid_by_time() {
    auto result = options();
    result.granted = std::chrono::seconds(60);
    result.extend_ahead = std::chrono::seconds(10);
    return result;
}

TEST(Call, PaidByTimeItAsksForMoreAndEndsWithWhatItGot) {
    Player player({"sip:a", "sip:b"}, paid_by_time());
    player.connect();
    EXPECT_TRUE(player.every<command::Capture>().empty());
    auto timers = player.every<command::SetTimer>();
    const auto end = timers.at(timers.size() - 2);
    const auto ask = timers.back();
    EXPECT_EQ(end.after, std::chrono::seconds(60));
    EXPECT_EQ(ask.after, std::chrono::seconds(50));
    player.feed(event::Timer{ask.id});
    EXPECT_EQ(player.every<command::Extend>().size(), 1U);
    player.feed(event::Granted{std::chrono::seconds(120)});
    // One second for the question and one for its answer.
    timers = player.every<command::SetTimer>();
    const auto later = timers.at(timers.size() - 2);
    EXPECT_EQ(later.after, std::chrono::seconds(118));
    player.feed(event::Timer{end.id});  // of the time that was granted first
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    player.feed(event::Granted{std::chrono::seconds(60)});  // late: nothing shrinks
    EXPECT_EQ(player.every<command::SetTimer>().size(), timers.size());
    player.feed(event::Timer{later.id});
    EXPECT_EQ(player.call.status().phase, Phase::terminated);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
    EXPECT_EQ(billed_seconds(player.call.status()), 5);
    player.feed(event::Granted{std::chrono::seconds(999)});
    EXPECT_EQ(player.every<command::SetTimer>().size(), timers.size());
}

TEST(Call, PaidByTimeAndNeverConnectedItCostsNothing) {
    Player player({"sip:a", "sip:b"}, paid_by_time());
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::HungUp{0});
    EXPECT_TRUE(player.every<command::Capture>().empty());
    EXPECT_EQ(player.every<command::Release>().size(), 1U);
}

TEST(DialogState, IsReadAsItWasWritten) {
    sip::DialogState state;
    state.call_id = "x@y";
    state.from = "<sip:b@example.com>;tag=1";
    state.to = "<sip:a@example.com>;tag=2";
    state.contact = "<sip:a@192.0.2.1:5070;transport=tcp>";
    state.record_routes = {"<sip:p1;lr>", "<sip:p2;lr>"};
    state.cseq = 4'000'000'000;
    const auto text = sip::to_string(state);
    const auto again = sip::dialog_state_from(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(sip::to_string(*again), text);
    EXPECT_EQ(again->record_routes, state.record_routes);
    for (const auto* bad : {"", "i x@y\n", "i x@y", "c -1\n", "c 4294967296\n", "q\n"})
        EXPECT_FALSE(sip::dialog_state_from(bad)) << bad;
}

TEST(Call, ARefusalEndsItAndReleases) {
    Player player({"sip:a", "sip:b"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Ringing{1});
    player.feed(event::Refused{1, 486});
    EXPECT_EQ(player.call.status().cause, Cause::busy);
    EXPECT_EQ(player.call.status().culprit, 1U);
    EXPECT_EQ(player.every<command::Release>().size(), 1U);
    EXPECT_TRUE(player.every<command::Capture>().empty());
    EXPECT_EQ(player.every<command::End>().at(0).leg, 0U);
}

TEST(Call, GlareIsTriedAgainAndNotForEver) {
    Player player({"sip:a", "sip:b"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Answered{1, offer});
    for (int i = 0; i < options().glare_retries; ++i) {
        player.feed(event::Rejected{0, 491});
        player.feed(event::Timer{player.every<command::SetTimer>().back().id});
        EXPECT_EQ(player.every<command::Reinvite>().size(), static_cast<std::size_t>(i) + 2);
    }
    player.feed(event::Rejected{0, 491});
    EXPECT_EQ(player.call.status().cause, Cause::aborted);
    EXPECT_EQ(player.every<command::End>().size(), 2U);
}

TEST(Call, APartyThatIsNotReadyIsAskedAgainAndNotForEver) {
    Player player({"sip:a", "sip:b"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Answered{1, offer});
    for (const auto pause : {options().unready_retry, options().glare_retry}) {
        player.feed(event::Rejected{0, 500});
        const auto timer = player.every<command::SetTimer>().back();
        EXPECT_EQ(timer.after, pause);
        const auto sent = player.every<command::Reinvite>().size();
        player.feed(event::Timer{timer.id});
        EXPECT_EQ(player.every<command::Reinvite>().size(), sent + 1);
    }
    player.feed(event::Rejected{0, 500});
    EXPECT_EQ(player.call.status().cause, Cause::aborted);
    EXPECT_EQ(player.every<command::End>().size(), 2U);
}

TEST(Call, HoldIsRelayedAndASecondOneAtOnceMeets491) {
    Player player({"sip:a", "sip:b"});
    player.connect();
    player.feed(event::Requested{1, 7, Method::reinvite, {"application/sdp", offer}});
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 0U);
    player.feed(event::Requested{0, 8, Method::update, {"application/sdp", offer}});
    EXPECT_EQ(player.every<command::Answer>().back().status, 491);
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.every<command::Answer>().back().ticket, 7U);
    EXPECT_EQ(player.every<command::Answer>().back().status, 200);
    player.feed(event::Requested{0, 9, Method::reinvite, {}});  // without an offer: the ACK answers
    player.feed(event::Answered{1, offer});
    player.feed(event::Acknowledged{0, offer});
    EXPECT_EQ(player.every<command::Ack>().back().leg, 1U);
    EXPECT_NE(player.every<command::Ack>().back().sdp.find("m=audio"), std::string::npos);
}

TEST(Call, TheThirdPartyMovesAllToTheBridge) {
    Player player({"sip:a", "sip:b"});
    player.connect();
    player.feed(event::Add{"sip:c"});
    for (const LegNo leg : {0U, 1U, 2U}) {
        player.feed(event::Answered{leg, offer});
        EXPECT_EQ(player.every<command::Join>().back().leg, leg);
        player.feed(event::Joined{leg, offer});
        EXPECT_EQ(player.every<command::Ack>().back().leg, leg);
    }
    player.feed(event::HungUp{0});
    player.feed(event::HungUp{1});
    EXPECT_EQ(player.every<command::Leave>().size(), 2U);
    EXPECT_EQ(player.call.live(), 1U);  // who is left over stays
    player.feed(event::Remove{"sip:c"});
    EXPECT_EQ(player.call.status().phase, Phase::terminated);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
}

/// The bridge fails this leg and every further try.
void fail_for_good(Player& player, LegNo leg) {
    player.feed(event::Unbridged{leg});
    for (int i = 0; i < options().bridge_retries; ++i) {
        player.feed(event::Timer{player.every<command::SetTimer>().back().id});
        player.feed(event::Answered{leg, offer});
        player.feed(event::Unbridged{leg});
    }
}

TEST(Call, WhoTheBridgeLostIsAskedForAnOfferAndJoinsAgain) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    const auto reinvites = player.every<command::Reinvite>().size();
    player.feed(event::Unbridged{1});
    EXPECT_EQ(player.every<command::Reinvite>().size(), reinvites);  // the bridge needs a moment
    player.feed(event::Timer{player.every<command::SetTimer>().back().id});
    ASSERT_EQ(player.every<command::Reinvite>().size(), reinvites + 1);
    EXPECT_EQ(player.every<command::Reinvite>().back().sdp, "");
    const auto joins = player.every<command::Join>().size();
    player.feed(event::Answered{1, offer});
    EXPECT_EQ(player.every<command::Join>().size(), joins + 1);
    // It is not there yet: the peer's 2xx does not wait for it.
    player.feed(event::Unbridged{1});
    EXPECT_NE(player.every<command::Ack>().back().sdp.find("a=inactive"), std::string::npos);
    player.feed(event::Timer{player.every<command::SetTimer>().back().id});
    player.feed(event::Answered{1, offer});
    player.feed(event::Joined{1, offer});
    EXPECT_NE(player.every<command::Ack>().back().sdp.find("m=audio 4000"), std::string::npos);
    EXPECT_EQ(player.call.live(), 3U);
    EXPECT_TRUE(player.every<command::End>().empty());
}

TEST(Call, WithoutTheBridgeTheThirdGoesAndTwoTalkDirectly) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    fail_for_good(player, 2);
    EXPECT_EQ(player.every<command::End>().back().leg, 2U);
    EXPECT_EQ(player.call.status().parties[2].cause, Cause::aborted);
    player.feed(event::Gone{2});
    fail_for_good(player, 1);
    // The first one leaves the bridge; the second one's offer goes to it.
    EXPECT_EQ(player.every<command::Leave>().back().leg, 0U);
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 1U);
    player.feed(event::Answered{1, offer});
    EXPECT_EQ(player.every<command::Reinvite>().back().leg, 0U);
    EXPECT_NE(player.every<command::Reinvite>().back().sdp.find("m=audio 4000"), std::string::npos);
    player.feed(event::Answered{0, offer});
    EXPECT_EQ(player.every<command::Ack>().back().leg, 1U);
    EXPECT_EQ(player.call.live(), 2U);
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(Call, ASilentBridgeIsNotWaitedForLongerThanTheAckMayTake) {
    Player player({"sip:a"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    ASSERT_EQ(player.every<command::Join>().size(), 1U);
    const auto timer = player.every<command::SetTimer>().back();
    EXPECT_LT(timer.after, std::chrono::seconds(32));
    player.feed(event::Timer{timer.id});
    EXPECT_EQ(player.every<command::Leave>().size(), 1U);
    EXPECT_EQ(player.every<command::Ack>().back().leg, 0U);
}

TEST(Call, MediaThatCannotBeMixedIsNotAskedForAgain) {
    Player player({"sip:a", "sip:b"});
    conference(player);
    player.feed(event::Unbridged{2, true});
    EXPECT_EQ(player.every<command::End>().back().leg, 2U);
}

TEST(Call, WhoWaitsAloneOnTheBridgeIsJoinedThereAndPaidForOnce) {
    Player player({"sip:a"});
    player.feed(event::Start{});
    player.feed(event::Answered{0, offer});
    player.feed(event::Joined{0, offer});
    EXPECT_EQ(player.call.status().phase, Phase::initial);
    EXPECT_TRUE(player.every<command::Secure>().empty());
    player.feed(event::Add{"sip:b"});
    player.feed(event::Answered{1, offer});
    const auto commands = player.feed(event::Joined{1, offer});
    EXPECT_TRUE(std::holds_alternative<command::Secure>(commands.front()));
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
    EXPECT_TRUE(player.every<command::Reinvite>().empty());
}

TEST(Call, APartyGoesOnInAnotherCallWithItsDialog) {
    Player source({"sip:a", "sip:b"});
    source.connect();
    auto others = options();
    others.session = 6400;
    others.held = false;
    Player target({"sip:x"}, others);
    target.feed(event::Start{});
    target.feed(event::Answered{0, offer});
    target.feed(event::Joined{0, offer});
    const auto party = source.call.movable("sip:b");
    ASSERT_TRUE(party);
    source.feed(event::Moved{party->leg});
    EXPECT_TRUE(source.every<command::End>().empty());
    EXPECT_EQ(source.call.live(), 1U);
    EXPECT_EQ(source.call.status().parties[1].cause, Cause::hang_up);
    EXPECT_EQ(target.call.next_leg(), 1U);
    target.feed(event::Arrived{*party});
    EXPECT_EQ(target.every<command::Reinvite>().back().leg, 1U);
    target.feed(event::Answered{1, offer});
    target.feed(event::Joined{1, offer});
    // Towards the party the description is the same session's, in a later version.
    EXPECT_NE(target.every<command::Ack>().back().sdp.find("o=ledgerline 65 2 "), std::string::npos)
        << target.every<command::Ack>().back().sdp;
    EXPECT_EQ(target.call.status().phase, Phase::connected);
    EXPECT_EQ(target.every<command::Invite>().size(), 1U);
    // While something of its dialog is under way it can't be taken along.
    target.feed(event::Unbridged{1});
    target.feed(event::Timer{target.every<command::SetTimer>().back().id});
    EXPECT_FALSE(target.call.movable("sip:b"));
    EXPECT_FALSE(source.call.movable("sip:nobody"));
}

/// Any event for any leg, sensible or not.
Event random_event(std::mt19937& random, const Player& player) {
    const LegNo leg = random() % 4;
    const auto ticket = random() % 5;
    const auto sdp = random() % 4 == 0 ? std::string() : offer;
    constexpr int statuses[]{300, 404, 408, 481, 486, 488, 491, 500, 603};
    const int status = statuses[random() % std::size(statuses)];
    switch (random() % 23) {
        case 0:
            return event::Start{};
        case 1:
            return event::Ringing{leg};
        case 2:
            return event::Refused{leg, status};
        case 3:
            return event::Rejected{leg, status};
        case 4:
            return event::Requested{leg, ticket, static_cast<Method>(random() % 3), {"application/sdp", sdp}};
        case 5:
            return event::Acknowledged{leg, sdp};
        case 6:
            return event::Replied{leg, ticket, random() % 2 == 0 ? 200 : status, {"application/sdp", sdp}};
        case 7:
            return event::HungUp{leg};
        case 8:
            return event::Unbridged{leg};
        case 9:
            return event::Timer{random() % (player.every<command::SetTimer>().size() + 1)};
        case 10:
            return event::Add{"sip:" + std::to_string(random() % 5)};
        case 11:
            return event::Remove{"sip:" + std::to_string(random() % 5)};
        case 20:
            return event::Unbridged{leg, true};
        case 21:
            return event::Granted{std::chrono::seconds(random() % 300)};
        case 22:
            return event::Withdrawn{leg, ticket};
        case 12:
        case 13:
        case 14:
            return event::Joined{leg, offer};
        default:
            return event::Answered{leg, sdp};
    }
}

/// Legs that were invited and have not reported their end.
std::set<LegNo> open_legs(const Player& player, const std::set<LegNo>& gone) {
    std::set<LegNo> open;
    for (const auto& invite : player.every<command::Invite>()) {
        if (!gone.contains(invite.leg)) open.insert(invite.leg);
    }
    return open;
}

/// Of the legs with a re-INVITE under way, what is left after the event, and then the commands: each has one
/// at a time.
void expect_one_reinvite(std::set<LegNo>& asked, const Event& event, const Commands& commands,
                         unsigned seed) {
    if (const auto* answered = std::get_if<event::Answered>(&event)) asked.erase(answered->leg);
    if (const auto* rejected = std::get_if<event::Rejected>(&event)) asked.erase(rejected->leg);
    if (const auto* refused = std::get_if<event::Refused>(&event)) asked.erase(refused->leg);
    if (const auto* hung = std::get_if<event::HungUp>(&event)) asked.erase(hung->leg);
    for (const auto& command : commands) {
        const auto* reinvite = std::get_if<command::Reinvite>(&command);
        if (reinvite == nullptr) continue;
        EXPECT_TRUE(asked.insert(reinvite->leg).second) << "leg " << reinvite->leg << ", seed " << seed;
    }
}

TEST(Call, WhateverHappensNoLegIsLeftAndTheChargeIsOne) {
    for (unsigned seed = 0; seed < 3'000; ++seed) {
        std::mt19937 random(seed);
        auto with = options();
        with.ringback = seed % 2 == 0;
        if (seed % 5 == 0) with.granted = std::chrono::seconds(60);
        if (seed % 10 == 0) with.funds_notice = std::chrono::seconds(5);
        with.bridge = seed % 7 != 0;
        Player player(
            seed % 3 == 0 ? std::vector<std::string>{"sip:0"} : std::vector<std::string>{"sip:0", "sip:1"},
            with);
        std::set<LegNo> gone;
        std::set<LegNo> asked;
        // From the first event on hardly any comes so far by chance.
        if (seed % 2 == 0) player.connect();
        for (int i = 0; i < 40; ++i) {
            const auto open = open_legs(player, gone);
            const auto event = random_event(random, player);
            expect_one_reinvite(asked, event, player.feed(event), seed);
            // A leg that was never there, or is gone, ends no more.
            if (const auto* hung = std::get_if<event::HungUp>(&event); hung && open.contains(hung->leg))
                gone.insert(hung->leg);
            if (const auto* refused = std::get_if<event::Refused>(&event);
                refused && open.contains(refused->leg))
                gone.insert(refused->leg);
        }
        player.feed(event::End{});
        for (const auto leg : open_legs(player, gone)) player.feed(event::Gone{leg});
        ASSERT_TRUE(player.call.finished()) << "seed " << seed;
        const auto settled =
            player.every<command::Capture>().size() + player.every<command::Release>().size();
        ASSERT_EQ(settled, 1U) << "seed " << seed;
        ASSERT_EQ(player.every<command::Finished>().size(), 1U) << "seed " << seed;
        std::multiset<LegNo> ended;
        for (const auto& end : player.every<command::End>()) ended.insert(end.leg);
        for (const auto leg : ended) ASSERT_EQ(ended.count(leg), 1U) << "seed " << seed;
        for (const auto leg : open_legs(player, gone)) ASSERT_EQ(ended.count(leg), 1U) << "seed " << seed;
        for (const auto& party : player.call.status().parties) {
            ASSERT_EQ(party.phase, Phase::terminated) << "seed " << seed;
        }
    }
}

TEST(Causes, FollowTheTable) {
    EXPECT_EQ(cause_of(486, false), Cause::busy);
    EXPECT_EQ(cause_of(603, true), Cause::busy);
    EXPECT_EQ(cause_of(408, true), Cause::no_answer);
    EXPECT_EQ(cause_of(408, false), Cause::not_reachable);
    EXPECT_EQ(cause_of(480, true), Cause::no_answer);
    EXPECT_EQ(cause_of(410, true), Cause::not_reachable);
    EXPECT_EQ(cause_of(503, true), Cause::not_reachable);
    EXPECT_EQ(cause_of(403, false), Cause::aborted);
    EXPECT_EQ(cause_of(487, true), Cause::aborted);
    EXPECT_EQ(cause_of(Ending::unanswered), Cause::no_answer);
    EXPECT_EQ(cause_of(Ending::hung_up), Cause::hang_up);
    EXPECT_EQ(cause_of(Ending::ended), Cause::hang_up);
    EXPECT_EQ(cause_of(Ending::ended_early), Cause::aborted);
    EXPECT_EQ(cause_of(Ending::lost), Cause::aborted);
    EXPECT_EQ(cause_of(Ending::unusable), Cause::aborted);
}

TEST(Causes, ThePageHasTheTable) {
    std::ifstream file(LEDGERLINE_SOURCE_DIR "/docs/calls.md");
    std::ostringstream page;
    page << file.rdbuf();
    const auto table = causes_document();
    EXPECT_NE(page.str().find("\n\n" + table + "\n"), std::string::npos) << "it is to have:\n" << table;
}

TEST(Sdp, SilenceSpeaksAsTheOfferDoes) {
    const sdp::Origin origin{5, 2, "2001:db8::1"};
    EXPECT_EQ(sdp::held_answer("v=0\r\nc=IN IP6 2001:db8::2\r\nm=audio 4000 RTP/AVP 0\r\n", origin),
              "v=0\r\no=ledgerline 5 2 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 ::\r\nt=0 0\r\n"
              "m=audio 9 RTP/AVP 0\r\na=inactive\r\n");
    EXPECT_TRUE(sdp::on_hold("c=IN IP6 ::\r\nm=audio 1 RTP/AVP 0\r\n"));
    EXPECT_FALSE(sdp::on_hold("c=IN IP6 ::1\r\nm=audio 1 RTP/AVP 0\r\n"));
    EXPECT_NE(sdp::silent_offer(origin).find("c=IN IP6 ::\r\n"), std::string::npos);
    EXPECT_NE(sdp::held_answer(offer, origin).find("c=IN IP4 0.0.0.0\r\n"), std::string::npos);
}

TEST(Sdp, RelayedDescriptionsAreOurs) {
    const sdp::Origin origin{5, 2, "10.0.0.1"};
    const auto ours = sdp::with_origin(offer, origin);
    EXPECT_NE(ours.find("\r\no=ledgerline 5 2 IN IP4 10.0.0.1\r\n"), std::string::npos);
    EXPECT_NE(ours.find("a=rtpmap:0 PCMU/8000\r\n"), std::string::npos);
    EXPECT_EQ(sdp::media_lines(sdp::padded(offer, 3)), 3U);
    EXPECT_EQ(sdp::media_lines(sdp::cut(sdp::padded(offer, 3), 1)), 1U);
    EXPECT_NE(sdp::refusing_answer(offer, origin).find("m=audio 0 RTP/AVP 0"), std::string::npos);
    EXPECT_EQ(sdp::media_lines("v=0\nm=audio 1 RTP/AVP 0\n"), 1U);
}

TEST(CallRecord, times_keep_their_leading_zeros) {
    using namespace std::chrono;
    CallStatus status;
    status.created.wall =
        sys_days(year(2026) / 3 / 4) + hours(5) + minutes(6) + seconds(7) + microseconds(89);
    auto& party = status.parties.emplace_back();
    party.address = "sip:a@example.com";
    party.started = status.created;
    RecordFacts facts;
    facts.id = "1";
    facts.owner = "alice";
    const auto json = record_json(facts, status);
    EXPECT_NE(json.find(R"("started_at":"2026-03-04 05:06:07.000089+00")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("created_at":"2026-03-04 05:06:07.000089+00")"), std::string::npos) << json;
}

TEST(Call, AMediumThatWasRefusedIsANewOneWhereMediaAreFixed) {
    auto fixed = options();
    fixed.fixed_media = true;
    Player player({"sip:a", "sip:b"}, fixed);
    player.feed(event::Start{});
    const auto refused = offer + "m=video 0 RTP/AVP 31\r\n";
    for (const LegNo leg : {0U, 1U, 0U}) player.feed(event::Answered{leg, refused});
    ASSERT_EQ(player.call.status().phase, Phase::connected);
    const auto reinvites = player.every<command::Reinvite>().size();
    const auto video = offer + "m=video 5000 RTP/AVP 31\r\n";
    player.feed(event::Requested{1, 7, Method::reinvite, {"application/sdp", video}});
    ASSERT_EQ(player.every<command::Answer>().size(), 1U);
    EXPECT_EQ(player.every<command::Answer>().back().status, 488);
    EXPECT_EQ(player.every<command::Reinvite>().size(), reinvites);
    const auto hold = offer + "a=sendonly\r\nm=video 0 RTP/AVP 31\r\n";
    player.feed(event::Requested{1, 8, Method::reinvite, {"application/sdp", hold}});
    EXPECT_EQ(player.every<command::Reinvite>().size(), reinvites + 1);
}

}  // namespace
