// Credentials inside messages: what tells one token from another.
#include "frontend/auth/message_credentials.hpp"

#include "frontend/auth/secrets.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

using auth::UsernameToken;

UsernameToken token(std::string_view nonce, std::string_view created = "2026-11-30T07:00:00Z") {
    return {
        .username = "shop", .password = {}, .type = "#PasswordDigest", .nonce = nonce, .created = created};
}

TEST(UsernameToken, IsTheSameInEverySpellingThatHasItsDigest) {
    const auto digest = auth::encode_base64(auth::sha1("a nonce.2026-11-30T07:00:00Zsecret"));
    std::set<std::string> identities;
    for (const auto* nonce : {"YSBub25jZS4=", "YSBub25jZS4"}) {
        auto given = token(nonce);
        given.password = digest;
        EXPECT_TRUE(auth::token_matches(given, "secret")) << nonce;
        identities.insert(auth::token_identity("shop@example.com", given));
    }
    EXPECT_EQ(identities.size(), 1U);
}

TEST(UsernameToken, IsAnotherWithAnotherNonceTimeOrLogin) {
    const std::set<std::string> identities{
        auth::token_identity("shop@example.com", token("YSBub25jZS4=")),
        auth::token_identity("shop@example.com", token("YSBub25jZS8=")),
        auth::token_identity("shop@example.com", token("YSBub25jZS4=", "2026-11-30T07:00:01Z")),
        auth::token_identity("shop@example.org", token("YSBub25jZS4="))};
    EXPECT_EQ(identities.size(), 4U);
}

}  // namespace
