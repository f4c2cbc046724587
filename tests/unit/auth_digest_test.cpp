// Nonces of HTTP Digest and SIP: each count once, and room for whoever comes.
#include "frontend/auth/digest.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using auth::DigestNonces;
using enum DigestNonces::Verdict;

TEST(DigestNonces, TakeEachCountOnceWhileTheyAreYoung) {
    DigestNonces nonces({.lifetime = 5min, .limit = 3});
    const DigestNonces::Clock::time_point now{1h};
    const auto nonce = nonces.make(now);
    EXPECT_EQ(nonces.use(nonce, "00000002", now), fresh);
    EXPECT_EQ(nonces.use(nonce, "00000001", now), fresh);
    EXPECT_EQ(nonces.use(nonce, "00000002", now), replayed);
    EXPECT_EQ(nonces.use(nonce, "00000003", now + 5min), stale);
    EXPECT_EQ(nonces.use(DigestNonces({}).make(now), "00000001", now), stale);
}

TEST(DigestNonces, LetTheOldestGiveWayAndNeverBack) {
    DigestNonces nonces({.lifetime = 5min, .limit = 3});
    DigestNonces::Clock::time_point now{1h};
    const auto unused = nonces.make(now);
    std::vector<std::string> made;
    for (int i = 0; i < 5; ++i) {
        now += 1ms;
        made.push_back(nonces.make(now));
        EXPECT_EQ(nonces.use(made.back(), "00000001", now), fresh) << i;
    }
    EXPECT_EQ(nonces.use(unused, "00000001", now), stale);
    for (const std::size_t gone : {0U, 1U}) EXPECT_EQ(nonces.use(made[gone], "00000001", now), stale) << gone;
    EXPECT_EQ(nonces.use(made[4], "00000001", now), replayed);
    EXPECT_EQ(nonces.use(made[4], "00000002", now), fresh);
}

}  // namespace
