// The directory of tasks: limits, the linger after the end, and tasks that fail. Another application than the
// one for calls shows that it needs no more than a factory.
#include "telephony/tasks/directory.hpp"

#include "telephony/calls/call_id.hpp"
#include "telephony/calls/waiting_signals.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tasks::Answer;
using tasks::Directory;
using tasks::Limit;
using tasks::Outcome;
using tasks::Question;

/// Keeps what it is told, and fails where it is told so.
class Diary final : public tasks::Task {
  public:
    Diary(std::vector<std::string>& lines, std::function<void()> ended)
        : lines_(lines), ended_(std::move(ended)) {}

    void start() override { lines_.emplace_back("start"); }
    Outcome on(const tasks::TaskEvent& event) override {
        lines_.push_back(event.name);
        if (event.name == "endCall") ended_();
        return event.name == "refused" ? Outcome::unknown_event : Outcome::done;
    }
    void on_call(const calls::Event& event) override {
        if (std::holds_alternative<calls::event::End>(event)) throw std::runtime_error("a bug");
        lines_.emplace_back("event");
    }
    void on_signal(calls::Signal signal) override { lines_.push_back(signal.text); }
    [[nodiscard]] tasks::Dictionary status() const override { return {}; }
    [[nodiscard]] std::vector<std::string> parties() const override {
        return {"sip:a@x", "sip:b@x", "sip:c@x"};
    }
    [[nodiscard]] std::string trace() const override { return "diary"; }

  private:
    std::vector<std::string>& lines_;
    std::function<void()> ended_;
};

class DirectoryTest : public testing::Test {
  protected:
    std::string start(const std::string& login, std::vector<std::string>& lines) {
        return directory.start({login, "x"}, [&](const tasks::TaskContext& given) {
            last = given.number;
            return std::make_unique<Diary>(lines, given.ended);
        });
    }
    static tasks::DirectoryOptions options() {
        tasks::DirectoryOptions result;
        result.linger = 20ms;
        result.tasks_max = 3;
        result.tasks_per_owner = 2;
        result.starts_per_second = 1'000;
        return result;
    }

    boost::asio::io_context context{1};
    Directory directory{options(), context.get_executor(), base::Logger(base::LogOptions())};
    std::vector<std::string> one, other;
    std::uint64_t last = 0;
};

TEST_F(DirectoryTest, ATaskThatFailsEndsAndTheOthersDoNotNotice) {
    const auto failing = start("a", one);
    const auto number = last;
    start("b", other);
    directory.on_call(number, calls::event::End{});
    directory.on_call(last, calls::event::Start{});
    boost::asio::post(context, [this] { directory.on_signal(last, {0, {}, true, "INVITE"}); });
    context.run_for(10ms);
    EXPECT_EQ(one, (std::vector<std::string>{"start", "endCall"}));
    EXPECT_EQ(other, (std::vector<std::string>{"start", "event", "INVITE"}));
    EXPECT_EQ(directory.running(), 1U);
    EXPECT_NE(directory.find(failing), nullptr);
}

TEST(WaitingSignals, AreTakenInTheirOrderAndCalledForWhenTheyAreMany) {
    calls::WaitingSignals waiting(2);
    EXPECT_FALSE(waiting.any());
    EXPECT_FALSE(waiting.add(1, {0, {}, true, "INVITE"}));
    EXPECT_TRUE(waiting.any());
    EXPECT_TRUE(waiting.add(2, {1, {}, false, "100"}));
    EXPECT_FALSE(waiting.add(1, {0, {}, false, "180"}));
    const auto batch = waiting.take();
    ASSERT_EQ(batch.size(), 3U);
    EXPECT_EQ(batch[1].first, 2U);
    EXPECT_EQ(batch[2].second.text, "180");
    EXPECT_FALSE(waiting.any());
    EXPECT_TRUE(waiting.take().empty());
}

TEST_F(DirectoryTest, WhatHasEndedIsKnownForAWhile) {
    const auto id = start("a", one);
    EXPECT_EQ(directory.tell_all("a", {"endCall", {}}), 1U);
    EXPECT_EQ(directory.tell_all("a", {"endCall", {}}), 0U);
    EXPECT_NE(directory.find(id), nullptr);
    EXPECT_TRUE(directory.owners().empty());
    context.run();
    EXPECT_EQ(directory.find(id), nullptr);
    EXPECT_EQ(directory.answer({.reader = {"a", "x"}, .id = id}).state, Answer::State::unknown);
}

TEST_F(DirectoryTest, IdentifiersCannotBeGuessed) {
    const auto first = start("a", one), second = start("a", one);
    EXPECT_EQ(calls::run_of(first), options().run);
    EXPECT_EQ(first.size(), calls::run_digits + 1 + 32);  // 128 bits
    EXPECT_NE(first, second);
    for (const auto* none : {"", "-", "000000000000", "00000000000-0", "00000000000x-0", "00000000000A-0"})
        EXPECT_EQ(calls::run_of(none), "") << none;
}

TEST_F(DirectoryTest, AnswersWhoMaySeeATask) {
    const auto id = start("a", one);
    Question question{.what = Question::What::events, .reader = {"b", "x"}, .id = id};
    question.events = {{"first", {}}, {"second", {}}};
    EXPECT_EQ(directory.answer(question).state, Answer::State::unknown);
    question.reader = {"c", "y", true};
    EXPECT_EQ(directory.answer(question).state, Answer::State::unknown);
    EXPECT_EQ(one, (std::vector<std::string>{"start"}));
    question.reader = {"a", "x"};
    EXPECT_EQ(directory.answer(question).state, Answer::State::known);
    question.reader = {"c", "x", true};
    question.events = {{"refused", {}}, {"third", {}}};
    EXPECT_EQ(directory.answer(question).outcome, Outcome::unknown_event);
    EXPECT_EQ(one, (std::vector<std::string>{"start", "first", "second", "refused"}));
    question.what = Question::What::trace;
    question.events.clear();
    EXPECT_EQ(directory.answer(question).trace, "diary");
}

TEST_F(DirectoryTest, LimitsOfOneOwnerAndOfAll) {
    start("a", one);
    EXPECT_EQ(directory.limit("a", {}), std::nullopt);
    start("a", one);
    EXPECT_EQ(directory.limit("a", {}), Limit::owner);
    EXPECT_EQ(directory.limit("a", {.at_once = 5}), std::nullopt);
    EXPECT_EQ(directory.limit("b", {.at_once = 0}), Limit::owner);
    start("b", one);
    EXPECT_EQ(directory.limit("c", {}), Limit::total);
    directory.tell_all("b", {"endCall", {}});
    EXPECT_EQ(directory.limit("c", {}), std::nullopt);
}

TEST(DirectoryRate, StartsOfOneSecond) {
    boost::asio::io_context context{1};
    tasks::DirectoryOptions options;
    options.starts_per_second = 2;
    Directory directory(options, context.get_executor(), base::Logger(base::LogOptions()));
    const tasks::OwnerLimits own{.per_second = 1};
    EXPECT_EQ(directory.limit("a", own), std::nullopt);
    EXPECT_EQ(directory.limit("a", own), Limit::owner);
    EXPECT_EQ(directory.limit("b", {}), std::nullopt);
    EXPECT_EQ(directory.limit("c", {}), Limit::rate);
    EXPECT_EQ(directory.rate_limit("c", {}), Limit::rate);
    std::this_thread::sleep_for(1'100ms);
    EXPECT_EQ(directory.limit("c", {}), std::nullopt);
    // One more party of a task that runs is called as at a start.
    EXPECT_EQ(directory.rate_limit("a", own), std::nullopt);
    EXPECT_EQ(directory.rate_limit("a", own), Limit::owner);
    EXPECT_EQ(directory.limit("a", own), Limit::owner);
}

TEST_F(DirectoryTest, PartiesAreTakenOutAsLongAsTwoAreLeft) {
    std::vector<std::string> lines;
    start("alice", lines);
    EXPECT_EQ(directory.parties().size(), 3U);
    directory.drop_parties({"sip:d@x"});
    EXPECT_EQ(lines, (std::vector<std::string>{"start"}));
    directory.drop_parties({"sip:b@x", "sip:c@x"});
    EXPECT_EQ(lines, (std::vector<std::string>{"start", "delCallPeer", "endCall"}));
}

}  // namespace
