// The dial plan, and destinations by prefix.
#include "telephony/calls/destinations.hpp"

#include "telephony/calls/local_domain.hpp"

#include <gtest/gtest.h>

namespace {

using calls::DialPlan;
using Kind = calls::DialPlan::Kind;

DialPlan german(bool route_short = false, bool route_emergency = false) {
    DialPlan::Options options;
    options.numbers = {"49", "0"};
    options.emergency = {"112", "110"};
    options.route_short = route_short;
    options.route_emergency = route_emergency;
    return DialPlan(options);
}

TEST(DialPlan, NumbersAreCompleted) {
    const auto plan = german();
    const std::vector<std::pair<std::string, std::string>> dialled{
        {"tel:+49 30 123-456", "tel:+4930123456"}, {"+4930123456", "tel:+4930123456"},
        {"tel:004930123456", "tel:+4930123456"},   {"tel:030123456", "tel:+4930123456"},
        {"tel:0015551234", "tel:+15551234"},       {"tel:123456;phone-context=+4930", "tel:+4930123456"},
        {"tel:3012345678", "tel:+493012345678"},   {"TEL:+1-555-0001", "tel:+15550001"},
    };
    for (const auto& [text, address] : dialled) {
        EXPECT_EQ(plan.callable(text), address) << text;
        EXPECT_EQ(plan.kind_of(address), Kind::ordinary) << address;
    }
    // Without a country, numbers are complete but for the plus.
    EXPECT_EQ(DialPlan({}).callable("tel:4930123456"), "tel:+4930123456");
    EXPECT_EQ(DialPlan({}).callable("tel:004930123456"), "tel:+4930123456");
}

TEST(DialPlan, ShortAndEmergencyNumbersGoTheirOwnWay) {
    for (const auto* number : {"tel:11833", "tel:*100#", "tel:123456", "tel:*", "tel:0800*1234567"}) {
        const auto address = german().callable(number);
        EXPECT_EQ(address, number);
        EXPECT_EQ(german().kind_of(*address), Kind::barred) << number;
        EXPECT_EQ(german(true).kind_of(*address), Kind::routed) << number;
        EXPECT_EQ(german(false, true).kind_of(*address), Kind::barred) << number;
    }
    // Also in disguise.
    for (const auto* number :
         {"tel:112", "tel:1-1-2", "tel:+49112", "tel:0049112", "tel:110", "tel:112;phone-context=+49"}) {
        const auto address = german().callable(number);
        ASSERT_TRUE(address) << number;
        EXPECT_EQ(german(true).kind_of(*address), Kind::barred) << number;
        EXPECT_EQ(german(false, true).kind_of(*address), Kind::routed) << number;
    }
    EXPECT_EQ(german().kind_of("tel:+1112"), Kind::ordinary);
    EXPECT_EQ(german().kind_of("sip:112@example.com"), Kind::ordinary);
}

TEST(DialPlan, WhatIsNoAddressCanNotBeCalled) {
    for (const auto* text :
         {"", "tel:", "tel:+", "tel:abc", "tel:+49*30", "tel:+49a", "mailto:a@b",
          "sip:", "sip:a@127.0.0.1>\r\nX: y", "sip:a@b?Subject=x", "sips:a@b",
          "tel:123456789;phone-context=example.com", "tel:+4930;ext=5", "tel:+0049900123", "+0 49900123"}) {
        EXPECT_FALSE(german().callable(text)) << text;
    }
}

TEST(DialPlan, ACallerIsTheSameWhateverStandsBehindTheAddress) {
    const std::vector<std::pair<std::string, std::string>> callers{
        {"tel:+4930123456;cpc=ordinary", "tel:+4930123456"},
        {"tel:+49-30-123456;npdi;rn=+4930", "tel:+4930123456"},
        {"tel:+4930123456", "tel:+4930123456"},
        {"tel:030123456;phone-context=example.com", ""},
        {"sip:a@b;maddr=127.0.0.1", "sip:a@b"},
        {"sip:a@127.0.0.1>", ""},
    };
    for (const auto& [text, address] : callers)
        EXPECT_EQ(german().caller(text).value_or(""), address) << text;
}

TEST(DialPlan, APeerMayMeanANumberByAUri) {
    const std::vector<std::pair<std::string, std::string>> callers{
        {"sip:030123456@gateway.example", "tel:+4930123456"},
        {"sip:004930123456@gateway.example", "tel:+4930123456"},
        {"sip:4930123456@gateway.example:5070", "tel:+4930123456"},
        {"sip:+4930123456@gateway.example", "tel:+4930123456"},
        {"sip:+49-30-(123456)@gateway.example", "tel:+4930123456"},
        {"sip:1001@pbx.example", ""},
        {"sip:bob@pbx.example", ""},
        {"tel:030123456", ""},
    };
    for (const auto& [text, number] : callers)
        EXPECT_EQ(german().number_at_a_peer(text).value_or(""), number) << text;
}

TEST(DialPlan, ASipUriHasOneHostAndAPortThatThereCanBe) {
    for (const auto* text :
         {"sip:a@127.0.0.1", "sip:a@127.0.0.1:5060", "sip:a@[::1]:65535;transport=tcp", "sip:example.com",
          "sip:a%40b@example.com:1", "sip:a;x=1@example.com", "sip:a@example.com;lr;x=%20maddr;maddrs=1"})
        EXPECT_EQ(german().callable(text), text);
    for (const auto* text :
         {"sip:a@127.0.0.1:99999", "sip:a@127.0.0.1:0", "sip:a@127.0.0.1:", "sip:a@127.0.0.1:5060x",
          "sip:@127.0.0.1", "sip:a@outside.example;x=@127.0.0.1", "sip:outside.example#@127.0.0.1",
          "sip:a@[::1", "sip:a@[]", "sip:a@", "sip:a@b/c", "sip:a@b,c", "sip:a@::1",
          "sip:%70remium@example.com", "sip:%31900@example.com",
          // It would be sent there.
          "sip:a@b;maddr=127.0.0.1", "sip:a@b:5060;lr;MADDR=127.0.0.1", "sip:b;maddr=127.0.0.1",
          "sip:a@b;%6daddr=127.0.0.1"}) {
        EXPECT_FALSE(german().callable(text)) << text;
    }
}

TEST(LocalDomain, AHostIsTheSameHoweverItIsSpelled) {
    calls::LocalDomain local;
    local.hosts = {"here.example"};
    local.port = 5070;
    for (const auto* text : {"sip:a@here.example:5070", "sip:a@HERE.Example:5070;transport=tcp",
                             "sip:here.example.:5070", "sip:a@here.example", "sip:here.example;lr"})
        EXPECT_TRUE(local.is_ours(text)) << text;
    for (const auto* text : {"sip:a@here.example:5060", "sip:a@there.example:5070", "tel:+49", "sip:", ""})
        EXPECT_FALSE(local.is_ours(text)) << text;
}

TEST(Destinations, OnlyThisMachineIsOnLoopback) {
    const calls::Destinations demo({}, {}, true);
    for (const auto* text :
         {"sip:a@127.0.0.1:5062", "sip:a@127.1.2.3", "sip:a@localhost", "sip:a@[::1]:5060"})
        EXPECT_TRUE(demo.allowed(text)) << text;
    for (const auto* text :
         {"sip:a@127.outside.example", "sip:a@localhost.outside.example", "sip:a@10.0.0.1"})
        EXPECT_FALSE(demo.allowed(text)) << text;
}

TEST(Destinations, DenyWinsOverAllow) {
    const calls::Destinations some("tel:+49, sip:", "tel:+49900 sip:premium@", false);
    EXPECT_TRUE(some.allowed("tel:+4930"));
    EXPECT_FALSE(some.allowed("tel:+49900123"));
    EXPECT_TRUE(some.denied("tel:+49900123"));
    EXPECT_TRUE(some.allowed("sip:a@example.com"));
    EXPECT_FALSE(some.allowed("sip:premium@example.com"));
    EXPECT_FALSE(some.allowed("tel:+1555"));
    EXPECT_FALSE(some.denied("tel:+1555"));
}

TEST(Destinations, NumbersAtTheGatewayAreNoSipAddresses) {
    const calls::Destinations usual("sip:", "", false, "GW.example.com");
    for (const auto* text :
         {"sip:+1900@gw.example.com", "sip:+1900@gw.example.com:5062", "sip:gw.example.com",
          "sip:+1900@gw.example.com.", "sip:1900;phone-context=+1@gw.example.com",
          "sip:%2B1900@gw.example.com;transport=tcp"}) {
        EXPECT_TRUE(usual.at_gateway(text)) << text;
        EXPECT_TRUE(usual.denied(text)) << text;
        EXPECT_FALSE(usual.allowed(text)) << text;
    }
    EXPECT_TRUE(usual.at_gateway("sip:alice@gw.example.com"));
    EXPECT_TRUE(usual.allowed("sip:alice@gw.example.com"));
    EXPECT_TRUE(usual.allowed("sip:+1900@example.com"));
    EXPECT_FALSE(usual.at_gateway("tel:+1900"));
    const calls::Destinations with_port("sip:", "", false, "10.0.0.1:5060");
    for (const auto* text : {"sip:+1900@10.0.0.1", "sip:+1900@10.0.0.1:5060", "sip:+1900@10.0.0.1:05060"})
        EXPECT_TRUE(with_port.at_gateway(text)) << text;
    EXPECT_FALSE(with_port.at_gateway("sip:+1900@10.0.0.1:5061"));
    EXPECT_FALSE(with_port.at_gateway("sip:+1900@10.0.0.10"));
    const calls::Destinations unusual("sip:", "", false, "gw.example.com:5070");
    EXPECT_TRUE(unusual.at_gateway("sip:+1900@gw.example.com")) << "DNS may name the port";
    const calls::Destinations none("sip:", "", false);
    EXPECT_FALSE(none.at_gateway("sip:+1900@10.0.0.1"));
}

}  // namespace
