// argon2id through libsodium.
#include "frontend/auth/password.hpp"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>

namespace auth {
namespace {

void initialise() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium can't be initialised");
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
    errno = 0;
    if (crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0) return true;
    // libsodium reports a mismatch as EINVAL; anything else is no verdict about the password.
    if (errno != EINVAL) throw std::bad_alloc();
    return false;
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
