// The demo data: users and accounts for a first look, on loopback only.
#pragma once

#include "base/sql.hpp"
#include "frontend/auth/secrets.hpp"

#include <string>
#include <vector>

namespace app {

/// Makes what is missing of it; what is there stays as it is. `box` seals the secrets of those who place
/// calls or use digests. Throws base::sql::Error.
void load_demo_data(base::sql::Session& owner, const std::string& default_domain, const auth::SecretBox& box);

/// The demo's users who can still log in with what everybody knows: their name as password, or as secret.
/// Throws base::sql::Error.
[[nodiscard]] std::vector<std::string> users_with_known_passwords(base::sql::Session& session,
                                                                  const auth::SecretBox& box);

/// What the start message says about it.
[[nodiscard]] std::string demo_summary();

}  // namespace app
