// What is said between us and applications, before anything is sent: operations and versions, what answers
// mean, and when an application is left alone.
#include "telephony/applications/applications.hpp"
#include "frontend/soap/envelope.hpp"
#include "telephony/applications/breaker.hpp"
#include "telephony/applications/translation.hpp"
#include "telephony/callnotification/managers.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using applications::Action;
using applications::ActionValue;
using applications::Breaker;
using applications::Event;
using applications::Manner;
using applications::Notification;
using applications::Question;
using applications::Verb;

Notification notification(Manner manner, soap::VersionNumber manager) {
    Notification result;
    result.id = "n-1";
    result.manner = manner;
    result.endpoint = "http://app.example.com/direction";
    result.correlator = "c-1";
    result.manager = manager;
    result.application = "shop";
    result.payers.domains = {"example.com"};
    return result;
}

Question question(Event event) { return {"n-1", event, "tel:+15550001", "Alice", "tel:+15550002", "42"}; }

/// The body that goes out, without the envelope around it.
std::string sent(const Notification& to, Event event) {
    const auto call = call_of(to, question(event));
    if (!call) return "";
    const auto text = soap::encode_request(call->soap, call->endpoint, *call->operation, call->message,
                                           call->local_namespace);
    const auto begin = text.find("Body>") + 5;
    return text.substr(begin, text.rfind("</", text.rfind("Body>")) - begin);
}

TEST(Notifications, the_log_gets_no_secret_of_an_endpoint) {
    using applications::loggable_endpoint;
    EXPECT_EQ(loggable_endpoint("http://app.example.com:81/a/b"), "http://app.example.com:81/a/b");
    EXPECT_EQ(loggable_endpoint("http://app.example.com/a?key=1#x"), "http://app.example.com/a");
    EXPECT_EQ(loggable_endpoint("http://app.example.com/a#key"), "http://app.example.com/a");
    EXPECT_EQ(loggable_endpoint("https://me:pass@app.example.com/a@b"), "https://app.example.com/a@b");
    EXPECT_EQ(loggable_endpoint("https://me:p@ss@app.example.com"), "https://app.example.com");
    EXPECT_EQ(loggable_endpoint("nonsense"), "nonsense");
    EXPECT_EQ(loggable_endpoint(""), "");
}

TEST(ApplicationsTest, EventsAreSpelledAsCallEventsSpellsThem) {
    EXPECT_EQ(to_string(Event::busy), "Busy");
    EXPECT_EQ(to_string(Event::not_reachable), "NotReachable");
    EXPECT_EQ(to_string(Event::disconnected), "Disconnected");
    for (const auto event : applications::events) {
        EXPECT_EQ(applications::event_named(to_string(event)), event) << to_string(event);
    }
    EXPECT_EQ(applications::event_named("busy"), std::nullopt);
    EXPECT_EQ(applications::event_named(""), std::nullopt);
}

TEST(ApplicationsTest, ApplicationsAreCalledInTheVersionOfTheirRegistration) {
    const auto v3 = sent(notification(Manner::ask, {3, 1}), Event::busy);
    EXPECT_NE(v3.find("handleBusy"), std::string::npos) << v3;
    EXPECT_NE(v3.find("parlayx/call_direction/v3_2/local\""), std::string::npos) << v3;
    EXPECT_NE(v3.find("callingParticipant>tel:+15550001<"), std::string::npos) << v3;
    EXPECT_NE(v3.find("callSessionIdentifier>42<"), std::string::npos) << v3;

    const auto v2 = sent(notification(Manner::ask, {2, 2}), Event::no_answer);
    EXPECT_NE(v2.find("handleNoAnswer"), std::string::npos) << v2;
    EXPECT_NE(v2.find("parlayx/call_direction/v2_2/local\""), std::string::npos) << v2;
    EXPECT_NE(v2.find("callingPartyName>Alice<"), std::string::npos) << v2;
    EXPECT_EQ(v2.find("callSessionIdentifier"), std::string::npos) << v2;

    // Of Parlay X 2 the number that the client has, listed or not.
    const auto other = sent(notification(Manner::tell, {2, 4}), Event::called_number);
    EXPECT_NE(other.find("parlayx/call_notification/v2_4/local\""), std::string::npos) << other;
    EXPECT_NE(other.find("notifyCalledNumber"), std::string::npos) << other;
    EXPECT_NE(other.find("calledParty>tel:+15550002<"), std::string::npos) << other;

    const auto v3_1 = sent(notification(Manner::tell, {3, 1}), Event::answer);
    EXPECT_NE(v3_1.find("parlayx/call_notification/v3_2/local\""), std::string::npos) << v3_1;
    const auto v3_8 = sent(notification(Manner::tell, {3, 8}), Event::answer);
    EXPECT_NE(v3_8.find("parlayx/call_notification/v3_8/local\""), std::string::npos) << v3_8;
}

TEST(ApplicationsTest, WhatHasNoOperationIsANamedEvent) {
    const auto v3 = sent(notification(Manner::tell, {3, 1}), Event::disconnected);
    EXPECT_NE(v3.find("notifyCallEvent"), std::string::npos) << v3;
    EXPECT_NE(v3.find("<callEvent>Disconnected</callEvent>"), std::string::npos) << v3;
    EXPECT_FALSE(call_of(notification(Manner::tell, {2, 2}), question(Event::disconnected)));
    EXPECT_FALSE(call_of(notification(Manner::ask, {3, 1}), question(Event::answer)));
    EXPECT_FALSE(call_of(notification(Manner::ask, {3, 1}), question(Event::disconnected)));
}

TEST(ApplicationsTest, WhatIsNotKnownOfACallerIsLeftOut) {
    auto anonymous = question(Event::busy);
    anonymous.calling_name.clear();
    anonymous.session.clear();
    const auto call = call_of(notification(Manner::ask, {3, 1}), anonymous);
    ASSERT_TRUE(call);
    const auto& event = call->message.as<applications::CallEvent>();
    EXPECT_EQ(event.calling_name, std::nullopt);
    EXPECT_EQ(event.session, std::nullopt);
    EXPECT_EQ(event.correlator, "c-1");
}

TEST(ApplicationsTest, ActionsThatCanBeDone) {
    const auto from = notification(Manner::ask, {3, 1});
    const auto directive = [&](ActionValue verb, std::vector<std::string> addresses) {
        return directive_of(from, Action{verb, std::move(addresses), std::nullopt, {}}, 3);
    };
    EXPECT_EQ(directive(ActionValue::carry_on, {})->verb, Verb::carry_on);
    EXPECT_EQ(directive(ActionValue::end_call, {})->verb, Verb::end_call);
    EXPECT_EQ(directive(ActionValue::route, {"tel:1"})->addresses, std::vector<std::string>{"tel:1"});
    EXPECT_EQ(directive(ActionValue::fork, {"tel:1"})->verb, Verb::fork);
    EXPECT_EQ(directive(ActionValue::fork, {"tel:1", "tel:2", "tel:3"})->addresses.size(), 3U);
    // An address that the action has no use for leads nowhere.
    for (const auto* useless : {"tel:1", ""}) {
        ASSERT_TRUE(directive(ActionValue::end_call, {useless})) << useless;
        EXPECT_TRUE(directive(ActionValue::end_call, {useless})->addresses.empty()) << useless;
    }
}

TEST(ApplicationsTest, ActionsThatMakeNoSense) {
    const auto from = notification(Manner::ask, {3, 1});
    const auto nonsense = [&](ActionValue verb, std::vector<std::string> addresses) {
        return !directive_of(from, Action{verb, std::move(addresses), std::nullopt, {}}, 3);
    };
    EXPECT_TRUE(nonsense(ActionValue::route, {}));
    EXPECT_TRUE(nonsense(ActionValue::route, {""}));
    EXPECT_TRUE(nonsense(ActionValue::route, {"tel:1", "tel:2"}));
    EXPECT_TRUE(nonsense(ActionValue::route, {std::string(513, '1')}));
    EXPECT_TRUE(nonsense(ActionValue::fork, {}));
    EXPECT_TRUE(nonsense(ActionValue::fork, {"tel:1", ""}));
    EXPECT_TRUE(nonsense(ActionValue::fork, {"tel:1", "tel:2", "tel:3", "tel:4"}));
}

TEST(ApplicationsTest, ChargingIsHandedOnWithWhoMayBeCharged) {
    auto from = notification(Manner::ask, {3, 1});
    Action action;
    action.charging = applications::Charging{"advice", "EUR", base::Decimal::parse("1.50"), std::nullopt};
    auto directive = directive_of(from, action, 3);
    ASSERT_TRUE(directive && directive->toll);
    EXPECT_EQ(directive->toll->charging, *action.charging);
    EXPECT_EQ(directive->toll->application, "shop");
    EXPECT_EQ(directive->toll->payers.own, "");
    EXPECT_EQ(directive->toll->payers.domains, std::vector<std::string>{"example.com"});

    EXPECT_TRUE(directive->toll->payers.prefixes.empty());
    from.payers.prefixes = {"tel:+1"};
    EXPECT_EQ(directive_of(from, action, 3)->toll->payers.prefixes, from.payers.prefixes);

    from.payers.own = "tel:+15550001";
    from.payers.domains.clear();
    directive = directive_of(from, action, 3);
    ASSERT_TRUE(directive && directive->toll);
    EXPECT_EQ(directive->toll->payers.own, "tel:+15550001");
    EXPECT_TRUE(directive->toll->payers.domains.empty());

    for (const auto* zero : {"0", "0.00"}) {
        action.charging->amount = base::Decimal::parse(zero);
        EXPECT_EQ(directive_of(from, action, 3)->toll, std::nullopt) << zero;
    }
    action.charging.reset();
    EXPECT_EQ(directive_of(from, action, 3)->toll, std::nullopt);
}

TEST(ApplicationsTest, WhichEventsMayBeAskedFor) {
    using callnotification::usual_events;
    const std::vector decided{Event::busy, Event::not_reachable, Event::no_answer, Event::called_number};
    EXPECT_EQ(usual_events(Manner::ask, {3, 1}), decided);
    EXPECT_EQ(usual_events(Manner::ask, {3, 8}), decided);
    EXPECT_EQ(usual_events(Manner::tell, {2, 2}).back(), Event::answer);
    EXPECT_EQ(usual_events(Manner::tell, {3, 1}).back(), Event::answer);
    EXPECT_EQ(usual_events(Manner::tell, {3, 8}).back(), Event::disconnected);
}

class ApplicationsBreaker : public testing::Test {
  protected:
    Breaker breaker_{{.failures = 3, .pause = 10s, .pause_max = 30s}};
    Breaker::Clock::time_point now_{};

    /// Opens it.
    void open() {
        for (int i = 0; i < 3; ++i) breaker_.failed(now_);
    }
    /// Lets one try through, which fails.
    void probe() {
        ASSERT_TRUE(breaker_.admits(now_));
        breaker_.failed(now_);
    }
};

TEST_F(ApplicationsBreaker, OpensAfterFailuresInARow) {
    EXPECT_FALSE(breaker_.failed(now_));
    EXPECT_FALSE(breaker_.failed(now_));
    breaker_.succeeded();
    EXPECT_FALSE(breaker_.failed(now_));
    EXPECT_FALSE(breaker_.failed(now_));
    EXPECT_TRUE(breaker_.admits(now_));
    EXPECT_TRUE(breaker_.failed(now_));
    EXPECT_TRUE(breaker_.is_open());
    EXPECT_FALSE(breaker_.admits(now_ + 9s));
}

TEST_F(ApplicationsBreaker, LetsOneTryThroughAfterAWhileWhichClosesIt) {
    open();
    now_ += 10s;
    EXPECT_TRUE(breaker_.admits(now_));
    EXPECT_FALSE(breaker_.admits(now_)) << "one at a time";
    breaker_.succeeded();
    EXPECT_FALSE(breaker_.is_open());
    EXPECT_TRUE(breaker_.is_fresh());
    EXPECT_TRUE(breaker_.admits(now_));
    EXPECT_TRUE(breaker_.admits(now_));
}

TEST_F(ApplicationsBreaker, StaysOpenTwiceAsLongAfterEachTryThatFails) {
    open();
    now_ += 10s;
    probe();
    EXPECT_EQ(breaker_.open_until(), now_ + 20s);
    now_ += 20s;
    probe();
    EXPECT_EQ(breaker_.open_until(), now_ + 30s) << "at most";
    now_ += 30s;
    ASSERT_TRUE(breaker_.admits(now_));
    breaker_.given_up();
    EXPECT_TRUE(breaker_.admits(now_)) << "a try that said nothing makes room for the next";
}

TEST_F(ApplicationsBreaker, TriesThatBeganBeforeItOpenedDoNotKeepItOpen) {
    open();
    EXPECT_FALSE(breaker_.failed(now_ + 5s));
    EXPECT_EQ(breaker_.open_until(), now_ + 10s);
}

}  // namespace
