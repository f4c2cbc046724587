// Limits of access: texts, hours across midnight and the week's end, and what is not understood.
#include "frontend/auth/limits.hpp"

#include <gtest/gtest.h>

namespace {

using auth::AccessLimits;
using auth::parse_hours;
using std::chrono::sys_days;
using namespace std::chrono_literals;

// A Monday.
constexpr sys_days monday = std::chrono::year(2026) / 11 / 23;

AccessLimits open(std::initializer_list<const char*> hours, std::chrono::seconds utc_offset = 0s) {
    AccessLimits limits;
    limits.utc_offset = utc_offset;
    for (const auto* text : hours) limits.add("hours", 0, text);
    return limits;
}

TEST(AccessLimits, HoursHoldFromTheirFirstMinuteToBeforeTheirLast) {
    const auto limits = open({"mon-fri 08:00-18:00"});
    EXPECT_FALSE(limits.admits_time(monday + 7h + 59min + 59s));
    EXPECT_TRUE(limits.admits_time(monday + 8h));
    EXPECT_TRUE(limits.admits_time(monday + 17h + 59min + 59s));
    EXPECT_FALSE(limits.admits_time(monday + 18h));
    EXPECT_TRUE(limits.admits_time(monday + std::chrono::days(4) + 12h));
    EXPECT_FALSE(limits.admits_time(monday + std::chrono::days(5) + 12h));
}

TEST(AccessLimits, HoursReachOverMidnightAndOverTheWeek) {
    const auto limits = open({"sun 22:00-06:00"});
    EXPECT_FALSE(limits.admits_time(monday - 2h - 1min));
    EXPECT_TRUE(limits.admits_time(monday - 2h));
    EXPECT_TRUE(limits.admits_time(monday + 5h + 59min));
    EXPECT_FALSE(limits.admits_time(monday + 6h));
    EXPECT_TRUE(open({"sat-mon 00:00-24:00"}).admits_time(monday + 23h + 59min));
    EXPECT_FALSE(open({"sat-mon 00:00-24:00"}).admits_time(monday + 24h));
}

TEST(AccessLimits, HoursAreLocalAndAlternatives) {
    EXPECT_TRUE(open({"mon 00:00-01:00"}, 2h).admits_time(monday - 2h));
    EXPECT_FALSE(open({"mon 00:00-01:00"}, -2h).admits_time(monday));
    EXPECT_TRUE(open({"tue 10:00-11:00", "Mon 10:00-11:00"}).admits_time(monday + 10h));
}

TEST(AccessLimits, TextsThatAreNoHours) {
    for (const auto* text : {"", "mon", "mon 8:00-18:00", "mon 08:00", "mon 08:00-08:00", "mon 24:00-08:00",
                             "mon 08:60-09:00", "mon 08:00-24:01", "mo 08:00-09:00", "mon-xyz 08:00-09:00",
                             "mon 08:00-09:00 ", "mon  08:00-09:00", "mon 08:00-0900", "mon -8:00-09:00"}) {
        EXPECT_FALSE(parse_hours(text)) << text;
    }
}

TEST(AccessLimits, MethodsAndPrefixes) {
    AccessLimits limits;
    EXPECT_FALSE(limits.any());
    EXPECT_TRUE(limits.admits_method("AmountCharging", "chargeAmount"));
    limits.add("method", 0, "AmountCharging.chargeAmount");
    limits.add("address_prefix", 0, "tel:+49");
    limits.add("address_prefix", 0, "sip:");
    EXPECT_TRUE(limits.any());
    EXPECT_TRUE(limits.admits_method("AmountCharging", "chargeAmount"));
    EXPECT_FALSE(limits.admits_method("AmountCharging", "refundAmount"));
    EXPECT_FALSE(limits.admits_method("AmountCharging.charge", "Amount"));
    EXPECT_TRUE(limits.admits_address("tel:+4912"));
    EXPECT_TRUE(limits.admits_address("sip:alice@example.com"));
    EXPECT_FALSE(limits.admits_address("tel:+1555"));
}

TEST(AccessLimits, OfCallsBoundCallsOnly) {
    AccessLimits limits;
    limits.add("call_allow", 0, "tel:+49");
    limits.add("call_deny", 0, "tel:+49900");
    limits.add("calls_at_once", 2, "");
    limits.add("calls_per_second", 3, "");
    EXPECT_FALSE(limits.any());
    EXPECT_TRUE(limits.admits_address("tel:+1555"));
    EXPECT_EQ(limits.calls.allow, std::vector<std::string>{"tel:+49"});
    EXPECT_EQ(limits.calls.deny, std::vector<std::string>{"tel:+49900"});
    EXPECT_EQ(limits.calls.at_once, 2);
    EXPECT_EQ(limits.calls.per_second, 3);
}

TEST(AccessLimits, WhatIsNotUnderstoodAdmitsNothing) {
    AccessLimits limits;
    limits.add("phase_of_the_moon", 3, "full");
    EXPECT_EQ(limits.requests_per_second, 0);
    EXPECT_EQ(open({"whenever"}).requests_per_second, 0);
}

TEST(AccessLimits, WhatIsNotUnderstoodAdmitsNothingWhateverElseIsSet) {
    AccessLimits before;
    before.add("phase_of_the_moon", 3, "full");
    before.add("requests_per_second", 50, "");
    EXPECT_EQ(before.requests_per_second, 0);
    AccessLimits after;
    after.add("requests_per_second", 50, "");
    EXPECT_EQ(after.requests_per_second, 50);
    after.add("hours", 0, "whenever");
    EXPECT_EQ(after.requests_per_second, 0);
}

}  // namespace
