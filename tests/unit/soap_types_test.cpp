// The built-in simple types: lexical forms in, canonical forms out.
#include "frontend/soap/message.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace {

template <class T>
std::optional<T> parse(const soap::Type& type, std::string_view text) {
    T value{};
    if (!type.parse(type, &value, text)) return std::nullopt;
    return value;
}

template <class T>
std::string print(const soap::Type& type, const T& value) {
    std::string out;
    type.print(type, &value, out);
    return out;
}

/// What a dateTime reads as, printed again; empty when it is refused.
std::string date_time(std::string_view text) {
    const auto value = parse<soap::TimePoint>(soap::xsd::date_time, text);
    return value ? print(soap::xsd::date_time, *value) : "";
}

TEST(SoapTypes, IntHas32Bits) {
    using soap::xsd::int_;
    EXPECT_EQ(parse<std::int32_t>(int_, "2147483647"), 2147483647);
    EXPECT_EQ(parse<std::int32_t>(int_, "-2147483648"), INT32_MIN);
    EXPECT_EQ(parse<std::int32_t>(int_, "+007"), 7);
    for (const char* bad :
         {"2147483648", "-2147483649", "", "+", "-", "+-1", "--1", "1.0", "1e3", "0x1", "1 ", " 1"})
        EXPECT_FALSE(parse<std::int32_t>(int_, bad)) << bad;
    EXPECT_EQ(print(int_, std::int32_t{-5}), "-5");
}

TEST(SoapTypes, LongHas64Bits) {
    using soap::xsd::long_;
    EXPECT_EQ(parse<std::int64_t>(long_, "9223372036854775807"), INT64_MAX);
    EXPECT_EQ(parse<std::int64_t>(long_, "-9223372036854775808"), INT64_MIN);
    EXPECT_FALSE(parse<std::int64_t>(long_, "9223372036854775808"));
    EXPECT_EQ(print(long_, INT64_MIN), "-9223372036854775808");
}

TEST(SoapTypes, BooleanHasFourForms) {
    using soap::xsd::boolean;
    EXPECT_EQ(parse<bool>(boolean, "true"), true);
    EXPECT_EQ(parse<bool>(boolean, "1"), true);
    EXPECT_EQ(parse<bool>(boolean, "false"), false);
    EXPECT_EQ(parse<bool>(boolean, "0"), false);
    for (const char* bad : {"", "True", "yes", "2", "00"}) EXPECT_FALSE(parse<bool>(boolean, bad)) << bad;
    EXPECT_EQ(print(boolean, true), "true");
    EXPECT_EQ(print(boolean, false), "false");
}

TEST(SoapTypes, DecimalIsExact) {
    using soap::xsd::decimal;
    EXPECT_EQ(parse<base::Decimal>(decimal, "1.50"), (base::Decimal{15, 1}));
    EXPECT_EQ(print(decimal, base::Decimal{15, 1}), "1.5");
    EXPECT_FALSE(parse<base::Decimal>(decimal, "1e3"));
    EXPECT_FALSE(parse<base::Decimal>(decimal, ""));
}

TEST(SoapTypes, DateTimeIsUtcInside) {
    EXPECT_EQ(date_time("2026-11-24T10:00:00Z"), "2026-11-24T10:00:00Z");
    EXPECT_EQ(date_time("2026-11-24T10:00:00"), "2026-11-24T10:00:00Z") << "no zone: UTC";
    EXPECT_EQ(date_time("2026-11-24T10:00:00+01:00"), "2026-11-24T09:00:00Z");
    EXPECT_EQ(date_time("2026-11-24T23:30:00-05:30"), "2026-11-25T05:00:00Z");
    EXPECT_EQ(date_time("2026-11-24T10:00:00.5Z"), "2026-11-24T10:00:00.5Z");
    EXPECT_EQ(date_time("2026-11-24T10:00:00.1234567Z"), "2026-11-24T10:00:00.123456Z")
        << "to the microsecond";
    EXPECT_EQ(date_time("2026-11-24T10:00:00.000Z"), "2026-11-24T10:00:00Z");
    EXPECT_EQ(date_time("2026-12-31T24:00:00Z"), "2027-01-01T00:00:00Z");
    EXPECT_EQ(date_time("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(date_time("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
    EXPECT_EQ(date_time("1969-12-31T23:59:59.25Z"), "1969-12-31T23:59:59.25Z") << "before the epoch";
    EXPECT_EQ(date_time("2026-11-24T10:00:00+14:00"), "2026-11-23T20:00:00Z");
}

TEST(SoapTypes, WhatIsNoDateTime) {
    for (const char* bad : {"",
                            "2026-11-24",
                            "2026-11-24 10:00:00",
                            "2026-11-24T10:00",
                            "2026-13-01T00:00:00Z",
                            "2026-02-29T00:00:00Z",
                            "2026-11-24T25:00:00Z",
                            "2026-11-24T24:00:01Z",
                            "2026-11-24T10:60:00Z",
                            "2026-11-24T10:00:60Z",
                            "2026-11-24T10:00:00.Z",
                            "2026-11-24T10:00:00z",
                            "2026-11-24T10:00:00+1:00",
                            "2026-11-24T10:00:00+15:00",
                            "2026-11-24T10:00:00+14:01",
                            "2026-11-24T10:00:00+01:60",
                            "2026-11-24T10:00:00ZZ",
                            "26-11-24T10:00:00Z",
                            "0000-01-01T00:00:00Z",
                            "-2026-11-24T10:00:00Z",
                            "20260-11-24T10:00:00Z"})
        EXPECT_EQ(date_time(bad), "") << bad;
}

TEST(SoapTypes, MessageKnowsItsType) {
    auto message = soap::Message::of(soap::Empty{});
    EXPECT_TRUE(message.is<soap::Empty>());
    EXPECT_FALSE(message.is<std::string>());
    EXPECT_THROW((void)message.as<int>(), std::logic_error);
    const soap::Message moved = std::move(message);
    EXPECT_TRUE(moved.is<soap::Empty>());
    EXPECT_FALSE(soap::Message().is<soap::Empty>());
}

}  // namespace
