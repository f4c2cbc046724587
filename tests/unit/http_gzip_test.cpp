// Content codings: what clients send, what they ask for, and what must not be unpacked.
#include "frontend/http/gzip.hpp"

#include <gtest/gtest.h>

namespace {

using http::UnpackError;

std::string text_of(const std::variant<std::string, UnpackError>& result) {
    return std::holds_alternative<std::string>(result) ? std::get<std::string>(result) : "refused";
}
UnpackError error_of(const std::variant<std::string, UnpackError>& result) {
    return std::get<UnpackError>(result);
}

TEST(Gzip, unpacks_what_it_packed) {
    for (const std::size_t size : {0UL, 1UL, 300UL, 5'000UL, 200'000UL}) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i * i % 23);
        EXPECT_EQ(text_of(http::unpack("GZIP", http::gzip(text), size)), text);
        EXPECT_EQ(text_of(http::unpack("x-gzip", http::gzip(text), size)), text);
    }
}

TEST(Gzip, unpacks_both_kinds_of_deflate) {
    const std::string raw("\x4b\x4c\x4a\x06\x00", 5);
    const std::string framed("\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27", 11);
    EXPECT_EQ(text_of(http::unpack("deflate", raw, 3)), "abc");
    EXPECT_EQ(text_of(http::unpack("deflate", framed, 3)), "abc");
}

TEST(Gzip, stops_at_the_limit_and_at_nonsense) {
    const auto bomb = http::gzip(std::string(64U << 20U, '0'));
    EXPECT_EQ(error_of(http::unpack("gzip", bomb, 1'000)), UnpackError::too_large);
    const auto packed = http::gzip("some text");
    EXPECT_EQ(error_of(http::unpack("gzip", packed.substr(0, packed.size() - 1), 100)), UnpackError::broken);
    EXPECT_EQ(error_of(http::unpack("gzip", packed + "x", 100)), UnpackError::broken);
    EXPECT_EQ(error_of(http::unpack("gzip", "plain", 100)), UnpackError::broken);
    EXPECT_EQ(error_of(http::unpack("gzip", "", 100)), UnpackError::broken);
    EXPECT_EQ(error_of(http::unpack("br", packed, 100)), UnpackError::unknown_coding);
    EXPECT_EQ(error_of(http::unpack("gzip, gzip", packed, 100)), UnpackError::unknown_coding);
}

TEST(Gzip, knows_who_asks_for_it) {
    for (const auto* yes : {"gzip", "deflate, gzip", "x-gzip", "*", "GZip;q=0.3", "br;q=1, gzip;q=0.001"}) {
        EXPECT_TRUE(http::accepts_gzip(yes)) << yes;
    }
    for (const auto* no : {"", "none", "identity", "deflate", "gzip;q=0", "gzip; q=0.000, *"}) {
        EXPECT_FALSE(http::accepts_gzip(no)) << no;
    }
}

}  // namespace
