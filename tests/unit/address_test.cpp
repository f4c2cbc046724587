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
