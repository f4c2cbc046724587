// The demo's users: whose password or secret everybody still knows.
#include "app/demo.hpp"
#include "frontend/auth/users.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using Logins = std::vector<std::string>;

TEST(DemoData, IsKnownToEverybodyUntilBothPasswordAndSecretAreOthers) {
    const tests::TestDatabase database;
    auto session = database.session();
    const auth::SecretBox box(std::array<std::uint8_t, 32>{1});
    const auto known = [&] { return app::users_with_known_passwords(session, box); };
    EXPECT_EQ(known(), Logins());

    app::load_demo_data(session, "example.com", box);
    EXPECT_EQ(known(), (Logins{"demo-app@example.com", "alice@example.com", "bob@example.com",
                               "admin@example.com", "finance@example.com"}));
    auth::Users users(session, "example.com");
    users.set_enabled("bob", false);
    users.set_password("admin", "another");
    users.set_password("alice", "another");
    users.set_secret("demo-app", box.seal("another"));
    EXPECT_EQ(known(), (Logins{"demo-app@example.com", "alice@example.com", "finance@example.com"}));
    users.set_secret("alice", std::nullopt);
    users.set_password("demo-app", "another");
    users.set_enabled("finance", false);
    EXPECT_EQ(known(), Logins());
}

}  // namespace
