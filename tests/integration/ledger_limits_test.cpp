// Requests of limited applications, many at once from two ledgers on one database: what is counted is exactly
// what was posted, and never more than the limit.
#include "ledger/batch.hpp"
#include "tests/support/ledger_suite.hpp"

#include <algorithm>
#include <map>
#include <random>

using namespace tests;

namespace {

class LedgerLimits : public LedgerSuite {
  protected:
    static void SetUpTestSuite() {
        LedgerSuite::SetUpTestSuite();
        second_ = bench().another();
    }
    static void TearDownTestSuite() {
        second_.reset();
        LedgerSuite::TearDownTestSuite();
    }

    static void limit(const std::string& application, const std::string& name, const std::string& item,
                      int value) {
        bench().exec("select ledger.set_limit('" + application + "', '" + name + "', '" + item + "', " +
                     std::to_string(value) + ")");
        ledger().forget_limits();
        second_->forget_limits();
    }

    static std::string used(const std::string& application, const std::string& name,
                            const ledger::AccountPtr& account = nullptr) {
        return bench().value(
            "select coalesce(sum(u.used), 0) from ledger.limit_use u"
            "  join ledger.application a using (application_id)"
            " where a.name = '" +
            application + "' and u.name = '" + name +
            "' and u.account_id = " + std::to_string(account ? account->id : 0));
    }

    /// Answers of all requests, asked at once, every second one of the other ledger.
    static std::vector<std::string> ask_all(std::vector<Request> requests) {
        std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
        bool other = false;
        for (auto& request : requests) {
            work.push_back(tests::post(other ? *second_ : ledger(), std::move(request)));
            other = !other;
        }
        std::vector<std::string> outcomes;
        for (const auto& result : bench().run_all(std::move(work))) outcomes.push_back(outcome(result));
        return outcomes;
    }

    static Request by(std::string application, Request request) {
        std::visit([&](auto& r) { r.origin.application = std::move(application); }, request);
        return request;
    }

    static std::vector<ledger::AccountPtr> accounts(int number) {
        std::vector<ledger::AccountPtr> result;
        for (int i = 0; i < number; ++i) result.push_back(bench().open_account());
        return result;
    }

    static inline std::unique_ptr<ledger::Ledger> second_;
};

TEST_F(LedgerLimits, of_many_at_once_as_many_are_posted_as_the_day_has_room_for) {
    limit("day", "amount_per_day", "EUR", 1000);
    const auto on = accounts(8);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 100; ++i)
        requests.push_back(by("day", a_charge(on[i % on.size()], "day-" + std::to_string(i), euro("1"))));
    const auto answers = ask_all(std::move(requests));
    EXPECT_EQ(std::ranges::count(answers, "posted"), 10);
    EXPECT_EQ(std::ranges::count(answers, "over_limit"), 90);
    EXPECT_EQ(used("day", "amount_per_day"), "1000");
}

TEST_F(LedgerLimits, what_is_too_much_hinders_nothing_that_came_with_it) {
    limit("request", "amount_per_request", "EUR", 500);
    limit("request", "requests_per_day", "", 30);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 60; ++i) {
        const auto sum = i % 2 == 0 ? "0.50" : "5.01";
        requests.push_back(by("request", a_charge(account_, "request-" + std::to_string(i), euro(sum))));
    }
    const auto answers = ask_all(std::move(requests));
    for (std::size_t i = 0; i < answers.size(); ++i)
        EXPECT_EQ(answers[i], i % 2 == 0 ? "posted" : "over_limit") << i;
    EXPECT_EQ(used("request", "requests_per_day"), "30");
    EXPECT_EQ(state(), "85.00 0.00 85.00");
    EXPECT_EQ(ask(by("request", a_charge(account_, "one-more", euro("0.01")))), "over_limit");
}

TEST_F(LedgerLimits, the_same_request_many_times_at_once_counts_once) {
    limit("again", "requests_per_day", "", 1);
    std::vector<Request> requests(20, by("again", a_charge(account_, "again", euro("1"))));
    auto answers = ask_all(std::move(requests));
    EXPECT_EQ(std::ranges::count(answers, "posted"), 1);
    EXPECT_EQ(std::ranges::count(answers, "replayed"), 19);
    // One that is too much is so each time, whatever of the same batch was left out before it.
    limit("again", "amount_per_request", "EUR", 100);
    requests.assign(20, by("again", a_charge(account_, "never", euro("2"))));
    answers = ask_all(std::move(requests));
    EXPECT_EQ(std::ranges::count(answers, "over_limit"), 20);
    EXPECT_EQ(state(), "99.00 0.00 99.00");
}

TEST_F(LedgerLimits, each_subscriber_has_room_of_its_own) {
    limit("each", "subscriber_amount_per_day", "EUR", 300);
    limit("each", "subscriber_amount_per_month", "EUR", 1000);
    const auto on = accounts(4);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 40; ++i)
        requests.push_back(
            by("each", a_charge(on[i % on.size()], "each-" + std::to_string(i), euro("0.70"))));
    const auto answers = ask_all(std::move(requests));
    EXPECT_EQ(std::ranges::count(answers, "posted"), 16) << "four of 0.70 in 3.00";
    for (const auto& account : on) {
        EXPECT_EQ(used("each", "subscriber_amount_per_day", account), "280");
        EXPECT_EQ(used("each", "subscriber_amount_per_month", account), "280");
    }
}

TEST_F(LedgerLimits, applications_in_one_batch_have_limits_of_their_own) {
    limit("left", "amount_per_day", "EUR", 500);
    limit("right", "balance_type", "bonus", 0);
    limit("right", "requests_per_day", "", 7);
    const auto on = accounts(5);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 60; ++i) {
        const auto& account = on[i % on.size()];
        const auto reference = std::to_string(i);
        if (i % 3 == 0)
            requests.push_back(by("left", a_charge(account, reference, euro("1"))));
        else
            requests.push_back(
                by("right", a_charge(account, reference, euro("0.10"), i % 3 == 1 ? "bonus" : "main")));
    }
    const auto answers = ask_all(std::move(requests));
    std::array<int, 3> posted{};
    for (std::size_t i = 0; i < answers.size(); ++i) posted[i % 3] += answers[i] == "posted" ? 1 : 0;
    EXPECT_EQ(posted[0], 5);
    EXPECT_EQ(posted[1], 7) << "of the balance that is allowed";
    EXPECT_EQ(posted[2], 0) << "of the one that is not";
}

TEST_F(LedgerLimits, holds_count_when_placed_and_what_they_give_back_does_not) {
    limit("holds", "amount_per_day", "EUR", 1000);
    const auto place = [&](const std::string& sum) {
        return ledger::HoldId(post(by("holds", a_place(account_, "", euro(sum)))).value().hold.value());
    };
    const auto hold = bench().run(ledger().find_hold(place("8"))).value();
    EXPECT_EQ(ask(by("holds", a_charge(account_, "h-1", euro("2.01")))), "over_limit");
    EXPECT_EQ(ask(by("holds", an_extension(hold, "", euro("2.01")))), "over_limit");
    EXPECT_EQ(ask(by("holds", an_extension(hold, "", euro("-3")))), "posted");
    EXPECT_EQ(used("holds", "amount_per_day"), "500");
    EXPECT_EQ(ask(by("holds", a_capture(hold, "h-2", euro("4")))), "posted");
    EXPECT_EQ(used("holds", "amount_per_day"), "500");
    EXPECT_EQ(ask(by("holds", a_release(hold, ""))), "posted");
    EXPECT_EQ(used("holds", "amount_per_day"), "400");
    EXPECT_EQ(ask(by("holds", a_refund(account_, "h-3", "h-2", euro("1.50")))), "posted");
    EXPECT_EQ(used("holds", "amount_per_day"), "250");
}

TEST_F(LedgerLimits, what_a_refund_gives_back_is_found_by_index) {
    limit("back", "amount_per_day", "EUR", 100000);
    std::vector<Request> charges;
    for (int i = 0; i < 500; ++i)
        charges.push_back(by("back", a_charge(account_, "charge-" + std::to_string(i), euro("0.10"))));
    EXPECT_EQ(std::ranges::count(ask_all(std::move(charges)), "posted"), 500);
    EXPECT_EQ(ask(by("back", a_refund(account_, "refund", "charge-250", euro("0.10")))), "posted");
    EXPECT_EQ(used("back", "amount_per_day"), "4990");
    auto session = bench().session();
    const base::sql::Transaction transaction(session);
    session.exec("select ledger.count_request('refund', " + key_of(account_) +
                 ", ledger.application_id('back'), 'refund', true, false)");
    // The session's own counters: no plan can hide from them.
    const auto read = session.exec(
        "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables where relid = "
        "'ledger.journal'::regclass");
    EXPECT_EQ(read.integer(0, 0), 0);
    EXPECT_LE(read.integer(0, 1), 30) << "the locks of the shard are held meanwhile";
}

/// Lanes, splits and new balances lock the same rows from two nodes; afterwards each count is what was
/// posted.
TEST_F(LedgerLimits, a_refund_of_what_was_reserved_on_another_day_makes_no_room_today) {
    limit("reserved", "amount_per_day", "EUR", 1000);
    const auto on = bench().open_account();
    const auto receipt = post(by("reserved", a_place(on, "", euro("8"))));
    const auto hold = bench().run(ledger().find_hold(receipt.value().hold.value())).value();
    EXPECT_EQ(used("reserved", "amount_per_day"), "800");
    // As if all that had been yesterday.
    bench().exec("update ledger.hold set placed_at = placed_at - interval '1 day' where account_id = " +
                 std::to_string(on->id));
    bench().exec(
        "update ledger.limit_use u set since = u.since - 1 from ledger.application a"
        " where a.application_id = u.application_id and a.name = 'reserved'");
    EXPECT_EQ(ask(by("reserved", a_charge(on, "today", euro("10")))), "posted");
    EXPECT_EQ(ask(by("reserved", a_capture(hold, "taken", euro("8")))), "posted");
    EXPECT_EQ(ask(by("reserved", a_refund(on, "back", "taken", euro("8")))), "posted");
    EXPECT_EQ(ask(by("reserved", a_charge(on, "more", euro("0.01")))), "over_limit");
    EXPECT_EQ(ask(by("reserved", a_refund(on, "back too", "today", euro("4")))), "posted");
    EXPECT_EQ(ask(by("reserved", a_charge(on, "more", euro("4")))), "posted");
}

TEST_F(LedgerLimits, nothing_is_lost_or_refused_for_another_reason_whatever_comes_together) {
    const std::vector<std::string> names{"mixed-a", "mixed-b", "mixed-c", "free"};
    for (const auto& name : names) {
        if (name == "free") continue;
        limit(name, "amount_per_day", "EUR", 6000);
        limit(name, "subscriber_amount_per_day", "EUR", 2500);
        limit(name, "requests_per_day", "", 90);
    }
    const auto on = accounts(12);
    std::mt19937 random(7);
    const auto one_of = [&](std::size_t size) {
        return std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
    };
    std::map<std::string, int> counts;
    for (int round = 0; round < 6; ++round) {
        std::vector<Request> requests;
        for (int i = 0; i < 150; ++i) {
            const auto& name = names[one_of(names.size())];
            const auto reference = std::to_string(round) + "-" + std::to_string(i);
            const auto& account = on[one_of(on.size())];
            const auto sum = euro("0." + std::to_string(10 + one_of(80)));
            switch (one_of(5)) {
                case 0:
                    requests.push_back(by(name, a_place(account, reference, sum)));
                    break;
                case 1:
                    requests.push_back(
                        by(name, a_split({{account, 50}, {on[one_of(on.size())], 50}}, reference, sum)));
                    break;
                case 2:
                    requests.push_back(by(name, a_credit(account, reference, sum)));
                    break;
                default:
                    requests.push_back(by(name, a_charge(account, reference, sum)));
            }
        }
        for (const auto& answer : ask_all(std::move(requests))) ++counts[answer];
    }
    EXPECT_EQ(counts["posted"] + counts["over_limit"], 6 * 150) << "and nothing else";
    EXPECT_GT(counts["over_limit"], 50);
    // A split counts once; the shares beside its accounts are parts of it.
    const std::string no_share = "(r.operation <> 'split' or r.account_id = 0)";
    for (const auto& name : names) {
        if (name == "free") continue;
        const auto posted = bench().value(
            "select coalesce(sum(coalesce(r.amount, (select sum(l.amount) from ledger.request_leg l"
            "                                         where l.shard = r.shard and l.request_id = "
            "r.request_id))),"
            " 0)"
            "  from ledger.request r join ledger.application a using (application_id)"
            " where a.name = '" +
            name + "' and r.operation <> 'credit' and " + no_share);
        EXPECT_EQ(used(name, "amount_per_day"), posted) << name;
        EXPECT_EQ(used(name, "requests_per_day"),
                  bench().value("select count(*) from ledger.request r join ledger.application a"
                                " using (application_id) where a.name = '" +
                                name + "' and " + no_share));
        EXPECT_EQ(bench().value("select count(*) from ledger.limit_use u"
                                "  join ledger.application_limit l using (application_id, name, item)"
                                " where u.used > l.value"),
                  "0");
    }
}

TEST(BatchPlan, without_some_entries_copies_look_for_the_copy_before) {
    ledger::BatchPlan plan;
    plan.entries = {{10, {}}, {11, {}}, {12, 1}, {13, 2}, {14, {}}, {15, 3}};
    const auto entries = [](const ledger::BatchPlan& of) {
        std::vector<std::pair<std::size_t, int>> result;
        for (const auto& entry : of.entries)
            result.emplace_back(entry.posting, entry.earlier ? static_cast<int>(*entry.earlier) : -1);
        return result;
    };
    using Entries = std::vector<std::pair<std::size_t, int>>;
    const auto rest = [&](std::vector<std::size_t> left_out) { return entries(without(plan, left_out)); };
    EXPECT_EQ(rest({0}), (Entries{{11, -1}, {12, 0}, {13, 1}, {14, -1}, {15, 2}}));
    EXPECT_EQ(rest({1}), (Entries{{10, -1}, {12, -1}, {13, 1}, {14, -1}, {15, 2}}));
    EXPECT_EQ(rest({2, 4}), (Entries{{10, -1}, {11, -1}, {13, 1}, {15, 2}}));
    EXPECT_EQ(rest({1, 2, 3}), (Entries{{10, -1}, {14, -1}, {15, -1}}));
    EXPECT_TRUE(rest({0, 1, 2, 3, 4, 5}).empty());
}

}  // namespace
