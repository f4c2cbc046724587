// Who is slowed down for guessing, and who is not.
#include "frontend/auth/throttle.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace std::chrono_literals;
using auth::Throttle;

class Throttled : public testing::Test {
  protected:
    void guess(std::string_view login, std::string_view from, int times) {
        for (int i = 0; i < times; ++i) throttle.failed(login, from, now);
    }
    bool allows(std::string_view login, std::string_view from) { return throttle.allows(login, from, now); }

    Throttle throttle{{.per_login = 3, .per_address = 5, .window = 1min, .works_for = 5min}};
    Throttle::Clock::time_point now{};
};

TEST_F(Throttled, NewTriesOfALoginAndFromAnAddressUntilTheWindowEnds) {
    guess("shop", "192.0.2.1", 3);
    EXPECT_FALSE(allows("shop", "198.51.100.1"));
    EXPECT_TRUE(allows("other", "192.0.2.1"));
    guess("nobody", "192.0.2.1", 2);
    EXPECT_FALSE(allows("other", "192.0.2.1"));
    EXPECT_TRUE(allows("other", "198.51.100.1"));
    EXPECT_GT(throttle.refused_for("192.0.2.1", now), 0s);
    now += 1min;
    EXPECT_TRUE(allows("shop", "192.0.2.1"));
}

TEST_F(Throttled, AllOfOnesIpv6Addresses) {
    for (int host = 0; host < 5; ++host) guess("nobody", "2001:db8:0:1::" + std::to_string(host), 1);
    EXPECT_FALSE(allows("other", "2001:db8:0:1:ffff::9"));
    EXPECT_GT(throttle.refused_for("2001:db8:0:1:ffff::9", now), 0s);
    EXPECT_TRUE(allows("other", "2001:db8:0:2::1"));
    throttle.worked("shop", "2001:db8:0:1::7", now);
    EXPECT_TRUE(allows("shop", "2001:db8:0:1::8"));
    guess("nobody", "::ffff:192.0.2.1", 5);
    EXPECT_TRUE(allows("other", "::ffff:192.0.2.2"));
}

TEST_F(Throttled, LoginsThatAreTooLongToBeAnybodysCountAsOne) {
    const std::string made_up(60'000, 'x');
    guess(made_up + "1", "192.0.2.1", 3);
    EXPECT_FALSE(allows(made_up + "2", "198.51.100.1"));
    EXPECT_TRUE(allows(made_up.substr(0, 500), "198.51.100.1"));
}

TEST_F(Throttled, NotWhoWorksWhereverOthersGuess) {
    throttle.worked("shop", "198.51.100.1", now);
    guess("shop", "192.0.2.1", 1000);
    EXPECT_FALSE(allows("shop", "192.0.2.1"));
    EXPECT_TRUE(allows("shop", "198.51.100.1"));
    EXPECT_FALSE(allows("shop", "198.51.100.2"));
    guess("nobody", "198.51.100.1", 5);
    EXPECT_TRUE(allows("shop", "198.51.100.1"));
    EXPECT_FALSE(allows("other", "198.51.100.1"));
    // Not for ever without having been right again.
    now += 4min;
    throttle.worked("shop", "198.51.100.1", now);
    now += 4min;
    guess("shop", "192.0.2.1", 3);
    EXPECT_TRUE(allows("shop", "198.51.100.1"));
    now += 1min;
    guess("shop", "192.0.2.1", 3);
    EXPECT_FALSE(allows("shop", "198.51.100.1"));
}

TEST_F(Throttled, WhoGuessesWhereTheLoginWorks) {
    throttle.worked("shop", "192.0.2.1", now);
    guess("shop", "192.0.2.1", 2);
    throttle.worked("shop", "192.0.2.1", now);
    EXPECT_TRUE(allows("shop", "192.0.2.1"));
    guess("shop", "192.0.2.1", 1);
    EXPECT_FALSE(allows("shop", "192.0.2.1"));
    throttle.worked("shop", "192.0.2.1", now);  // another request, which was let in before
    EXPECT_FALSE(allows("shop", "192.0.2.1"));
    now += 1min;
    EXPECT_TRUE(allows("shop", "192.0.2.1"));
}

}  // namespace
