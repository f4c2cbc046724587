// Passwords as argon2id hashes (libsodium, "interactive" cost: 64 MiB and tens of milliseconds each).
#pragma once

#include <string>
#include <string_view>

namespace auth {

/// A password that is longer is refused when it is set, and never right.
inline constexpr std::size_t password_bytes_max = 1024;

/// The hash with its salt and parameters, as auth.principal keeps it. Throws std::bad_alloc without 64 MiB.
[[nodiscard]] std::string hash_password(std::string_view password);

/// Throws std::bad_alloc without 64 MiB: that says nothing about the password.
[[nodiscard]] bool verify_password(const std::string& hash, std::string_view password);

/// Costs what verify_password costs: answers about unknown logins must not come sooner than those about wrong
/// passwords.
void verify_nothing(std::string_view password);

/// Overwrites a password that is needed no more.
void wipe(std::string& password);

}  // namespace auth
