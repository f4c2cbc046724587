// base::Decimal: the lexical forms of xsd:decimal, exactly.
#include "base/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using base::Decimal;

TEST(Decimal, reads_every_form_of_xsd_decimal) {
    const auto text_of = [](std::string_view text) { return Decimal::parse(text).value().text(); };
    EXPECT_EQ(text_of("1.5"), "1.5");
    EXPECT_EQ(text_of("1.50"), "1.5");
    EXPECT_EQ(text_of(".5"), "0.5");
    EXPECT_EQ(text_of("5."), "5");
    EXPECT_EQ(text_of("+5"), "5");
    EXPECT_EQ(text_of("-0.10"), "-0.1");
    EXPECT_EQ(text_of("007"), "7");
    EXPECT_EQ(text_of("0"), "0");
    EXPECT_EQ(text_of("-0.00"), "0");
    EXPECT_EQ(text_of("0.000000000000000001"), "0.000000000000000001");
}

TEST(Decimal, refuses_what_is_no_xsd_decimal) {
    for (const auto* text : {"", ".", "+", "-", "-.", "1e3", "1,5", " 1", "1 ", "1.2.3", "--1", "+-1", "NaN",
                             "INF", "0x10", "1\n", "\xEF\xBC\x91"}) {
        EXPECT_FALSE(Decimal::parse(text)) << '"' << text << '"';
    }
}

TEST(Decimal, equal_numbers_are_equal) {
    EXPECT_EQ(Decimal::parse("1.5"), Decimal::parse("+01.500"));
    EXPECT_EQ(Decimal::parse("0"), Decimal::parse("-0.0"));
    EXPECT_NE(Decimal::parse("1.5"), Decimal::parse("-1.5"));
    EXPECT_EQ(Decimal::of_minor(150, 2), Decimal::parse("1.5"));
    EXPECT_EQ(Decimal::of_minor(0, 2), Decimal::parse("0"));
    EXPECT_EQ(Decimal::of_minor(-1000, 0), Decimal::parse("-1000"));
}

TEST(Decimal, holds_every_64_bit_number_and_marks_the_rest) {
    EXPECT_EQ(Decimal::parse("9223372036854775807").value().unscaled,
              std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(Decimal::parse("-9223372036854775808").value().unscaled,
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(Decimal::parse("-9223372036854775808").value().text(), "-9223372036854775808");
    EXPECT_FALSE(Decimal::parse("9223372036854775807").value().overflow);
    for (const auto* text : {"9223372036854775808", "92233720368547758.080000000000000001",
                             "100000000000000000000000000000000000000"}) {
        EXPECT_TRUE(Decimal::parse(text).value().overflow) << text;
        EXPECT_EQ(Decimal::parse(text).value().unscaled, 1) << text;
    }
    EXPECT_TRUE(Decimal::parse("-9223372036854775809").value().overflow);
    EXPECT_EQ(Decimal::parse("-9223372036854775809").value().unscaled, -1);
    // Zeros that mean nothing are no reason to overflow.
    EXPECT_EQ(Decimal::parse("1." + std::string(40000, '0')).value().text(), "1");
    EXPECT_EQ(Decimal::parse(std::string(40000, '0') + "1").value().text(), "1");
    EXPECT_TRUE(Decimal::parse("0." + std::string(40000, '0') + "1").value().overflow);
    // Minor units of a number that has as many decimals as there can be.
    EXPECT_EQ(Decimal::of_minor(7, 32'767).scale, 32'767);
    for (const auto minor : {7, -7}) {
        const auto tiny = Decimal::of_minor(minor, 32'769);
        EXPECT_TRUE(tiny.overflow) << minor;
        EXPECT_EQ(tiny.unscaled < 0, minor < 0);
    }
    EXPECT_EQ(Decimal::of_minor(0, 32'769), Decimal{});
}

TEST(Decimal, shows_money_with_its_decimals) {
    EXPECT_EQ(Decimal::of_minor(150, 2).text(2), "1.50");
    EXPECT_EQ(Decimal::of_minor(5, 2).text(2), "0.05");
    EXPECT_EQ(Decimal::of_minor(-5, 3).text(3), "-0.005");
    EXPECT_EQ(Decimal::of_minor(10000, 2).text(2), "100.00");
    EXPECT_EQ(Decimal::of_minor(10000, 2).text(), "100");
    EXPECT_EQ(Decimal::parse("1.234").value().text(2), "1.234");
}

}  // namespace
