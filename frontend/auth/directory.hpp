// Reading principals from the database.
#pragma once

#include "base/sql.hpp"
#include "frontend/auth/principal.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// What is stored about a login.
struct Stored {
    Principal::Data principal;
    bool enabled = true;
    std::string password_hash;  ///< empty: cannot log in with a password
    std::string secret;         ///< sealed, for SecretBox::open; empty: has none
};

/// Nothing when there is no such login. Throws sql::Error.
[[nodiscard]] std::optional<Stored> find_principal(base::sql::Session& session, const Login& login);

/// The one whose client certificate this is (64 lower-case hex digits). Throws sql::Error.
[[nodiscard]] std::optional<Stored> find_certificate(base::sql::Session& session,
                                                     const std::string& fingerprint);

/// Principals of kinds and grants of permissions that this program does not know (a newer one made them) are
/// passed over: what is not understood allows nothing.
[[nodiscard]] std::vector<Grant> read_grants(std::string_view lines);
/// Lines "name value item", as auth.find_login gives them.
[[nodiscard]] AccessLimits read_limits(std::string_view lines, std::int64_t utc_offset_seconds);
[[nodiscard]] std::vector<std::string> read_lines(std::string_view lines);

}  // namespace auth
