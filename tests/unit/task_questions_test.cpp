// What nodes ask each other about tasks, on its way as JSON.
#include "telephony/tasks/question.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace {

using tasks::Answer;
using tasks::Dictionary;
using tasks::Question;

TEST(TaskQuestions, ArriveAsTheyWereAsked) {
    Question question;
    question.what = Question::What::events;
    question.reader = {"al\"ice@example.com", "example.com", true};
    question.id = "000000000000-1";
    question.events = {{"transferTarget", "x"}, {"transferCallPeer", "sip:ü@h"}};
    const auto read = tasks::question_from_json(tasks::to_json(question));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->what, question.what);
    EXPECT_EQ(read->reader.login, question.reader.login);
    EXPECT_EQ(read->reader.domain, question.reader.domain);
    EXPECT_TRUE(read->reader.administrator);
    EXPECT_EQ(read->id, question.id);
    ASSERT_EQ(read->events.size(), 2U);
    EXPECT_EQ(read->events[1].name, "transferCallPeer");
    EXPECT_EQ(read->events[1].parameter, "sip:ü@h");
}

TEST(TaskQuestions, AnswersHaveEveryKindOfEntry) {
    Dictionary party;
    party.entries["address"] = std::string("tel:+15550001");
    party.entries["mediaInfo"] = std::vector<Dictionary>{};
    Answer answer;
    answer.state = Answer::State::known;
    answer.outcome = tasks::Outcome::present_peer;
    answer.status.entries["duration"] = std::int64_t{-3};
    answer.status.entries["startTime"] = Dictionary::Time(std::chrono::microseconds(1'700'000'000'123'456));
    answer.status.entries["participants"] = std::vector<Dictionary>{party, {}};
    answer.trace = "a\nb";
    const auto read = tasks::answer_from_json(tasks::to_json(answer));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->state, answer.state);
    EXPECT_EQ(read->outcome, answer.outcome);
    EXPECT_EQ(read->trace, answer.trace);
    EXPECT_EQ(read->status.entries.size(), 3U);
    EXPECT_EQ(*read->status.find<std::int64_t>("duration"), -3);
    EXPECT_EQ(*read->status.find<Dictionary::Time>("startTime"),
              *answer.status.find<Dictionary::Time>("startTime"));
    const auto* parties = read->status.find<std::vector<Dictionary>>("participants");
    ASSERT_NE(parties, nullptr);
    ASSERT_EQ(parties->size(), 2U);
    EXPECT_EQ(*parties->front().find<std::string>("address"), "tel:+15550001");
    EXPECT_TRUE(parties->front().find<std::vector<Dictionary>>("mediaInfo")->empty());
}

TEST(TaskQuestions, WhatIsNoneIsRefused) {
    const auto question = tasks::to_json(Question{});
    const auto answer = tasks::to_json(Answer{});
    const auto changed = [](std::string text, const std::string& from, const std::string& to) {
        return text.replace(text.find(from), from.size(), to);
    };
    for (const auto& wrong :
         {std::string(), std::string("[]"), answer, question.substr(1),
          changed(question, "\"what\":0", "\"what\":3"), changed(question, "\"what\":0", "\"what\":-1"),
          changed(question, "\"events\":[]", "\"events\":[1]")}) {
        EXPECT_FALSE(tasks::question_from_json(wrong)) << wrong;
    }
    for (const auto& wrong : {std::string(), question, changed(answer, "\"state\":0", "\"state\":4"),
                              changed(answer, "\"outcome\":0", "\"outcome\":10"),
                              changed(answer, "\"status\":{}", "\"status\":{\"a\":null}")}) {
        EXPECT_FALSE(tasks::answer_from_json(wrong)) << wrong;
    }
}

}  // namespace
