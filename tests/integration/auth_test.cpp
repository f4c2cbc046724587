// Users and credentials against a real database: who is recognised, what is remembered, and when it is
// forgotten.
#include "base/listener.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/users.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/io_threads.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

namespace {

using namespace std::chrono_literals;
using auth::Authenticator;
using auth::Denial;
using auth::Kind;
using auth::Outcome;
using auth::Permission;
using auth::PrincipalPtr;
using tests::basic_authorization;

class Auth : public testing::Test {
  protected:
    static void SetUpTestSuite() { database.emplace(); }
    static void TearDownTestSuite() { database.reset(); }
    static inline std::optional<tests::TestDatabase> database;

    Auth() : session_(database->session("ledgerline_service")), users_(session_, "example.com") {
        users_.create({.login = "alice",
                       .kind = Kind::subscriber,
                       .addresses = {"tel:+15550001", "sip:alice@example.com"},
                       .grants = {}},
                      "p\u00e4ss:word");
        users_.create(
            {.login = "shop@Other.org",
             .kind = Kind::application,
             .grants = {{"example.com", Permission::payment_charge}, {"*", Permission::account_read}}},
            "shop");
    }

    void SetUp() override {
        base::Database::Options options;
        options.session.url = database->url();
        options.session.statement_timeout = 10s;
        options.sessions = 1;
        pool_.emplace(options);
        start({});
    }
    void TearDown() override {
        authenticator_.reset();
        pool_.reset();
    }

    void start(Authenticator::Options options) {
        authenticator_.reset();
        authenticator_.emplace(*pool_, options, base::Logger(base::LogLevel::error));
    }

    Outcome authenticate(const std::string& authorization) {
        return boost::asio::co_spawn(*threads_.contexts().front(),
                                     authenticator_->authenticate({authorization, "test"}),
                                     boost::asio::use_future)
            .get();
    }
    std::optional<Outcome> recall(const std::string& authorization) {
        return authenticator_->recall({authorization, "test"});
    }
    static PrincipalPtr principal(const Outcome& outcome) {
        const auto* found = std::get_if<PrincipalPtr>(&outcome);
        return found ? *found : nullptr;
    }

    base::sql::Session session_;
    auth::Users users_;
    tests::IoThreads threads_{1};
    std::optional<base::Database> pool_;
    std::optional<Authenticator> authenticator_;
};

const auto alice = basic_authorization("alice:p\u00e4ss:word");

TEST_F(Auth, recognises_a_user_in_both_forms_of_the_login) {
    for (const auto* login : {"alice", "alice@example.com", "Alice", "ALICE@EXAMPLE.COM"}) {
        const auto who = principal(authenticate(basic_authorization(std::string(login) + ":p\u00e4ss:word")));
        ASSERT_TRUE(who) << login;
        EXPECT_EQ(who->login(), "alice@example.com");
        EXPECT_EQ(who->kind(), Kind::subscriber);
        EXPECT_TRUE(who->owns("tel:+15550001"));
        EXPECT_TRUE(who->allows(Permission::rules_read, "example.com", "sip:alice@example.com"));
    }
    // A password in ISO-8859-1 is the same password.
    EXPECT_TRUE(principal(authenticate(basic_authorization("alice:p\xe4ss:word"))));
}

TEST_F(Auth, reads_grants_as_they_were_made) {
    const auto shop = principal(authenticate(basic_authorization("shop@other.org:shop")));
    ASSERT_TRUE(shop);
    EXPECT_EQ(shop->domain(), "other.org");
    EXPECT_TRUE(shop->allows(Permission::payment_charge, "example.com"));
    EXPECT_FALSE(shop->allows(Permission::payment_charge, "other.org"));
    EXPECT_TRUE(shop->allows(Permission::account_read, "third.net"));
    EXPECT_FALSE(shop->allows(Permission::payment_refund, "example.com"));
}

TEST_F(Auth, is_known_to_the_ledger_by_a_name_that_never_changes) {
    EXPECT_EQ(principal(authenticate(basic_authorization("alice:p\u00e4ss:word")))->application(), "alice");
    EXPECT_EQ(principal(authenticate(basic_authorization("shop@other.org:shop")))->application(),
              "shop@other.org");
    // Under another default domain the short name is taken: the newcomer gets the long one.
    auth::Users elsewhere(session_, "third.net");
    elsewhere.create({.login = "alice", .kind = Kind::application, .addresses = {}, .grants = {}}, "secret");
    EXPECT_EQ(principal(authenticate(basic_authorization("alice@third.net:secret")))->application(),
              "alice@third.net");
}

TEST_F(Auth, denies_everybody_else) {
    const auto denied = [&](const std::string& authorization) {
        const auto outcome = authenticate(authorization);
        const auto* denial = std::get_if<Denial>(&outcome);
        return denial ? std::optional(*denial) : std::nullopt;
    };
    EXPECT_EQ(denied(""), Denial::missing);
    EXPECT_EQ(denied("Bearer abc"), Denial::malformed);
    EXPECT_EQ(denied("Basic !"), Denial::malformed);
    for (const auto* wrong : {"alice:wrong", "alice:", "alice:p\u00e4ss:Word", "nobody:x", "shop:shop",
                              "alice@other.org:p\u00e4ss:word", ":", "a b:c"}) {
        EXPECT_EQ(denied(basic_authorization(wrong)), Denial::wrong) << wrong;
    }
}

TEST_F(Auth, remembers_what_it_verified) {
    EXPECT_FALSE(recall(alice));
    const auto first = principal(authenticate(alice));
    ASSERT_TRUE(recall(alice));
    EXPECT_EQ(principal(*recall(alice)), first);
    // Nor does a wrong one cost argon2 again.
    const auto wrong = basic_authorization("alice:wrong");
    authenticate(wrong);
    ASSERT_TRUE(recall(wrong));
    EXPECT_EQ(std::get<Denial>(*recall(wrong)), Denial::wrong);
}

TEST_F(Auth, remembers_only_for_its_time) {
    start({.remember_verified = 0s, .remember_wrong = 0s});
    EXPECT_TRUE(principal(authenticate(alice)));
    EXPECT_FALSE(recall(alice));
}

TEST_F(Auth, verifies_once_for_all_who_wait) {
    start({.hashing_queue_limit = 1});
    std::vector<std::future<Outcome>> waiting;
    auto& context = *threads_.contexts().front();
    for (int i = 0; i < 50; ++i) {
        waiting.push_back(boost::asio::co_spawn(context, authenticator_->authenticate({alice, "test"}),
                                                boost::asio::use_future));
    }
    for (auto& outcome : waiting) EXPECT_TRUE(principal(outcome.get()));
}

TEST_F(Auth, pushes_back_when_too_many_passwords_wait) {
    start({.hashing_queue_limit = 1});
    std::vector<std::string> authorizations;
    for (int i = 0; i < 10; ++i) authorizations.push_back(basic_authorization("alice:" + std::to_string(i)));
    std::vector<std::future<Outcome>> waiting;
    for (const auto& authorization : authorizations) {
        waiting.push_back(boost::asio::co_spawn(*threads_.contexts().front(),
                                                authenticator_->authenticate({authorization, "test"}),
                                                boost::asio::use_future));
    }
    int overloaded = 0;
    for (auto& outcome : waiting) overloaded += std::get<Denial>(outcome.get()) == Denial::overloaded ? 1 : 0;
    EXPECT_GE(overloaded, 7);
    EXPECT_TRUE(principal(authenticate(alice)));
}

TEST_F(Auth, a_change_is_heard_and_counts_at_once) {
    users_.create({.login = "changing"}, "one");
    const auto one = basic_authorization("changing:one"), two = basic_authorization("changing:two");

    std::promise<void> listening;
    std::promise<void> heard;
    std::atomic<int> notified{0};
    base::Listener::Options options;
    options.session.url = database->url();
    options.channels = {auth::changed_channel};
    options.on_reset = [&] { listening.set_value(); };
    options.on_notify = [&](const std::string&, const std::string&) {
        authenticator_->forget();
        if (++notified == 1) heard.set_value();
    };
    const base::Listener listener(options, base::Logger(base::LogLevel::error));
    ASSERT_EQ(listening.get_future().wait_for(20s), std::future_status::ready);

    EXPECT_TRUE(principal(authenticate(one)));
    EXPECT_FALSE(principal(authenticate(two)));
    users_.set_password("changing", "two");
    ASSERT_EQ(heard.get_future().wait_for(20s), std::future_status::ready);
    EXPECT_FALSE(recall(one));
    EXPECT_FALSE(principal(authenticate(one)));
    EXPECT_TRUE(principal(authenticate(two)));
}

TEST_F(Auth, what_was_remembered_is_read_again_after_a_change) {
    users_.create({.login = "granted"}, "x");
    const auto granted = basic_authorization("granted:x");
    EXPECT_FALSE(principal(authenticate(granted))->allows(Permission::payment_charge, "example.com"));

    users_.add_grant("granted@example.com", {"Example.com", Permission::payment_charge});
    authenticator_->forget();
    EXPECT_FALSE(recall(granted));
    EXPECT_TRUE(principal(authenticate(granted))->allows(Permission::payment_charge, "example.com"));

    users_.revoke_grant("granted", {"example.com", Permission::payment_charge});
    authenticator_->forget();
    EXPECT_FALSE(principal(authenticate(granted))->allows(Permission::payment_charge, "example.com"));

    users_.set_enabled("granted", false);
    authenticator_->forget();
    EXPECT_FALSE(principal(authenticate(granted)));
    users_.set_enabled("granted", true);
    authenticator_->forget();
    EXPECT_TRUE(principal(authenticate(granted)));
}

TEST_F(Auth, who_works_goes_on_after_a_change_whoever_guesses) {
    Authenticator::Options options;
    options.failures.throttle.per_login = 3;
    start(options);
    EXPECT_TRUE(principal(authenticate(alice)));
    for (int i = 0; i < 3; ++i) authenticate(basic_authorization("alice:" + std::to_string(i)));
    EXPECT_EQ(std::get<Denial>(authenticate(basic_authorization("alice:x"))), Denial::throttled);
    authenticator_->forget();  // as after a change of any user
    EXPECT_TRUE(principal(authenticate(alice)));
    EXPECT_EQ(std::get<Denial>(authenticate(basic_authorization("alice:x"))), Denial::throttled);
}

TEST_F(Auth, who_works_does_not_wait_behind_strangers_after_a_change) {
    start({.hashing_queue_limit = 1});
    EXPECT_TRUE(principal(authenticate(alice)));
    std::vector<std::string> guesses;
    for (int i = 0; i < 10; ++i) guesses.push_back(basic_authorization("nobody:" + std::to_string(i)));
    std::vector<std::future<Outcome>> waiting;
    for (const auto& guess : guesses) {
        waiting.push_back(boost::asio::co_spawn(*threads_.contexts().front(),
                                                authenticator_->authenticate({guess, "test"}),
                                                boost::asio::use_future));
    }
    authenticator_->forget();
    EXPECT_TRUE(principal(authenticate(alice)));
    for (auto& outcome : waiting) outcome.get();
}

TEST_F(Auth, guesses_that_come_at_once_are_no_more_than_others) {
    Authenticator::Options options;
    options.failures.throttle.per_login = 3;
    start(options);
    std::vector<std::string> guesses;
    for (int i = 0; i < 20; ++i) guesses.push_back(basic_authorization("alice:" + std::to_string(i)));
    std::vector<std::future<Outcome>> waiting;
    for (const auto& guess : guesses) {
        waiting.push_back(boost::asio::co_spawn(*threads_.contexts().front(),
                                                authenticator_->authenticate({guess, "test"}),
                                                boost::asio::use_future));
    }
    int judged = 0;
    for (auto& outcome : waiting) judged += std::get<Denial>(outcome.get()) == Denial::throttled ? 0 : 1;
    EXPECT_EQ(judged, 3);
}

TEST_F(Auth, is_unavailable_without_its_database) {
    tests::TestDatabase gone;
    base::Database::Options options;
    options.session.url = gone.url();
    options.session.statement_timeout = 1s;
    base::Database other(options);
    Authenticator authenticator(other, {}, base::Logger(base::LogLevel::error));
    database->session().exec("ALTER DATABASE " + gone.name() + " ALLOW_CONNECTIONS false");
    const auto outcome =
        boost::asio::co_spawn(*threads_.contexts().front(), authenticator.authenticate({alice, ""}),
                              boost::asio::use_future)
            .get();
    EXPECT_EQ(std::get<Denial>(outcome), Denial::unavailable);
    EXPECT_FALSE(authenticator.recall({alice, ""}));
}

TEST_F(Auth, users_are_made_once_and_completely) {
    EXPECT_FALSE(users_.create({.login = "alice@EXAMPLE.com"}, "other"));
    EXPECT_TRUE(principal(authenticate(alice)));

    users_.create({.login = "bob", .kind = Kind::subscriber, .addresses = {"tel:\"1,2\" {}", "tel:\\3"}},
                  "bob");
    const auto entries = users_.list();
    const auto bob = std::ranges::find(entries, "bob@example.com",
                                       [](const auto& entry) { return entry.principal.login(); });
    ASSERT_NE(bob, entries.end());
    EXPECT_TRUE(bob->enabled);
    EXPECT_EQ(bob->principal.addresses().size(), 2U);
    EXPECT_TRUE(bob->principal.owns("tel:\"1,2\" {}"));
}

TEST_F(Auth, impossible_users_are_refused_with_a_reason) {
    const auto create = [&](auth::NewUser user, std::string_view password) { users_.create(user, password); };
    EXPECT_THROW(create({.login = "a b"}, "x"), auth::UserError);
    EXPECT_THROW(create({.login = "empty"}, ""), auth::UserError);
    EXPECT_THROW(create({.login = "long"}, std::string(2000, 'x')), auth::UserError);
    EXPECT_THROW(create({.login = "control"}, "a\nb"), auth::UserError);
    EXPECT_THROW(create({.login = "latin1"}, "\xe4"), auth::UserError);
    EXPECT_THROW(create({.login = "app", .addresses = {"tel:1"}}, "x"), auth::UserError);
    EXPECT_THROW(create({.login = "sub",
                         .kind = Kind::subscriber,
                         .grants = {{"example.com", Permission::payment_charge}}},
                        "x"),
                 auth::UserError);
    EXPECT_THROW(create({.login = "grant", .grants = {{"exam ple", Permission::payment_charge}}}, "x"),
                 auth::UserError);
    EXPECT_THROW(users_.set_password("nobody", "x"), auth::UserError);
    EXPECT_THROW(users_.set_enabled("nobody", true), auth::UserError);
    EXPECT_THROW(users_.add_grant("nobody", {"*", Permission::payment_charge}), auth::UserError);
    EXPECT_THROW(users_.revoke_grant("nobody", {"*", Permission::payment_charge}), auth::UserError);
}

TEST_F(Auth, the_service_role_cannot_read_hashes_or_write_tables) {
    for (const auto* statement :
         {"SELECT password_hash FROM auth.principal", "DELETE FROM auth.principal",
          "UPDATE auth.principal SET enabled = true",
          "INSERT INTO auth.principal_grant VALUES (1, 'example.com', 'payment.charge')"}) {
        EXPECT_THROW(session_.exec(statement), base::sql::Error) << statement;
    }
    auto finance = database->session("ledgerline_finance");
    EXPECT_THROW(finance.exec("SELECT * FROM auth.find_principal('example.com', 'alice')"), base::sql::Error);
}

}  // namespace
