// argon2id through libsodium.
#include "frontend/auth/password.hpp"

#include <sodium.h>

#include <array>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>

namespace auth {
namespace {

void initialise() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium can't be initialised");
}

/// What a hash says of how it was made.
struct Stored {
    unsigned long long passes = 0;
    std::size_t memory_bytes = 0;
    std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
    std::array<unsigned char, 32> digest{};
};

template <std::size_t Size>
bool decode(const std::string& text, std::array<unsigned char, Size>& bytes) {
    std::size_t size = 0;
    return sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           size == bytes.size();
}

std::optional<Stored> stored_in(const std::string& hash) {
    static const std::regex form(
        R"(\$argon2id\$v=19\$m=(\d{4,7}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+))");
    std::smatch parts;
    Stored stored;
    if (!std::regex_match(hash, parts, form) || !decode(parts[3], stored.salt) ||
        !decode(parts[4], stored.digest)) {
        return std::nullopt;
    }
    stored.memory_bytes = std::stoul(parts[1]) * 1024;
    stored.passes = std::stoul(parts[2]);
    return stored;
}

}  // namespace

std::string hash_password(std::string_view password) {
    initialise();
    std::array<char, crypto_pwhash_STRBYTES> hash{};
    if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(),
                              crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw std::bad_alloc();
    }
    return hash.data();
}

bool verify_password(const std::string& hash, std::string_view password) {
    initialise();
    if (password.size() > password_bytes_max) return false;
    // Not crypto_pwhash_str_verify(): without memory it calls every password wrong.
    const auto stored = stored_in(hash);
    if (!stored) return false;
    std::array<unsigned char, sizeof stored->digest> digest{};
    if (crypto_pwhash(digest.data(), digest.size(), password.data(), password.size(), stored->salt.data(),
                      stored->passes, stored->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw std::bad_alloc();
    }
    return sodium_memcmp(digest.data(), stored->digest.data(), digest.size()) == 0;
}

void verify_nothing(std::string_view password) {
    // A hash of the same cost that no known password has.
    static const std::string nobody = [] {
        initialise();
        std::array<char, 32> secret{};
        randombytes_buf(secret.data(), secret.size());
        return hash_password({secret.data(), secret.size()});
    }();
    static_cast<void>(verify_password(nobody, password.substr(0, password_bytes_max)));
}

void wipe(std::string& password) {
    sodium_memzero(password.data(), password.size());
    password.clear();
}

}  // namespace auth
