// Addresses as integrators send them.
#include "ledger/address.hpp"

#include <gtest/gtest.h>

namespace {

using ledger::normal_address;
using ledger::readings_of;
using Readings = std::vector<std::string>;

TEST(address, has_one_spelling) {
    EXPECT_EQ(normal_address(" TEL:+1 (555) 000-1 "), "tel:+15550001");
    EXPECT_EQ(normal_address("+1.555.0001"), "tel:+15550001");
    EXPECT_EQ(normal_address("SIP:Alice@Example.COM"), "sip:Alice@example.com");
    EXPECT_EQ(normal_address("tel:+1-555;EXT=1-2"), "tel:+1555;ext=1-2");
    EXPECT_EQ(normal_address("+1-555;EXT=1-2"), "tel:+1555;ext=1-2");
}

TEST(address, that_is_complete_means_itself) {
    const ledger::NumberingPlan germany{"49", "0"};
    EXPECT_EQ(readings_of("tel:+1-555-0001", germany), Readings{"tel:+15550001"});
    EXPECT_EQ(readings_of("sip:15550001@example.com", germany), Readings{"sip:15550001@example.com"});
    EXPECT_EQ(readings_of("", germany), Readings{""});
    EXPECT_EQ(readings_of("tel:555x", germany), Readings{"tel:555x"});
    EXPECT_EQ(readings_of("tel:1;phone-context=example.com", germany),
              Readings{"tel:1;phone-context=example.com"});
}

TEST(address, is_what_stands_before_ports_parameters_and_headers_unless_these_are_known) {
    const ledger::NumberingPlan none{};
    for (const auto* text :
         {"sip:alice@example.com:5060", "sip:alice@EXAMPLE.com;transport=udp",
          "SIP:alice@example.com:5060;user=phone?subject=x", "sip:alice@example.com?a=b:c"}) {
        EXPECT_EQ(readings_of(text, none), (Readings{normal_address(text), "sip:alice@example.com"})) << text;
    }
    EXPECT_EQ(readings_of("sips:a;b=1@[2001:db8::1]:5061", none),
              (Readings{"sips:a;b=1@[2001:db8::1]:5061", "sips:a;b=1@[2001:db8::1]"}));
    EXPECT_EQ(readings_of("sip:a@[2001:db8::1]", none), Readings{"sip:a@[2001:db8::1]"});
    EXPECT_EQ(readings_of("sip:example.com:5060", none), Readings{"sip:example.com:5060"});
    EXPECT_EQ(readings_of("+1-555-0001;ext=12", none), (Readings{"tel:+15550001;ext=12", "tel:+15550001"}));
}

TEST(address, that_is_a_number_without_plus_is_completed) {
    const ledger::NumberingPlan germany{"49", "0"}, none{}, north_america{"1", ""};
    EXPECT_EQ(readings_of("15550001", none), (Readings{"tel:+15550001", "15550001"}));
    EXPECT_EQ(readings_of("tel:030 12-34", germany), (Readings{"tel:+49301234", "tel:0301234"}));
    EXPECT_EQ(readings_of("0049 30 1234", germany), (Readings{"tel:+49301234", "0049 30 1234"}));
    EXPECT_EQ(readings_of("555-0001", north_america), (Readings{"tel:+15550001", "555-0001"}));
    EXPECT_EQ(readings_of("tel:5550001;Phone-Context=+1", germany).front(), "tel:+15550001");
}

TEST(address, that_begins_like_the_country_has_two_meanings) {
    const ledger::NumberingPlan italy{"39", ""};
    EXPECT_EQ(readings_of("3911234567", italy),
              (Readings{"tel:+3911234567", "tel:+393911234567", "3911234567"}));
}

}  // namespace
