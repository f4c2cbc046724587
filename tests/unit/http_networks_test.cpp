// Networks as operators write them, and which addresses are public.
#include "frontend/http/networks.hpp"

#include <gtest/gtest.h>

namespace {

using boost::asio::ip::make_address;
using http::Networks;

TEST(Networks, reads_lists) {
    const auto networks = Networks::parse(" 10.0.0.0/8,::1 , 192.0.2.7, 2001:db8::/32");
    ASSERT_TRUE(networks);
    for (const auto* inside : {"10.255.0.1", "::1", "192.0.2.7", "2001:db8:1::5", "::ffff:10.1.2.3"}) {
        EXPECT_TRUE(networks->contains(std::string_view(inside))) << inside;
    }
    for (const auto* outside :
         {"11.0.0.1", "::2", "192.0.2.8", "2001:db9::", "", "no address", "10.0.0.1:80"}) {
        EXPECT_FALSE(networks->contains(std::string_view(outside))) << outside;
    }
    EXPECT_TRUE(Networks::parse("")->empty());
    for (const auto* wrong :
         {"10.0.0.0/33", "x", "10.0.0", "1.2.3.4, y", "::1/129", "10.0.0.0/", "example.com"}) {
        EXPECT_FALSE(Networks::parse(wrong)) << wrong;
    }
}

TEST(Networks, knows_what_is_public) {
    for (const auto* open : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "64:ff9b::808:808"}) {
        EXPECT_TRUE(http::is_public(make_address(open))) << open;
    }
    for (const auto* closed : {"127.0.0.1",
                               "10.1.1.1",
                               "172.16.0.1",
                               "172.31.255.255",
                               "192.168.0.1",
                               "169.254.169.254",
                               "100.64.0.1",
                               "100.100.100.200",
                               "168.63.129.16",
                               "192.0.0.192",
                               "198.18.0.1",
                               "0.0.0.0",
                               "224.0.0.1",
                               "255.255.255.255",
                               "::",
                               "::1",
                               "fe80::1",
                               "fd00::1",
                               "fd00:ec2::254",
                               "ff02::1",
                               "::ffff:10.0.0.1",
                               "::ffff:169.254.169.254",
                               "64:ff9b::a00:1",
                               "64:ff9b:1::808:808",
                               "2001:0:4136:e378::1",
                               "fec0::1",
                               "2002:7f00:1::",
                               "::7f00:1"}) {
        EXPECT_FALSE(http::is_public(make_address(closed))) << closed;
    }
}

}  // namespace
