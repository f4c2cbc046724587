// What is remembered about credentials, how long and how much; and passwords.
#include "frontend/auth/credential_cache.hpp"
#include "frontend/auth/password.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <new>

namespace {

using namespace std::chrono_literals;
using Cache = auth::CredentialCache<int>;

const Cache::Clock::time_point start{};

TEST(CredentialHasher, equal_credentials_hash_equal_and_every_process_has_its_key) {
    const auth::CredentialHasher one, other;
    EXPECT_EQ(one("Basic YTpi"), one("Basic YTpi"));
    EXPECT_NE(one("Basic YTpi"), one("Basic YTpj"));
    EXPECT_NE(one("Basic YTpi"), other("Basic YTpi"));
}

TEST(CredentialCache, forgets_after_its_time) {
    const auth::CredentialHasher hasher;
    Cache cache(10, 60s);
    cache.put(hasher("a"), 1, start);
    cache.put(hasher("b"), 2, start, start + 10s);
    ASSERT_NE(cache.find(hasher("a"), start + 59s), nullptr);
    EXPECT_EQ(cache.find(hasher("a"), start + 59s)->value, 1);
    EXPECT_EQ(cache.find(hasher("a"), start + 60s), nullptr);
    EXPECT_NE(cache.find(hasher("b"), start + 9s), nullptr);
    EXPECT_EQ(cache.find(hasher("b"), start + 10s), nullptr);
}

TEST(CredentialCache, stays_within_its_limit) {
    const auth::CredentialHasher hasher;
    Cache cache(3, 60s);
    for (int i = 0; i < 10; ++i) cache.put(hasher(std::to_string(i)), i, start + std::chrono::seconds(i));
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_NE(cache.find(hasher("9"), start + 10s), nullptr);

    Cache none(0, 60s);
    none.put(hasher("a"), 1, start);
    EXPECT_EQ(none.find(hasher("a"), start), nullptr);
}

TEST(CredentialCache, what_has_expired_gives_way_first) {
    const auth::CredentialHasher hasher;
    Cache cache(2, 60s);
    cache.put(hasher("old"), 1, start);
    cache.put(hasher("kept"), 2, start + 30s);
    cache.put(hasher("new"), 3, start + 61s);
    EXPECT_NE(cache.find(hasher("kept"), start + 61s), nullptr);
    EXPECT_NE(cache.find(hasher("new"), start + 61s), nullptr);
}

TEST(Password, verifies_only_what_was_hashed) {
    const auto hash = auth::hash_password("p\u00e4ss:word");
    EXPECT_TRUE(hash.starts_with("$argon2id$"));
    EXPECT_NE(hash, auth::hash_password("p\u00e4ss:word"));
    EXPECT_TRUE(auth::verify_password(hash, "p\u00e4ss:word"));
    EXPECT_FALSE(auth::verify_password(hash, "p\u00e4ss:Word"));
    EXPECT_FALSE(auth::verify_password(hash, ""));
    EXPECT_FALSE(auth::verify_password(hash, std::string(auth::password_bytes_max + 1, 'a')));
    EXPECT_FALSE(auth::verify_password("no hash", "a"));
}

TEST(Password, is_neither_right_nor_wrong_without_the_memory_to_tell) {
    const auto hash = auth::hash_password("a password");
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
    auto short_of_it = before;
    short_of_it.rlim_cur = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + (32U << 20);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &short_of_it), 0);
    EXPECT_THROW(static_cast<void>(auth::verify_password(hash, "a password")), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(auth::verify_password(hash, "another")), std::bad_alloc);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_TRUE(auth::verify_password(hash, "a password"));
}

TEST(Password, is_wiped) {
    std::string password = "secret";
    auth::wipe(password);
    EXPECT_TRUE(password.empty());
}

}  // namespace
