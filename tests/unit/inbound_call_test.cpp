// Calls from outside as a state machine: rules and phones in, commands out; and random events, for what must
// always hold.
#include "telephony/calls/inbound_call.hpp"

#include "telephony/calls/contact_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace {

using namespace calls;
using rules::Stage;

const std::string offer =
    "v=0\r\no=p 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

rules::Rule rule(Stage stage, rules::Action action) {
    rules::Rule result;
    result.name = "r";
    result.stage = stage;
    result.action = std::move(action);
    return result;
}

/// Feeds a call; every address is an account with these contacts and rules.
class Player {
  public:
    explicit Player(std::vector<rules::Rule> list = {}, std::size_t phones = 1, bool offers = true)
        : call(request(offers), options(), Moment{}) {
        auto set = std::make_shared<rules::RuleSet>();
        set->account = std::move(list);
        rules = set;
        for (std::size_t i = 0; i < phones; ++i) contacts.push_back({"sip:phone" + std::to_string(i)});
    }

    static CallRequest request(bool offers) {
        CallRequest result;
        result.caller = {"sip:a@x", {"sip:a@x"}, "A", true};
        result.called = "sip:b@x";
        result.ticket = 7;
        result.sdp = offers ? offer : "";
        result.session = "s";
        return result;
    }
    static InboundOptions options() {
        InboundOptions result;
        result.call.address = "127.0.0.1";
        result.call.bridge = true;
        result.call.extend_ahead = std::chrono::seconds(4);
        result.call.funds_notice = std::chrono::seconds(2);
        return result;
    }

    void take(InboundCall::Steps steps) {
        commands.insert(commands.end(), steps.commands.begin(), steps.commands.end());
        for (auto& errand : steps.errands) errands.push_back(std::move(errand));
    }
    void feed(const Event& event) {
        moment.steady += std::chrono::seconds(1);
        take(call.on(event, moment));
    }
    /// The account of the last address that was asked for is found.
    void find() {
        const auto resolve = last<errand::Resolve>();
        Destination destination{Destination::Kind::account, resolve.address, rules, contacts};
        take(call.resolved(resolve.target, std::move(destination), moment));
    }
    void start() {
        feed(event::Start{});
        find();
    }

    template <class Errand>
    [[nodiscard]] Errand last() const {
        for (auto each = errands.rbegin(); each != errands.rend(); ++each) {
            if (const auto* found = std::get_if<Errand>(&*each)) return *found;
        }
        throw std::runtime_error("no such errand");
    }
    template <class Command>
    [[nodiscard]] std::vector<Command> every() const {
        std::vector<Command> result;
        for (const auto& command : commands) {
            if (const auto* found = std::get_if<Command>(&command)) result.push_back(*found);
        }
        return result;
    }
    [[nodiscard]] std::vector<int> answers() const {
        std::vector<int> result;
        for (const auto& answer : every<command::Answer>()) {
            if (answer.ticket == 7) result.push_back(answer.status);
        }
        return result;
    }

    InboundCall call;
    Moment moment;
    std::shared_ptr<const rules::RuleSet> rules;
    std::vector<Contact> contacts;
    Commands commands;
    std::vector<Errand> errands;
};

TEST(InboundCall, RingsIsAnsweredAndEnds) {
    Player player({}, 2);
    player.start();
    ASSERT_EQ(player.every<command::Invite>().size(), 2U);
    player.feed(event::Ringing{1, 180, {}});
    player.feed(event::Ringing{2, 180, {}});
    player.feed(event::Answered{2, offer, {}});
    EXPECT_EQ(player.answers(), (std::vector{180, 200}));
    EXPECT_EQ(player.every<command::End>().at(0).leg, 1U);
    EXPECT_EQ(player.every<command::Ack>().at(0).leg, 2U);
    EXPECT_EQ(player.call.status().phase, Phase::connected);
    player.feed(event::HungUp{0});
    player.feed(event::Gone{2});
    EXPECT_FALSE(player.call.finished());
    player.feed(event::Refused{1, 487});
    EXPECT_TRUE(player.call.finished());
    EXPECT_EQ(player.call.status().cause, Cause::hang_up);
}

TEST(InboundCall, CallsToUsersWhoAreDisabledEnd) {
    Player rings;
    rings.start();
    rings.take(rings.call.withdraw({"sip:c@x"}, rings.moment));
    EXPECT_TRUE(rings.every<command::End>().empty());
    rings.take(rings.call.withdraw({"sip:b@x"}, rings.moment));
    EXPECT_EQ(rings.every<command::End>().at(0).leg, 1U);
    EXPECT_EQ(rings.every<command::Refuse>().at(0).status, 480);

    Player talks;
    talks.start();
    talks.feed(event::Answered{1, offer, {}});
    talks.take(talks.call.withdraw({"sip:b@x"}, talks.moment));
    EXPECT_EQ(talks.call.status().phase, Phase::terminated);
    EXPECT_EQ(talks.every<command::End>().size(), 2U);

    // A forward is the call of who forwards.
    Player forwarded({rule(Stage::immediately, rules::action::Redirect{"sip:c@x"})});
    forwarded.start();
    forwarded.rules = std::make_shared<rules::RuleSet>();
    forwarded.find();
    ASSERT_EQ(forwarded.every<command::Invite>().size(), 1U);
    forwarded.take(forwarded.call.withdraw({"sip:b@x"}, forwarded.moment));
    EXPECT_EQ(forwarded.every<command::End>().size(), 1U);
    EXPECT_EQ(forwarded.every<command::Refuse>().size(), 1U);

    Player busy({rule(Stage::error, rules::action::Redirect{"sip:c@x"})});
    busy.feed(event::Start{});
    busy.take(busy.call.resolved(0, {Destination::Kind::disabled, "sip:b@x", busy.rules, busy.contacts},
                                 busy.moment));
    EXPECT_EQ(busy.every<command::Refuse>().at(0).status, 480) << "none of its rules acts";
}

TEST(InboundCall, WhoWatchesTheCallerIsToldOfTheCalledAddress) {
    const auto watch = [](Stage stage, const std::string& address) {
        auto result = rule(stage, rules::action::Notify{std::string(rules::to_string(stage)) + address});
        result.conditions.calling = rules::Patterns{true, {address}};
        return result;
    };
    auto watched = std::make_shared<rules::RuleSet>();
    for (const auto stage : rules::stages) {
        watched->caller.push_back(watch(stage, "sip:a@x"));
        watched->caller.push_back(watch(stage, "tel:+1"));  // the caller's, too, but not this call's
    }
    auto request = Player::request(true);
    request.caller.known_as.emplace_back("tel:+1");
    request.caller.rules = watched;
    request.caller.anonymous = true;  // to others
    Player player({rule(Stage::busy, rules::action::Redirect{"sip:c@x"})});
    player.call = InboundCall(request, Player::options(), Moment{});
    player.start();
    player.feed(event::Refused{1, 486});
    player.rules = std::make_shared<rules::RuleSet>();
    player.find();
    player.feed(event::Answered{2, offer, {}});
    player.feed(event::HungUp{0});
    std::vector<std::string> told;
    for (const auto& errand : player.errands) {
        const auto* tell = std::get_if<errand::Tell>(&errand);
        if (tell == nullptr) continue;
        EXPECT_EQ(tell->question.called, "sip:b@x");
        EXPECT_EQ(tell->question.calling, "sip:a@x");
        told.push_back(tell->question.notification);
    }
    EXPECT_EQ(told, (std::vector<std::string>{"immediatelysip:a@x", "busysip:a@x", "answeredsip:a@x",
                                              "endedsip:a@x"}));
}

/// What a telephone may not show, its user does not get by a notification either.
TEST(InboundCall, WhoWatchesTheCalledAddressIsNotToldWhoWantsToBeAnonymous) {
    auto request = Player::request(true);
    request.caller.anonymous = true;
    Player player({rule(Stage::immediately, rules::action::Notify{"n"}),
                   rule(Stage::immediately, rules::action::Ask{"n"})});
    player.call = InboundCall(request, Player::options(), Moment{});
    player.start();
    for (const auto& question : {player.last<errand::Tell>().question, player.last<errand::Ask>().question}) {
        EXPECT_EQ(question.calling, "sip:anonymous@anonymous.invalid");
        EXPECT_EQ(question.calling_name, "");
    }
}

TEST(InboundCall, IsDeclinedForWhoeverIsEntitled) {
    Player whole({}, 2);
    whole.start();
    whole.take(whole.call.decline(whole.moment));
    EXPECT_EQ(whole.every<command::Refuse>().at(0).status, 603);
    EXPECT_EQ(whole.every<command::End>().size(), 2U);
    Player one({rule(Stage::immediately, rules::action::Fork{{"sip:c@x"}})});
    one.start();
    one.find();
    one.take(one.call.remove("sip:c@x", one.moment));
    EXPECT_TRUE(one.every<command::Refuse>().empty()) << "the other one rings";
    EXPECT_EQ(one.every<command::End>().size(), 1U);
    one.take(one.call.remove("sip:b@x", one.moment));
    EXPECT_EQ(one.every<command::Refuse>().at(0).status, 603);
}

TEST(InboundCall, WhoIsAddedIsLookedUpAndCalledByTheCaller) {
    Player player;
    player.start();
    EXPECT_TRUE(player.call.invitation(1).located);
    player.feed(event::Answered{1, offer, {}});
    player.take(player.call.remove("sip:b@x", player.moment));
    player.feed(event::Answered{0, offer, {}});  // into silence
    player.feed(event::Add{"sip:g@x"});
    const auto invite = player.every<command::Invite>().back();
    const auto invitation = player.call.invitation(invite.leg);
    EXPECT_EQ(invitation.target, "sip:g@x");
    EXPECT_EQ(invitation.from, "sip:a@x");
    EXPECT_FALSE(invitation.located);
    EXPECT_EQ(player.call.called(), std::set<std::string>{"sip:g@x"});
    player.take(player.call.withdraw({"sip:b@x"}, player.moment));
    EXPECT_FALSE(player.call.status().ended) << "the one who was called has left";
    player.take(player.call.withdraw({"sip:g@x"}, player.moment));
    EXPECT_FALSE(player.call.status().ended) << "the caller waits";
    EXPECT_EQ(player.every<command::End>().back().leg, invite.leg);
}

TEST(ContactSearch, ThoseOfOnePreferenceAtOnceAndTheMostTellingFailure) {
    const auto contact = [](const char* uri, int q) { return Contact{uri, {}, 0, q}; };
    const auto groups = by_preference({contact("a", 900), contact("b", 900), contact("c", 100)});
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups.back().size(), 2U);
    EXPECT_EQ(groups.front().at(0).uri, "c");
    EXPECT_TRUE(by_preference({}).empty());
    EXPECT_EQ(telling_failure(0, 500, false), 500);
    EXPECT_EQ(telling_failure(500, 404, false), 500) << "the first of its kind";
    EXPECT_EQ(telling_failure(500, 486, true), 486);
    EXPECT_EQ(telling_failure(603, 486, true), 603);
    EXPECT_EQ(telling_failure(486, 604, false), 604);
}

TEST(InboundCall, AnOfferlessCallIsAcknowledgedWithTheCallersAnswer) {
    Player player({}, 1, false);
    player.start();
    player.feed(event::Answered{1, offer, {}});
    EXPECT_TRUE(player.every<command::Ack>().empty());
    player.feed(event::Acknowledged{0, offer});
    EXPECT_NE(player.every<command::Ack>().at(0).sdp.find("m=audio"), std::string::npos);
}

TEST(InboundCall, EachFailureAsksTheRulesOfItsStage) {
    const std::vector<std::pair<int, Stage>> cases{{486, Stage::busy},  {600, Stage::busy},
                                                   {603, Stage::busy},  {500, Stage::error},
                                                   {404, Stage::error}, {480, Stage::error}};
    for (const auto& [status, stage] : cases) {
        Player player({rule(stage, rules::action::Redirect{"sip:c@x"})});
        player.start();
        player.feed(event::Refused{1, status});
        EXPECT_EQ(player.last<errand::Resolve>().address, "sip:c@x") << status;
        EXPECT_TRUE(player.every<command::Refuse>().empty()) << status;
    }
}

TEST(InboundCall, AForwardThatFailsAsksTheRulesOfItsFailure) {
    Player player({rule(Stage::immediately, rules::action::Redirect{"sip:c@x"}),
                   rule(Stage::busy, rules::action::Redirect{"sip:d@x"})});
    player.start();
    player.rules = std::make_shared<rules::RuleSet>();
    player.find();
    player.feed(event::Refused{1, 486});
    EXPECT_EQ(player.last<errand::Resolve>().address, "sip:d@x");
    player.find();
    player.feed(event::Ringing{2, 180, {}});
    // Its stage is over: the caller hears that.
    player.feed(event::Refused{2, 603});
    EXPECT_EQ(player.every<command::Refuse>().at(0).status, 603);
}

TEST(InboundCall, ForwardsEndInACircle) {
    Player player({rule(Stage::immediately, rules::action::Redirect{"sip:b@x"})});
    player.feed(event::Start{});
    for (int i = 0; i < 6; ++i) player.find();
    EXPECT_EQ(player.every<command::Refuse>().at(0).status, 483);
}

TEST(InboundCall, WhileAnApplicationIsAskedTheCallerMayGoAndPhonesMayAnswer) {
    Player gone({rule(Stage::immediately, rules::action::Ask{"n"})});
    gone.start();
    gone.feed(event::HungUp{0});
    EXPECT_TRUE(gone.call.finished());
    applications::Directive route{applications::Verb::route, {"sip:c@x"}, {}};
    gone.take(gone.call.directed(0, route, gone.moment));
    EXPECT_TRUE(gone.every<command::Invite>().empty());

    Player answered({rule(Stage::no_answer, rules::action::Ask{"n"})});
    answered.start();
    answered.feed(event::Timer{answered.every<command::SetTimer>().at(0).id});
    EXPECT_EQ(answered.last<errand::Ask>().question.event, applications::Event::no_answer);
    answered.feed(event::Answered{1, offer, {}});
    EXPECT_EQ(answered.answers().back(), 200);
}

TEST(InboundCall, WhatApplicationsSayIsDone) {
    using applications::Verb;
    const auto ask = rule(Stage::immediately, rules::action::Ask{"n"});
    const auto directed = [&](applications::Directive directive) {
        Player player({ask});
        player.start();
        player.take(player.call.directed(0, directive, player.moment));
        return player;
    };
    EXPECT_EQ(directed({Verb::end_call, {}, {}}).every<command::Refuse>().at(0).status, 603);
    EXPECT_EQ(directed({Verb::carry_on, {}, {}}).every<command::Invite>().size(), 1U);
    EXPECT_EQ(directed({Verb::route, {"sip:c@x"}, {}}).last<errand::Resolve>().address, "sip:c@x");
    auto forked = directed({Verb::fork, {"sip:c@x", "sip:d@x"}, {}});
    EXPECT_EQ(forked.last<errand::Resolve>().address, "sip:d@x");
    EXPECT_EQ(forked.every<command::Invite>().size(), 1U);
    // What can't be done is as if nothing had been said.
    EXPECT_EQ(directed({Verb::route, {}, {}}).every<command::Invite>().size(), 1U);
}

TEST(InboundCall, AnAmountIsHeldFirstAndSettledOnce) {
    applications::Directive directive;
    directive.toll = applications::Toll{};
    const auto held = [&](HoldOutcome outcome) {
        Player player({rule(Stage::immediately, rules::action::Ask{"n"})});
        player.start();
        player.take(player.call.directed(0, directive, player.moment));
        EXPECT_TRUE(player.every<command::Invite>().empty());
        player.take(player.call.held(outcome, player.moment));
        return player;
    };
    auto paid = held({});
    paid.feed(event::Answered{1, offer, {}});
    EXPECT_EQ(paid.every<command::Secure>().size(), 1U);
    EXPECT_EQ(paid.every<command::Capture>().size(), 1U);
    auto failed = held({});
    failed.feed(event::Refused{1, 486});
    EXPECT_EQ(failed.every<command::Release>().size(), 1U);
    EXPECT_EQ(held({402, {}}).every<command::Refuse>().at(0).status, 402);
}

/// Each address that it names is asked about in turn.
TEST(InboundCall, AnApplicationThatForksForEverGetsNoMoreThanSoManyAddresses) {
    Player player({rule(Stage::immediately, rules::action::Ask{"n"})});
    player.start();
    std::size_t next = 0;
    std::size_t looked_up = 1;
    for (; next < player.errands.size() && looked_up < 2000; ++next) {
        const auto errand = player.errands[next];
        if (const auto* resolve = std::get_if<errand::Resolve>(&errand); resolve != nullptr && next > 0) {
            ++looked_up;
            Destination found{Destination::Kind::account, "sip:b@x", player.rules, player.contacts};
            player.take(player.call.resolved(resolve->target, std::move(found), player.moment));
        } else if (const auto* ask = std::get_if<errand::Ask>(&errand)) {
            applications::Directive directive{applications::Verb::fork, {}, {}};
            for (std::size_t i = 0; i < 10; ++i)
                directive.addresses.push_back("sip:b@x;n=" + std::to_string(next) + '.' + std::to_string(i));
            player.take(player.call.directed(ask->target, directive, player.moment));
        }
    }
    EXPECT_EQ(looked_up, Player::options().targets_max);
    player.feed(event::Answered{1, offer, {}});
    EXPECT_EQ(player.call.status().phase, Phase::connected);
}

TEST(InboundCall, WhatIsHeldTooLateIsNotTheCalls) {
    applications::Directive directive;
    directive.toll = applications::Toll{};
    Player player({rule(Stage::no_answer, rules::action::Ask{"n"})});
    player.start();
    const auto rings = player.every<command::SetTimer>().back();
    player.feed(event::Timer{rings.id});
    EXPECT_FALSE(player.call.awaits_hold());
    player.take(player.call.directed(0, directive, player.moment));
    EXPECT_TRUE(player.call.awaits_hold());
    // Its phone rings on.
    player.feed(event::Answered{1, offer, {}});
    EXPECT_FALSE(player.call.awaits_hold());
    player.take(player.call.held({}, player.moment));
    player.feed(event::HungUp{0});
    player.feed(event::Gone{1});
    EXPECT_TRUE(player.call.finished());
    EXPECT_TRUE(player.every<command::Capture>().empty());
}

/// Paid for six seconds; its last timer is the one that rings when the notice is due.
Player paid_by_time() {
    applications::Directive directive;
    directive.toll = applications::Toll{};
    Player player({rule(Stage::immediately, rules::action::Ask{"n"})});
    player.start();
    player.take(player.call.directed(0, directive, player.moment));
    player.take(player.call.held({0, std::chrono::seconds(6)}, player.moment));
    player.feed(event::Answered{1, offer, {}});
    return player;
}

TEST(InboundCall, BothAreMixedToHearThatTheFundsEnd) {
    auto player = paid_by_time();
    EXPECT_TRUE(player.every<command::Reinvite>().empty());
    const auto timers = player.every<command::SetTimer>();
    const auto notice = *std::ranges::find(timers, std::chrono::seconds(4), &command::SetTimer::after);
    player.feed(event::Timer{notice.id});
    EXPECT_EQ(player.every<command::Reinvite>().size(), 2U);
    for (const LegNo leg : {0U, 1U}) {
        player.feed(event::Answered{leg, offer, {}});
        player.feed(event::Joined{leg, offer});
    }
    ASSERT_EQ(player.every<command::Play>().size(), 1U);
    EXPECT_EQ(player.every<command::Play>()[0].tone, Tone::funds_end);
    player.feed(event::HungUp{0});
    EXPECT_EQ(player.every<command::Leave>().size(), 2U);
    EXPECT_EQ(player.every<command::Capture>().size(), 1U);
}

TEST(InboundCall, WhatAnotherServerTookEndsHereWithoutACharge) {
    auto connected = paid_by_time();
    connected.feed(event::Taken{});
    EXPECT_EQ(connected.every<command::End>().size(), 2U);
    EXPECT_EQ(connected.call.status().cause, Cause::aborted);
    EXPECT_TRUE(connected.every<command::Capture>().empty());
    Player rings;
    rings.start();
    rings.feed(event::Ringing{1, 180, {}});
    rings.feed(event::Taken{});
    EXPECT_EQ(rings.every<command::Refuse>().at(0).status, 503);
    EXPECT_EQ(rings.every<command::End>().at(0).leg, 1U);
    EXPECT_EQ(rings.call.status().cause, Cause::aborted);
    for (auto* player : {&connected, &rings}) {
        player->feed(event::Gone{0});
        player->feed(event::Gone{1});
        EXPECT_TRUE(player->call.finished());
        EXPECT_TRUE(player->every<command::Release>().empty());
    }
}

std::vector<rules::Rule> every_stage() {
    return {rule(Stage::immediately, rules::action::Ask{"n"}),
            rule(Stage::no_answer, rules::action::Fork{{"sip:c@x"}}),
            rule(Stage::busy, rules::action::Redirect{"sip:d@x"}),
            rule(Stage::error, rules::action::Redirect{"sip:e@x"}),
            rule(Stage::after, rules::action::Redirect{"sip:f@x"})};
}

/// One thing that may happen. `seen`: errands that were looked at.
void random_step(Player& player, std::mt19937& random, std::size_t& seen) {
    const auto pick = [&](unsigned below) { return random() % below; };
    const LegNo leg = pick(5);
    switch (pick(20)) {
        case 0:
            player.feed(event::Ringing{leg, 180, {}});
            break;
        case 1:
            player.feed(event::Answered{leg, pick(4) == 0 ? "" : offer, {}});
            break;
        case 2:
            player.feed(event::Refused{leg, pick(2) == 0 ? 486 : 603});
            break;
        case 3:
            player.feed(event::HungUp{leg});
            break;
        case 4:
            player.feed(event::Timer{1 + pick(8)});
            break;
        case 5:
            player.feed(event::Acknowledged{leg, offer});
            break;
        case 6:
            player.feed(event::Requested{leg, 9, Method::info, {}});
            break;
        case 7:
            player.feed(event::Rejected{leg, 491});
            break;
        case 8:
            player.feed(event::Replied{leg, 9, 200, {}});
            break;
        case 9:
            player.feed(event::Gone{leg});
            break;
        case 10:
            player.take(player.call.directed(pick(3), {}, player.moment));
            break;
        case 11:
            player.take(player.call.held({0, std::chrono::seconds(pick(2) * 6)}, player.moment));
            break;
        case 12:
            player.feed(event::Granted{std::chrono::seconds(9)});
            break;
        case 13:
            player.take(player.call.withdraw({pick(3) == 0 ? "sip:b@x" : "sip:c@x"}, player.moment));
            break;
        case 14:
            player.feed(event::Joined{leg, offer});
            break;
        case 15:
            player.feed(event::Unbridged{leg});
            break;
        case 16:
            if (pick(20) == 0) player.feed(event::Taken{});
            if (pick(20) == 1) player.take(player.call.decline(player.moment));
            break;
        case 17:
            player.feed(event::Add{"sip:g@x"});
            break;
        case 18:
            player.take(player.call.remove(std::string("sip:") + "abcg"[pick(4)] + "@x", player.moment));
            break;
        default:
            for (; seen < player.errands.size(); ++seen) {
                const auto* resolve = std::get_if<errand::Resolve>(&player.errands[seen]);
                if (resolve == nullptr) continue;
                Destination found{Destination::Kind::account, resolve->address, player.rules,
                                  player.contacts};
                player.take(player.call.resolved(resolve->target, std::move(found), player.moment));
            }
    }
}

/// Whatever happens in whatever order: one final answer, one settlement, and no leg is left in the end.
TEST(InboundCall, RandomEventsLeaveNothingBehind) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        Player player(every_stage(), 1 + random() % 3, random() % 2 == 0);
        player.feed(event::Start{});
        std::size_t seen = 0;
        for (int step = 0; step < 40; ++step) {
            random_step(player, random, seen);
        }
        player.feed(event::End{});
        for (LegNo leg = 0; leg < 20; ++leg) player.feed(event::Gone{leg});
        EXPECT_TRUE(player.call.finished());
        EXPECT_EQ(player.every<command::Finished>().size(), 1U);
        const auto finals = std::ranges::count_if(player.answers(), [](int status) { return status >= 200; });
        EXPECT_LE(static_cast<std::size_t>(finals) + player.every<command::Refuse>().size(), 1U);
        EXPECT_LE(player.every<command::Capture>().size() + player.every<command::Release>().size(), 1U);
    }
}

}  // namespace
