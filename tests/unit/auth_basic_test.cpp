// HTTP Basic credentials: what clients send, and what only looks like it.
#include "frontend/auth/basic.hpp"

#include <gtest/gtest.h>

namespace {

using auth::BasicCredentials;
using auth::decode_base64;
using auth::parse_basic;

TEST(Basic, reads_user_and_password) {
    EXPECT_EQ(parse_basic("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
              (BasicCredentials{"Aladdin", "open sesame"}));
    EXPECT_EQ(parse_basic("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
              (BasicCredentials{"Aladdin", "open sesame"}));
    EXPECT_EQ(parse_basic("BASIC   YTpi"), (BasicCredentials{"a", "b"}));
}

TEST(Basic, the_first_colon_separates) {
    EXPECT_EQ(parse_basic("Basic YTpiOmM6"), (BasicCredentials{"a", "b:c:"}));
    EXPECT_EQ(parse_basic("Basic Og=="), (BasicCredentials{"", ""}));
    EXPECT_EQ(parse_basic("Basic YTo="), (BasicCredentials{"a", ""}));
}

TEST(Basic, reads_utf8_and_the_latin1_of_old_clients) {
    // RFC 7617, 2.1: test:123£
    EXPECT_EQ(parse_basic("Basic dGVzdDoxMjPCow=="), (BasicCredentials{"test", "123\u00a3"}));
    EXPECT_EQ(parse_basic("Basic dGVzdDoxMjOj"), (BasicCredentials{"test", "123\u00a3"}));
}

TEST(Basic, refuses_other_schemes_and_broken_ones) {
    for (const auto* text : {"", "Basic", "Basic ", "BasicYTpi", "Digest username=\"a\"", "Bearer YTpi",
                             "YTpi", "Basic YWI=", "Basic YTpi!", "Basic YTpi YTpi",
                             "Basic YTpi=", "Basic YQpiOmM=", "Basic YTpiAA==", "Basic YTpifw=="}) {
        EXPECT_FALSE(parse_basic(text)) << text;
    }
}

TEST(Base64, is_strict_but_for_padding) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zg"), "f");
    EXPECT_EQ(decode_base64("Zm8="), "fo");
    EXPECT_EQ(decode_base64("Zm8"), "fo");
    EXPECT_EQ(decode_base64("Zm9v"), "foo");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    for (const auto* text :
         {"Z", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zm 9v", "Zm9v\n", "Z-_v", "=", "===="}) {
        EXPECT_FALSE(decode_base64(text)) << text;
    }
}

}  // namespace
