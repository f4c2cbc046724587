// How many postings a lane's batch waits for, and how long.
#include "ledger/gathering.hpp"

#include <gtest/gtest.h>

namespace {

using Clock = ledger::Gathering::Clock;
using std::chrono::milliseconds;

const Clock::time_point start{std::chrono::hours(1)};

TEST(Gathering, TheFirstBatchWaitsForNobody) {
    const ledger::Gathering gathering(48, milliseconds(5));
    EXPECT_EQ(gathering.wanted(), 1U);
    EXPECT_LT(gathering.until(), start);
}

TEST(Gathering, WaitsForThoseThatHaveTheirAnswerHalfAsLongAsThatTook) {
    ledger::Gathering gathering(48, milliseconds(5));
    gathering.answered(4, start, start + milliseconds(2));
    EXPECT_EQ(gathering.wanted(), 4U);
    EXPECT_EQ(gathering.until(), start + milliseconds(3));
    gathering.answered(1, start, start + milliseconds(1));
    EXPECT_EQ(gathering.wanted(), 1U);
}

TEST(Gathering, WaitsForNoMoreThanAFill) {
    ledger::Gathering gathering(48, milliseconds(5));
    gathering.answered(256, start, start + milliseconds(2));
    EXPECT_EQ(gathering.wanted(), 48U);
}

TEST(Gathering, ADatabaseThatWasAwayKeepsNobodyWaiting) {
    ledger::Gathering gathering(48, milliseconds(5));
    gathering.answered(4, start, start + std::chrono::seconds(10));
    EXPECT_EQ(gathering.until(), start + std::chrono::seconds(10) + milliseconds(5));
}

}  // namespace
