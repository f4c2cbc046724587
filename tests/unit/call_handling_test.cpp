// What Call Handling's elements mean as Signal Rules.
#include "telephony/callhandling/translation.hpp"

#include <gtest/gtest.h>

namespace {

using namespace callhandling;
using namespace std::chrono_literals;
using rules::Kind;
using rules::Stage;

const ledger::NumberingPlan germany{"49", "0"};

calls::DialPlan dial_plan() {
    calls::DialPlan::Options options;
    options.numbers = germany;
    return calls::DialPlan(options);
}

std::vector<rules::Rule> meaning_of(const CallHandlingRules& given) {
    auto meaning = translate(given, germany, dial_plan());
    const auto* bad = std::get_if<BadAddress>(&meaning);
    EXPECT_EQ(bad, nullptr) << (bad != nullptr ? bad->part : "");
    return bad != nullptr ? std::vector<rules::Rule>() : std::get<0>(std::move(meaning));
}

std::string bad_part(const CallHandlingRules& given) {
    const auto meaning = translate(given, germany, dial_plan());
    const auto* bad = std::get_if<BadAddress>(&meaning);
    return bad != nullptr ? bad->part : "";
}

/// What becomes of a call: the address it goes to, a status, or nothing.
std::string outcome(const CallHandlingRules& given, const std::string& caller,
                    Stage stage = Stage::immediately) {
    const rules::RuleSet set{{}, meaning_of(given), {}};
    rules::CallFacts facts;
    facts.calling = {caller};
    facts.registrations = 1;
    const auto* acting = evaluate(set, stage, 0s, facts).acting;
    if (acting == nullptr) return "";
    if (const auto* to = std::get_if<rules::action::Redirect>(&acting->action)) return to->address;
    return std::to_string(std::get<rules::action::Reject>(acting->action).status);
}

CallHandlingRules everything() {
    CallHandlingRules given;
    given.accept_list = {"tel:+1555*", "sip:friend@example.com"};
    given.block_list = {"tel:+15550009", "tel:+15550008"};
    given.forward_list = {{"tel:+15550001", "tel:+100", "tel:+101", std::nullopt},
                          {"tel:+15550002", "sip:two@example.com", std::nullopt, "tel:+202"}};
    given.forward = UnconditionalForward{"tel:+300", "tel:+301", "tel:+302"};
    return given;
}

TEST(CallHandling, EachListIsOneRuleAndEachForwardUpToThree) {
    std::vector<std::string> names;
    for (const auto& rule : meaning_of(everything())) names.push_back(rule.name);
    EXPECT_EQ(names, (std::vector<std::string>{"accept", "block", "forward-list 1", "forward-list 1 on busy",
                                               "forward-list 2", "forward-list 2 on no answer", "forward",
                                               "forward on busy", "forward on no answer"}));
    EXPECT_TRUE(meaning_of({}).empty());
}

TEST(CallHandling, OneActionIsTakenInTheStandardsOrder) {
    const auto given = everything();
    EXPECT_EQ(outcome(given, "tel:+4930"), "403");      // not on the accept list
    EXPECT_EQ(outcome(given, "tel:+15550009"), "403");  // blocked, though accepted
    EXPECT_EQ(outcome(given, "tel:+15550001"), "tel:+100");
    EXPECT_EQ(outcome(given, "tel:+15550002"), "sip:two@example.com");
    EXPECT_EQ(outcome(given, "sip:friend@example.com"), "tel:+300");
    EXPECT_EQ(outcome(given, "tel:+15550003"), "tel:+300");
}

TEST(CallHandling, TheEntryOfTheCallerServesLaterStagesToo) {
    const auto given = everything();
    EXPECT_EQ(outcome(given, "tel:+15550001", Stage::busy), "tel:+101");
    EXPECT_EQ(outcome(given, "tel:+15550001", Stage::no_answer), "");  // `forward` is not for this caller
    EXPECT_EQ(outcome(given, "tel:+15550002", Stage::busy), "");
    EXPECT_EQ(outcome(given, "tel:+15550002", Stage::no_answer), "tel:+202");
    EXPECT_EQ(outcome(given, "tel:+15550003", Stage::busy), "tel:+301");
    EXPECT_EQ(outcome(given, "tel:+15550003", Stage::no_answer), "tel:+302");
    EXPECT_EQ(outcome(given, "tel:+15550003", Stage::error), "");
}

TEST(CallHandling, ForwardingMayBeForBusyLinesOnly) {
    CallHandlingRules given;
    given.forward = UnconditionalForward{std::nullopt, "tel:+301", std::nullopt};
    EXPECT_EQ(outcome(given, "tel:+1"), "");
    EXPECT_EQ(outcome(given, "tel:+1", Stage::busy), "tel:+301");
}

TEST(CallHandling, NumbersAreCompletedAsInTheRestOfTheServer) {
    CallHandlingRules given;
    given.block_list = {"tel:030-123", "0049 30 456", "TEL:+1 555 0009", "SIP:bob@EXAMPLE.com"};
    given.forward = UnconditionalForward{"tel:030 7891234", std::nullopt, std::nullopt};
    EXPECT_EQ(outcome(given, "tel:+4930123"), "403");
    EXPECT_EQ(outcome(given, "tel:+4930456"), "403");
    EXPECT_EQ(outcome(given, "tel:+15550009"), "403");
    EXPECT_EQ(outcome(given, "sip:bob@example.com"), "403");
    EXPECT_EQ(outcome(given, "tel:+1"), "tel:+49307891234");
}

TEST(CallHandling, TextsThatAreNoAddressesAreNamed) {
    for (const auto* text : {"", " ", "alice", "tel:", ":x", "sip:a b", "tel:\n+1"}) {
        CallHandlingRules given;
        given.accept_list = {"tel:+1", text};
        EXPECT_EQ(bad_part(given), "rules.acceptList") << text;
        given.accept_list.clear();
        given.block_list = {text};
        EXPECT_EQ(bad_part(given), "rules.blockList") << text;
        given.block_list.clear();
        given.forward_list = {{text, "tel:+1", std::nullopt, std::nullopt}};
        EXPECT_EQ(bad_part(given), "rules.forwardList.callingAddress") << text;
    }
    for (const auto* text : {"", "alice", "tel:abc", "mailto:a@b", "sip:", "sip:a@b?Route=x", "*"}) {
        CallHandlingRules given;
        given.forward_list = {{"tel:+1", text, std::nullopt, std::nullopt}};
        EXPECT_EQ(bad_part(given), "rules.forwardList.forwardingAddress") << text;
        given.forward_list.clear();
        given.forward = UnconditionalForward{"tel:+1", "tel:+2", text};
        EXPECT_EQ(bad_part(given), "rules.forward.onNoAnswerAddress") << text;
    }
    CallHandlingRules given;
    given.forward = UnconditionalForward{};
    EXPECT_EQ(bad_part(given), "rules.forward.forwardingAddress");
}

}  // namespace
