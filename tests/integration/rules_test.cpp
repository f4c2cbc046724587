// Signal Rules in the database, and the cache in front of it.
#include "base/listener.hpp"
#include "frontend/auth/directory.hpp"
#include "frontend/auth/users.hpp"
#include "telephony/rules/cache.hpp"
#include "tests/support/io_threads.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <optional>

namespace {

using namespace rules;
using namespace std::chrono_literals;

class Rules : public testing::Test {
  protected:
    static void SetUpTestSuite() { database.emplace(); }
    static void TearDownTestSuite() { database.reset(); }
    static inline std::optional<tests::TestDatabase> database;

    Rules() : session_(database->session("ledgerline_service")) {}

    base::sql::Session session_;
};

Rule redirect(std::string name, std::string address) {
    Rule rule;
    rule.name = std::move(name);
    rule.action = action::Redirect{std::move(address)};
    return rule;
}

/// Every column differs from its default in one of these.
std::vector<Rule> one_of_each() {
    Rule full;
    full.name = "all conditions";
    full.priority = 9;
    full.stage = Stage::after;
    full.after = 20s;
    full.kind = Kind::forward_list;
    full.conditions.calling = Patterns{false, {"tel:+1*", "sip:a,\"b\"{}\\@example.com"}};
    full.conditions.called = Patterns{true, {"sip:bob@example.com"}};
    full.conditions.calling_name = Patterns{true, {"J\u00fcrgen *"}};
    full.conditions.hours = Hours{0x3e, 22h, 6h, base::TimeZone::named("Europe/Berlin").value()};
    full.conditions.authenticated = false;
    full.conditions.registered = true;
    full.action = action::Fork{{"tel:+15550003", "sip:carol@example.com"}};
    Rule reject;
    reject.name = "reject";
    reject.kind = Kind::block_list;
    reject.action = action::Reject{486, "Not now, 'thanks'"};
    Rule stop;
    stop.name = "stop";
    stop.stage = Stage::error;
    stop.priority = 0;
    stop.action = action::Stop{};
    auto forward = redirect("forward", "tel:+15550004");
    forward.stage = Stage::no_answer;
    forward.kind = Kind::forward;
    return {full, reject, stop, forward};
}

TEST_F(Rules, ComeBackAsTheyWereWritten) {
    const Owner owner{1, "one.example"};
    replace(session_, owner, Origin::call_handling, one_of_each());
    const auto set = load(session_, owner);
    EXPECT_EQ(set.account, one_of_each());
    EXPECT_TRUE(set.before.empty());
    EXPECT_TRUE(set.after.empty());
    EXPECT_EQ(load(session_, {2, "one.example"}), RuleSet());
}

TEST_F(Rules, OfOneOriginAreReplacedWithoutTouchingOthers) {
    const Owner owner{10, "ten.example"};
    put(session_, owner, redirect("mine", "tel:+1"));
    replace(session_, owner, Origin::call_handling, {redirect("mine", "tel:+2"), redirect("two", "tel:+3")});
    replace(session_, owner, Origin::call_handling, {redirect("three", "tel:+4")});
    EXPECT_EQ(load(session_, owner).account,
              (std::vector{redirect("mine", "tel:+1"), redirect("three", "tel:+4")}));
    put(session_, owner, redirect("mine", "tel:+5"));
    EXPECT_EQ(load(session_, owner).account.back(), redirect("mine", "tel:+5"));
    EXPECT_FALSE(remove(session_, owner, "three"));
    EXPECT_TRUE(remove(session_, owner, "mine"));
    EXPECT_FALSE(remove(session_, owner, "mine"));
    replace(session_, owner, Origin::call_handling, {});
    EXPECT_EQ(load(session_, owner), RuleSet());
}

TEST_F(Rules, OfTheDomainComeBeforeOrAfterByPriority) {
    const Owner domain{std::nullopt, "wide.example"};
    auto high = redirect("high", "tel:+1");
    high.priority = account_priority + 1;
    auto low = redirect("low", "tel:+2");
    low.priority = account_priority;
    put(session_, domain, low);
    put(session_, domain, high);
    put(session_, {20, "wide.example"}, redirect("own", "tel:+3"));
    const auto set = load(session_, {20, "wide.example"});
    EXPECT_EQ(set.before, std::vector{high});
    EXPECT_EQ(set.account, std::vector{redirect("own", "tel:+3")});
    EXPECT_EQ(set.after, std::vector{low});
    EXPECT_EQ(load(session_, {20, "other.example"}).before, std::vector<Rule>());
    EXPECT_TRUE(load(session_, domain).account.empty());
    EXPECT_TRUE(remove(session_, domain, "low"));
    EXPECT_TRUE(load(session_, domain).after.empty());
}

TEST_F(Rules, ThatMakeNoSenseAreRefusedByTheDatabase) {
    const Owner owner{30, "thirty.example"};
    const auto refused = [&](const Rule& rule) {
        EXPECT_THROW(put(session_, owner, rule), base::sql::Error) << rule.name;
    };
    auto rule = redirect("priority", "tel:+1");
    rule.priority = 10;
    refused(rule);
    refused(redirect("", "tel:+1"));
    refused(redirect("nowhere", ""));
    rule = redirect("delay at another stage", "tel:+1");
    rule.after = 5s;
    refused(rule);
    rule = redirect("status", "");
    rule.action = action::Reject{200, "OK"};
    refused(rule);
    EXPECT_EQ(load(session_, owner), RuleSet());
}

/// A cache on a thread of its own, told by the database as a node is.
class CachedRules : public Rules {
  protected:
    CachedRules() {
        base::Database::Options options;
        options.session.url = database->url();
        options.session.statement_timeout = 10s;
        options.sessions = 2;
        pool_.emplace(options);
        cache_.emplace(*pool_, executor(), 100, base::Logger(base::LogLevel::error));
        base::Listener::Options listening;
        listening.session.url = database->url();
        listening.channels = {std::string(changed_channel)};
        listening.on_reset = [this] {
            cache_->forget_all();
            listening_.set_value();
        };
        listening.on_notify = [this](const std::string&, const std::string& payload) {
            cache_->forget(payload);
        };
        listener_.emplace(std::move(listening), base::Logger(base::LogLevel::error));
        listening_.get_future().wait();
    }
    ~CachedRules() override {
        listener_.reset();
        pool_.reset();
    }

    boost::asio::any_io_executor executor() { return threads_.contexts().front()->get_executor(); }

    RuleSetPtr find(std::int64_t account, const std::string& domain = "cached.example") {
        std::promise<RuleSetPtr> found;
        boost::asio::post(executor(), [&] {
            cache_->find(account, domain, [&](RuleSetPtr set) { found.set_value(std::move(set)); });
        });
        return found.get_future().get();
    }

    /// Until the cache has heard of the change.
    void expect_rules(std::int64_t account, std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (find(account)->account.size() + find(account)->after.size() != count) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            std::this_thread::sleep_for(5ms);
        }
    }

    std::promise<void> listening_;
    tests::IoThreads threads_{1};
    std::optional<base::Database> pool_;
    std::optional<RuleCache> cache_;
    std::optional<base::Listener> listener_;
};

TEST_F(CachedRules, AreReadOnceAndDroppedWhenAnybodyChangesThem) {
    EXPECT_TRUE(find(40)->account.empty());
    EXPECT_EQ(find(40), find(40));  // the same object: it was not read again
    const auto before = find(40);
    put(session_, {40, "cached.example"}, redirect("new", "tel:+1"));  // another node's session
    expect_rules(40, 1);
    EXPECT_TRUE(before->account.empty());  // a call that began before keeps what it has
    const auto other = find(41);
    put(session_, {40, "cached.example"}, redirect("newer", "tel:+1"));
    expect_rules(40, 2);
    EXPECT_EQ(find(41), other);  // only that account's
    put(session_, {std::nullopt, "cached.example"}, redirect("wide", "tel:+1"));
    expect_rules(41, 1);
}

TEST_F(CachedRules, ThoseWhoAskAtOnceShareOneReading) {
    std::vector<std::promise<RuleSetPtr>> found(3);
    boost::asio::post(executor(), [&] {
        for (auto& each : found)
            cache_->find(50, "cached.example", [&each](RuleSetPtr set) { each.set_value(std::move(set)); });
    });
    const auto first = found[0].get_future().get();
    ASSERT_TRUE(first);
    EXPECT_EQ(found[1].get_future().get(), first);
    EXPECT_EQ(found[2].get_future().get(), first);
}

TEST_F(CachedRules, ThatCannotBeReadAreAnErrorAndNotNone) {
    auto owner = database->session();
    owner.exec("revoke execute on function rules.load from ledgerline_service");
    EXPECT_EQ(find(60), nullptr);
    owner.exec("grant execute on function rules.load to ledgerline_service");
    EXPECT_NE(find(60), nullptr);
}

TEST_F(Rules, AreForAnAccountsUsersToChangeOnlyWhereItsSettingSaysSo) {
    auto owner = database->session();
    owner.exec("select ledger.create_domain('setting.example')");
    const auto account = owner
                             .exec(
                                 "select o_account from ledger.open_account('setting.example',"
                                 " array['tel:+15550001', 'sip:alice@setting.example'])")
                             .integer(0, 0);
    auth::Users users(session_, "setting.example");
    users.create({.login = "alice",
                  .kind = auth::Kind::subscriber,
                  .addresses = {"tel:+15550001", "tel:+15559999"},
                  .grants = {}},
                 "alice");
    const auto may = [&](const char* address) {
        const auto stored = auth::find_principal(session_, {"alice", "setting.example"});
        return auth::Principal(stored->principal)
            .allows(auth::Permission::rules_change, "setting.example", address);
    };
    EXPECT_FALSE(may("tel:+15550001"));
    session_.exec("select auth.set_rules_by_user($1, true)", base::sql::params(account));
    EXPECT_TRUE(may("tel:+15550001"));
    EXPECT_FALSE(may("tel:+15559999"));              // of no account
    EXPECT_FALSE(may("sip:alice@setting.example"));  // not the user's, though the account's
    session_.exec("select auth.set_rules_by_user($1, false)", base::sql::params(account));
    EXPECT_FALSE(may("tel:+15550001"));
}

}  // namespace
