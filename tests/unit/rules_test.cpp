// Which Signal Rule acts on a call: a function of the rule set and of what is known of the call.
#include "telephony/rules/rule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace {

using namespace rules;
using namespace std::chrono_literals;

Rule rule(std::string name, Kind kind, Action action, Stage stage = Stage::immediately) {
    Rule result;
    result.name = std::move(name);
    result.kind = kind;
    result.stage = stage;
    result.action = std::move(action);
    return result;
}

Rule redirect(std::string name, int priority) {
    auto result = rule(std::move(name), Kind::other, action::Redirect{"sip:x@example.com"});
    result.priority = priority;
    return result;
}

CallFacts from(std::string caller) {
    CallFacts facts;
    facts.calling = {std::move(caller)};
    facts.called = "tel:+15550002";
    facts.registrations = 1;
    return facts;
}

std::string acting(const RuleSet& set, const CallFacts& facts, Stage stage = Stage::immediately,
                   std::chrono::seconds elapsed = 0s) {
    const auto decision = evaluate(set, stage, elapsed, facts);
    return decision.acting != nullptr ? decision.acting->name : "";
}

bool applies(const Conditions& conditions, const CallFacts& facts) {
    auto only = rule("only", Kind::other, action::Stop{});
    only.conditions = conditions;
    const RuleSet set{{}, {only}, {}};
    return !acting(set, facts).empty();
}

Conditions calling(bool in, std::vector<std::string> patterns) {
    Conditions conditions;
    conditions.calling = Patterns{in, std::move(patterns)};
    return conditions;
}

std::chrono::sys_seconds utc(int month, int day, int hour, int minute) {
    using namespace std::chrono;
    return sys_days(year(2026) / month / day) + hours(hour) + minutes(minute);
}

TEST(Rules, KindsComeInTheirOrderWhateverTheirPriority) {
    RuleSet set;
    for (auto kind :
         {Kind::other, Kind::forward, Kind::forward_list, Kind::ask, Kind::block_list, Kind::accept_list}) {
        auto next = rule(std::string(to_string(kind)), kind, action::Stop{});
        next.priority = 10 - static_cast<int>(kind);
        set.account.push_back(next);
        EXPECT_EQ(acting(set, from("tel:+1")), to_string(kind));
    }
}

TEST(Rules, NotifyIsNeverFinalAndComesFirst) {
    RuleSet set;
    set.account = {rule("stop", Kind::accept_list, action::Stop{}),
                   rule("one", Kind::notify, action::Notify{"1"}),
                   rule("two", Kind::notify, action::Notify{"2"})};
    const auto decision = evaluate(set, Stage::immediately, 0s, from("tel:+1"));
    ASSERT_EQ(decision.notify.size(), 2U);
    EXPECT_EQ(decision.notify[0]->name, "one");
    EXPECT_EQ(decision.notify[1]->name, "two");
    ASSERT_NE(decision.acting, nullptr);
    EXPECT_EQ(decision.acting->name, "stop");
}

TEST(Rules, OthersGoByPriorityThenAsTheyStand) {
    RuleSet set;
    set.account = {redirect("low", 3), redirect("first", 7), redirect("second", 7)};
    EXPECT_EQ(acting(set, from("tel:+1")), "first");
}

TEST(Rules, DomainWideRulesComeBeforeAndAfterTheAccounts) {
    RuleSet set;
    set.after = {redirect("after", 5)};
    EXPECT_EQ(acting(set, from("tel:+1")), "after");
    set.account = {redirect("own", 1)};
    EXPECT_EQ(acting(set, from("tel:+1")), "own");
    set.before = {redirect("before", 6)};
    EXPECT_EQ(acting(set, from("tel:+1")), "before");
}

TEST(Rules, EachStageHasItsOwnRules) {
    RuleSet set;
    for (auto stage : stages) {
        if (stage < Stage::answered)
            set.account.push_back(rule(std::string(to_string(stage)), Kind::forward, action::Stop{}, stage));
    }
    for (auto stage : stages) {
        const auto wanted = stage < Stage::answered ? to_string(stage) : "";
        EXPECT_EQ(acting(set, from("tel:+1"), stage), wanted);
    }
}

TEST(Rules, OnlyNotifyActsOnceTheCallIsAnswered) {
    RuleSet set;
    for (auto stage : {Stage::answered, Stage::ended}) {
        set.account.push_back(rule("reject", Kind::other, action::Reject{}, stage));
        set.account.push_back(rule("tell", Kind::notify, action::Notify{"1"}, stage));
    }
    for (auto stage : {Stage::answered, Stage::ended}) {
        const auto decision = evaluate(set, stage, 0s, from("tel:+1"));
        EXPECT_EQ(decision.acting, nullptr);
        EXPECT_EQ(decision.notify.size(), 1U);
    }
}

TEST(Rules, RulesAfterSomeTimeActWhenItIsOver) {
    RuleSet set;
    auto late = rule("late", Kind::other, action::Stop{}, Stage::after);
    late.after = 20s;
    auto soon = rule("soon", Kind::other, action::Fork{{"tel:+1"}}, Stage::after);
    soon.after = 5s;
    soon.priority = 1;
    set.account = {late, soon};
    set.before = {late};
    EXPECT_EQ(set.delays(), (std::vector<std::chrono::seconds>{5s, 20s}));
    EXPECT_EQ(acting(set, from("tel:+1"), Stage::after, 5s), "soon");
    EXPECT_EQ(acting(set, from("tel:+1"), Stage::after, 20s), "late");
    EXPECT_EQ(acting(set, from("tel:+1"), Stage::after, 6s), "");
    auto nobody_there = from("tel:+1");
    nobody_there.registrations = 0;
    EXPECT_EQ(acting(set, nobody_there, Stage::after, 0s), "soon");
}

struct PatternCase {
    std::string pattern, address;
    bool matches;
};

TEST(Rules, PatternsOfAddresses) {
    const std::vector<PatternCase> cases{
        {"tel:+15550001", "tel:+15550001", true},
        {"tel:+15550001", "tel:+155500012", false},
        {"tel:+1555000", "tel:+15550001", false},
        {"tel:+1*", "tel:+15550001", true},
        {"tel:+1*", "tel:+1", true},
        {"tel:+1*", "tel:+49", false},
        {"*", "sip:anybody@example.com", true},
        {"*", "", true},
        {"sip:*@example.com", "sip:alice@example.com", true},
        {"sip:*@example.com", "sip:alice@example.com.evil.org", false},
        {"sip:*@*.com", "sip:a@b@c.com", true},
        {"*0*0*1", "tel:+15550001", true},
        {"*0*0*2", "tel:+15550001", false},
        {"sip:alice@example.com", "sip:alice@example.com;transport=tcp", true},
        {"sip:alice@example.com", "sips:alice@example.com", true},
        {"sip:alice@example.com", "sip:Alice@example.com", false},
        {"tel:+15550001", "sip:+15550001@gateway.example.net;user=phone", true},
        {"tel:+15550001", "sip:+15550001;phone-context=x@gateway.example.net", true},
        {"tel:+15550001", "sip:+1-555-(0001)@gateway.example.net", true},
        {"tel:+15550001", "sip:+1.5550001;cpc=ordinary@gateway.example.net;user=phone", true},
        {"tel:+15550001", "sip:15550001@gateway.example.net", false},
        {"tel:+15550001", "sip:+@gateway.example.net", false},
        {"tel:+", "sip:+@gateway.example.net", false},
        {"sip:gateway.example.net", "sip:gateway.example.net;lr", true},
    };
    for (const auto& [pattern, address, wanted] : cases) {
        EXPECT_EQ(applies(calling(true, {pattern}), from(address)), wanted) << pattern << ' ' << address;
        EXPECT_EQ(applies(calling(false, {pattern}), from(address)), !wanted) << pattern << ' ' << address;
        EXPECT_EQ(applies(calling(true, {"tel:+999", pattern}), from(address)), wanted) << pattern;
    }
}

TEST(Rules, ACallerIsKnownByAnyOfTheAccountsAddresses) {
    auto facts = from("sip:alice@example.com");
    facts.calling.emplace_back("tel:+15550001");
    EXPECT_TRUE(applies(calling(true, {"tel:+15550001"}), facts));
    EXPECT_FALSE(applies(calling(false, {"tel:+15550001"}), facts));
}

TEST(Rules, AnAnonymousCallerIsOnNoList) {
    auto facts = from("");
    facts.calling.clear();
    EXPECT_TRUE(applies(calling(false, {"tel:+15550001"}), facts));
    EXPECT_FALSE(applies(calling(true, {"*"}), facts));
}

TEST(Rules, EveryConditionMustHold) {
    auto facts = from("tel:+15550001");
    facts.calling_name = "Alice Liddell";
    facts.authenticated = true;
    Conditions conditions;
    EXPECT_TRUE(applies(conditions, facts));
    conditions.calling_name = Patterns{true, {"alice*"}};
    conditions.called = Patterns{true, {"tel:+15550002"}};
    conditions.authenticated = true;
    conditions.registered = true;
    EXPECT_TRUE(applies(conditions, facts));
    auto other = facts;
    other.calling_name = "Bob";
    EXPECT_FALSE(applies(conditions, other));
    other = facts;
    other.called = "sip:bob@example.com";
    EXPECT_FALSE(applies(conditions, other));
    other = facts;
    other.authenticated = false;
    EXPECT_FALSE(applies(conditions, other));
    other = facts;
    other.registrations = 0;
    EXPECT_FALSE(applies(conditions, other));
    conditions.registered = false;
    EXPECT_TRUE(applies(conditions, other));
}

struct HoursCase {
    const char* what;
    std::uint8_t days;
    int from, until;  ///< minutes
    std::chrono::sys_seconds now;
    bool holds;
};

// 2 November 2026 is a Monday. Berlin is one hour ahead of UTC in winter, two in summer.
TEST(Rules, HoursAreOfTheirTimeZoneAndGoOverMidnight) {
    constexpr std::uint8_t monday = 1 << 1, sunday = 1;
    constexpr int nine = 9 * 60, five = 17 * 60, ten_at_night = 22 * 60, six = 6 * 60;
    const std::vector<HoursCase> cases{
        {"begins", monday, nine, five, utc(11, 2, 8, 0), true},
        {"just before", monday, nine, five, utc(11, 2, 7, 59), false},
        {"the last minute", monday, nine, five, utc(11, 2, 15, 59), true},
        {"is over", monday, nine, five, utc(11, 2, 16, 0), false},
        {"another day", monday, nine, five, utc(11, 3, 8, 0), false},
        {"summer", monday, nine, five, utc(8, 3, 7, 0), true},
        {"before, in summer", monday, nine, five, utc(8, 3, 6, 59), false},
        {"evening", monday, ten_at_night, six, utc(11, 2, 22, 0), true},
        {"after midnight it is Monday's night", monday, ten_at_night, six, utc(11, 3, 4, 59), true},
        {"the night is over", monday, ten_at_night, six, utc(11, 3, 5, 0), false},
        {"Monday's early hours are Sunday's night", monday, ten_at_night, six, utc(11, 2, 3, 0), false},
        {"and do count as Sunday's", sunday, ten_at_night, six, utc(11, 2, 3, 0), true},
        {"late in UTC it is Monday in Berlin", monday, 0, six, utc(11, 1, 23, 30), true},
        {"the whole day", monday, 0, 24 * 60, utc(11, 2, 22, 59), true},
        {"and no more", monday, 0, 24 * 60, utc(11, 2, 23, 0), false},
        {"the same begin and end are a day", monday, nine, nine, utc(11, 3, 7, 59), true},
        {"which ends", monday, nine, nine, utc(11, 3, 8, 0), false},
        {"no day", 0, 0, 24 * 60, utc(11, 2, 12, 0), false},
        // On 25 October 2026 the clock goes back at 3; half past two comes twice.
        {"summer's half past two", sunday, 150, 180, utc(10, 25, 0, 30), true},
        {"winter's half past two", sunday, 150, 180, utc(10, 25, 1, 30), true},
        {"three", sunday, 150, 180, utc(10, 25, 2, 0), false},
    };
    for (const auto& c : cases) {
        Conditions conditions;
        conditions.hours = Hours{c.days, std::chrono::minutes(c.from), std::chrono::minutes(c.until),
                                 base::TimeZone::named("Europe/Berlin").value()};
        auto facts = from("tel:+1");
        facts.now = c.now;
        EXPECT_EQ(applies(conditions, facts), c.holds) << c.what;
    }
}

TEST(Rules, TimeZonesAreThoseOfIana) {
    EXPECT_TRUE(base::TimeZone::named("UTC"));
    EXPECT_TRUE(base::TimeZone::named("Asia/Kathmandu"));
    EXPECT_FALSE(base::TimeZone::named("Mars/Olympus"));
    EXPECT_FALSE(base::TimeZone::named("GMT+3"));
    EXPECT_FALSE(base::TimeZone::named(""));
    const auto local = base::TimeZone::named("Asia/Kathmandu")->local(utc(11, 2, 0, 0));
    EXPECT_EQ(local.time_since_epoch() - utc(11, 2, 0, 0).time_since_epoch(), 5h + 45min);
}

TEST(Rules, TheExplanationEndsWithTheRuleThatActs) {
    RuleSet set;
    auto blocked = rule("block", Kind::block_list, action::Reject{});
    blocked.conditions = calling(true, {"tel:+666*"});
    set.account = {blocked, rule("tell", Kind::notify, action::Notify{"1"}),
                   rule("forward", Kind::forward, action::Redirect{"tel:+15550003"}), redirect("never", 9)};
    const auto steps = explain(set, Stage::immediately, 0s, from("tel:+1"));
    ASSERT_EQ(steps.size(), 3U);
    EXPECT_EQ(steps[0].rule->name, "tell");
    EXPECT_EQ(steps[0].unmet, "");
    EXPECT_EQ(steps[1].rule->name, "block");
    EXPECT_EQ(steps[1].unmet, "calling address");
    EXPECT_EQ(steps[2].rule->name, "forward");
    EXPECT_EQ(steps[2].unmet, "");
}

/// Random sets: what acts is the least of the rules that apply, by an order written down another way.
TEST(Rules, TheFirstRuleThatAppliesActs) {
    std::mt19937 random(20261128);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 2000; ++round) {
        RuleSet set;
        for (int i = pick(12); i > 0; --i) {
            auto next =
                rule("r", static_cast<Kind>(1 + pick(6)), action::Stop{}, static_cast<Stage>(pick(5)));
            next.priority = pick(10);
            if (pick(2) == 0) next.conditions = calling(pick(2) == 0, {"tel:+1*"});
            set.account.push_back(next);
        }
        const auto stage = static_cast<Stage>(pick(5));
        const auto facts = from(pick(2) == 0 ? "tel:+15550001" : "tel:+4930");
        const Rule* least = nullptr;
        for (const auto& each : set.account) {
            if (each.stage != stage || !applies(each.conditions, facts)) continue;
            const auto rank = [](const Rule& r) { return static_cast<int>(r.kind) * 100 - r.priority; };
            if (least == nullptr || rank(each) < rank(*least)) least = &each;
        }
        EXPECT_EQ(evaluate(set, stage, 0s, facts).acting, least);
    }
}

TEST(Rules, NamesOfStagesAndKindsLeadBack) {
    for (auto stage : stages) EXPECT_EQ(stage_named(to_string(stage)), stage);
    for (auto kind : rule_kinds) EXPECT_EQ(kind_named(to_string(kind)), kind);
    EXPECT_FALSE(stage_named("never"));
    EXPECT_FALSE(kind_named(""));
}

}  // namespace
