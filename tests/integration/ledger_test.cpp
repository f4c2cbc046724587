// The ledger's operations one by one on a real PostgreSQL: each outcome, and that a refusal changes nothing.
#include "tests/support/ledger.hpp"
#include "ledger/batch.hpp"
#include "tests/support/ledger_audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <future>
#include <thread>

using ledger::Refusal;
using tests::amount;
using tests::euro;

namespace {

class LedgerTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { bench_.emplace(); }
    static void TearDownTestSuite() { bench_.reset(); }

    /// An account of its own for each test: main EUR 100.00 (default), bonus EUR 10.00, data 1,000,000 bytes.
    void SetUp() override { account_ = bench().open_account(); }
    void TearDown() override {
        EXPECT_EQ(bench().value("select count(*) from finance.trial_balance where total <> 0"), "0");
    }

    static tests::LedgerBench& bench() { return *bench_; }
    std::string posted(const std::string& type = "main") { return bench().posted(account_, type); }

    ledger::Result<ledger::Receipt> charge(const std::string& reference, ledger::Amount value,
                                           ledger::BalanceType type = {}) {
        ledger::Charge request;
        request.account = account_;
        request.origin = {.application = "shop", .reference = reference, .description = "song", .code = {}};
        request.amount = std::move(value);
        request.balance_type = std::move(type);
        return bench().run(bench().ledger().charge(std::move(request)));
    }

    ledger::Result<ledger::Receipt> refund(const std::string& reference, ledger::Amount value,
                                           std::optional<std::string> original = {}, bool unlinked = false,
                                           ledger::BalanceType type = {}) {
        ledger::Refund request;
        request.account = account_;
        request.origin = {.application = "shop", .reference = reference, .description = "sorry", .code = {}};
        request.amount = std::move(value);
        request.balance_type = std::move(type);
        request.original_reference = std::move(original);
        request.unlinked_allowed = unlinked;
        return bench().run(bench().ledger().refund(std::move(request)));
    }

    static inline std::optional<tests::LedgerBench> bench_;
    ledger::AccountPtr account_;
};

TEST_F(LedgerTest, ChargeTakesFromTheDefaultBalance) {
    const auto receipt = charge("r1", euro("1.50"));
    ASSERT_TRUE(receipt);
    EXPECT_FALSE(receipt->replayed);
    EXPECT_EQ(posted(), "98.50");
    EXPECT_EQ(posted("bonus"), "10.00");
}

TEST_F(LedgerTest, ANamedBalanceIsUsedAlone) {
    ASSERT_TRUE(charge("r1", euro("10"), "bonus"));
    EXPECT_EQ(posted("bonus"), "0.00");
    EXPECT_EQ(charge("r2", euro("0.01"), "bonus").error(), Refusal::insufficient_funds);
    EXPECT_EQ(posted(), "100.00");
}

TEST_F(LedgerTest, AnEmptyBalanceTypeIsTheDefaultOne) {
    ASSERT_TRUE(charge("r1", euro("1"), ""));
    EXPECT_EQ(posted(), "99.00");
}

TEST_F(LedgerTest, TheSameKeyIsPostedOnce) {
    const auto first = charge("r1", euro("1.5"));
    const auto second = charge("r1", euro("1.50"));
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(second->replayed);
    EXPECT_EQ(second->journal_no, first->journal_no);
    EXPECT_EQ(second->request_id, first->request_id);
    EXPECT_EQ(posted(), "98.50");
}

TEST_F(LedgerTest, TheSameKeyWithOtherContentIsRefused) {
    ASSERT_TRUE(charge("r1", euro("1.50")));
    EXPECT_EQ(charge("r1", euro("1.51")).error(), Refusal::reference_conflict);
    EXPECT_EQ(charge("r1", euro("1.50"), "main").error(), Refusal::reference_conflict);
    EXPECT_EQ(charge("r1", amount("1.50")).error(), Refusal::reference_conflict);
    EXPECT_EQ(posted(), "98.50");
}

TEST_F(LedgerTest, ARefusedRequestIsNotRemembered) {
    EXPECT_EQ(charge("r1", euro("100.01")).error(), Refusal::insufficient_funds);
    EXPECT_TRUE(charge("r1", euro("100.00")));
    EXPECT_EQ(posted(), "0.00");
}

struct Bad {
    const char* value;
    const char* unit;
    const char* balance;
    Refusal refusal;
};

TEST_F(LedgerTest, BadInputIsRefusedAndChangesNothing) {
    const std::string before = bench().fingerprint();
    const Bad cases[]{
        {"0", "EUR", nullptr, Refusal::not_positive},
        {"-1", "EUR", nullptr, Refusal::not_positive},
        {"1.005", "EUR", nullptr, Refusal::too_many_decimals},
        {"10000000000000.01", "EUR", nullptr, Refusal::too_large},
        {"9223372036854775807", "EUR", nullptr, Refusal::too_large},
        {"92233720368547758.07", "EUR", nullptr, Refusal::too_large},
        {"123456789012345678901234567890", "EUR", nullptr, Refusal::too_large},
        {"-123456789012345678901234567890", "EUR", nullptr, Refusal::not_positive},
        {"1", "USD", nullptr, Refusal::wrong_unit},
        {"1", "XAU", nullptr, Refusal::wrong_unit},
        {"1", "eur", nullptr, Refusal::wrong_unit},
        {"1", "EUR", "data", Refusal::wrong_unit},
        {"1", "EUR", "nonsense", Refusal::unknown_balance},
        {"1", nullptr, "\xff", Refusal::unknown_balance},
        {"0.5", nullptr, "data", Refusal::too_many_decimals},
        {"100.01", "EUR", nullptr, Refusal::insufficient_funds},
    };
    for (const auto& c : cases) {
        auto value = amount(c.value);
        if (c.unit) value.unit = c.unit;
        const auto receipt = charge("bad", value, c.balance ? ledger::BalanceType(c.balance) : std::nullopt);
        ASSERT_FALSE(receipt) << c.value;
        EXPECT_EQ(receipt.error(), c.refusal) << c.value << " got " << to_string(receipt.error());
    }
    // In minor units it has two decimals more than a number can.
    auto tiny = euro("0." + std::string(32'766, '0') + "1");
    tiny.minor = true;
    EXPECT_EQ(charge("bad", tiny).error(), Refusal::too_large);
    EXPECT_EQ(charge("", euro("1")).error(), Refusal::invalid_reference);
    EXPECT_EQ(charge(std::string(256, 'x'), euro("1")).error(), Refusal::invalid_reference);
    EXPECT_EQ(charge(std::string("a\0b", 3), euro("1")).error(), Refusal::invalid_reference);
    EXPECT_EQ(bench().fingerprint(), before);
}

TEST_F(LedgerTest, ALinkedRefundGivesBackAtMostTheCharge) {
    ASSERT_TRUE(charge("r1", euro("30"), "main"));
    ASSERT_TRUE(refund("r1-a", euro("10"), "r1"));
    EXPECT_EQ(refund("r1-b", euro("20.01"), "r1").error(), Refusal::beyond_charge);
    ASSERT_TRUE(refund("r1", euro("20")));  // its own reference names the charge
    EXPECT_EQ(refund("r1-c", euro("0.01"), "r1").error(), Refusal::beyond_charge);
    EXPECT_EQ(posted(), "100.00");
    EXPECT_EQ(
        bench().value("select count(*) from finance.journal where refund_of is not null and account_id = " +
                      std::to_string(account_->id)),
        "2");
}

TEST_F(LedgerTest, RefundsOfOneChargeShareABatch) {
    std::vector<ledger::Posting> postings;
    for (const auto operation :
         {ledger::Operation::refund, ledger::Operation::charge, ledger::Operation::refund,
          ledger::Operation::charge, ledger::Operation::refund}) {
        ledger::Posting posting;
        posting.operation = operation;
        posting.account = account_;
        posting.reference = "r1";
        if (operation == ledger::Operation::refund) {
            posting.original_reference = posting.reference;
            posting.reference = "back-" + std::to_string(postings.size());
        }
        postings.push_back(std::move(posting));
    }
    std::vector<const ledger::Posting*> pointers;
    for (const auto& posting : postings) pointers.push_back(&posting);
    const auto plan = ledger::plan_batch(pointers);
    EXPECT_EQ(plan.entries.size(), 3U) << "one at a time, they kept everybody else waiting";
    EXPECT_EQ(plan.deferred, (std::vector<std::size_t>{1, 3})) << "a charge is not among its refunds";

    ASSERT_TRUE(charge("r1", euro("30"), "main"));
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    for (int i = 0; i < 60; ++i) {
        ledger::Refund request;
        request.account = account_;
        request.origin = {.application = "shop",
                          .reference = "back-" + std::to_string(i),
                          .description = "sorry",
                          .code = {}};
        request.amount = euro("1");
        request.original_reference = "r1";
        work.push_back(bench().ledger().refund(std::move(request)));
    }
    const auto results = bench().run_all(std::move(work));
    EXPECT_EQ(std::ranges::count_if(results, [](const auto& result) { return result.has_value(); }), 30);
    for (const auto& result : results) {
        if (result) continue;
        EXPECT_EQ(result.error(), Refusal::beyond_charge);
    }
    EXPECT_EQ(posted(), "100.00");
    auto session = bench().session();
    EXPECT_EQ(tests::broken_rules(session), "");
}

TEST_F(LedgerTest, ARefundWithoutAChargeNeedsLeave) {
    EXPECT_EQ(refund("r1", euro("5")).error(), Refusal::refund_not_linked);
    EXPECT_EQ(refund("r1", euro("5"), "no-such-charge", true).error(), Refusal::unknown_charge);
    EXPECT_TRUE(refund("r1", euro("5"), {}, true, "bonus"));
    EXPECT_EQ(posted("bonus"), "15.00");
    EXPECT_EQ(posted(), "100.00");
}

TEST_F(LedgerTest, ConcurrentRequestsEachGetTheirOwnOutcome) {
    // 40 charges of 3.00 on 100.00: 33 fit. Each is sent twice; the second one is a replay of the first.
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    for (int copy = 0; copy < 2; ++copy) {
        for (int i = 0; i < 40; ++i) {
            ledger::Charge request;
            request.account = account_;
            request.origin = {"shop", "c" + std::to_string(i), "", ""};
            request.amount = euro("3");
            work.push_back(bench().ledger().charge(std::move(request)));
        }
    }
    const auto results = bench().run_all(std::move(work));
    EXPECT_EQ(std::ranges::count_if(results, [](const auto& r) { return r && !r->replayed; }), 33);
    EXPECT_EQ(std::ranges::count_if(results, [](const auto& r) { return r && r->replayed; }), 33);
    EXPECT_EQ(posted(), "1.00");
}

TEST(Lane, ServesAQueueThatIsLongerThanABatch) {
    auto options = tests::LedgerBench::default_options();
    options.lane.batch_max = 3;
    tests::LedgerBench bench(options);
    const auto account = bench.open_account();
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    for (int i = 0; i < 100; ++i) {
        ledger::Charge request;
        request.account = account;
        request.origin = {"shop", "q" + std::to_string(i), "", ""};
        request.amount = euro("1");
        work.push_back(bench.ledger().charge(std::move(request)));
    }
    const auto results = bench.run_all(std::move(work));
    EXPECT_TRUE(std::ranges::all_of(results, [](const auto& r) { return r.has_value(); }));
    EXPECT_EQ(bench.posted(account, "main"), "0.00");
}

/// Of four clients that take up to 0.1 s to ask again the first one back would be posted alone, and the
/// others in a second transaction. A batch waits for them half as long as the last one took: a second here,
/// in which any machine has brought them back.
TEST(Lane, WaitsForThoseThatAskAgain) {
    auto options = tests::LedgerBench::default_options();
    options.lanes = 1;
    options.lane.gather_for = std::chrono::seconds(10);
    tests::LedgerBench bench(options);
    const auto account = bench.open_account();
    const auto transactions = [&] {
        return std::stoi(bench.value("select count(distinct xmin::text) from ledger.journal"));
    };
    const auto before = transactions();
    bench.exec(
        "create function slow() returns trigger language plpgsql "
        "as $$ begin perform pg_sleep(2); return null; end $$");
    bench.exec(
        "create trigger slow after insert on ledger.journal for each statement "
        "execute function slow()");
    constexpr int clients = 4;
    constexpr int rounds = 2;
    int references = 0;
    const auto client = [&](int charges, int pause) -> boost::asio::awaitable<bool> {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (charges-- > 0) {
            ledger::Charge request;
            request.account = account;
            request.origin = {"shop", "round" + std::to_string(references++), "", ""};
            request.amount = euro("0.01");
            if (!co_await bench.ledger().charge(std::move(request))) co_return false;
            timer.expires_after(std::chrono::milliseconds(pause));
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
        co_return true;
    };
    // Behind a charge that is being posted the four gather, and wait for each other from then on.
    auto first = std::async(std::launch::async, [&] { return bench.run(client(1, 0)); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (bench.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "0") {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nothing is posted";
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::vector<boost::asio::awaitable<bool>> work;
    for (int i = 0; i < clients; ++i) work.push_back(client(rounds, 30 * i));
    EXPECT_EQ(std::ranges::count(bench.run_all(std::move(work)), true), clients);
    EXPECT_TRUE(first.get());
    EXPECT_EQ(transactions() - before, 1 + rounds);
}

/// Which postings wait behind a locked shard tells which lane has them.
TEST(Lane, TheNextOneIsUsedWhenOneHasItsFill) {
    auto options = tests::LedgerBench::default_options();
    options.lanes = 2;
    options.lane.fill = 3;
    tests::LedgerBench bench(options);
    const auto account_of_lane = [&](int lane) {
        while (true) {
            auto account = bench.open_account();
            const auto& shards = bench.ledger().shards().all();
            if ((std::ranges::find(shards, account->shard) - shards.begin()) % 2 == lane) return account;
        }
    };
    const auto locked = account_of_lane(0);
    const auto other = account_of_lane(1);
    const auto charge = [&](const ledger::AccountPtr& account, const std::string& reference) {
        ledger::Charge request;
        request.account = account;
        request.origin = {"shop", reference, "", ""};
        request.amount = euro("1");
        return bench.run(bench.ledger().charge(std::move(request))).has_value();
    };
    ASSERT_TRUE(charge(other, "first of the shop"));

    auto session = bench.session();
    std::vector<std::future<bool>> behind;
    {
        const base::sql::Transaction lock(session);
        session.exec("select from ledger.shard where shard = " + std::to_string(locked->shard) +
                     " for update");
        const auto wait_for = [&](std::size_t postings) {
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (bench.ledger().waiting() != postings && std::chrono::steady_clock::now() < deadline)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return bench.ledger().waiting() == postings;
        };
        for (const auto& account : {locked, other, other}) {
            behind.push_back(
                std::async(std::launch::async, charge, account, "behind" + std::to_string(behind.size())));
            ASSERT_TRUE(wait_for(behind.size()));
        }
        EXPECT_TRUE(charge(other, "passes by"));
        EXPECT_EQ(bench.ledger().waiting(), 3U);
    }
    for (auto& posted : behind) EXPECT_TRUE(posted.get());
    EXPECT_EQ(bench.posted(other, "main"), "96.00");
}

/// A lane that has seen no repeated request for a while does not look for one before it posts.
TEST(Lane, FindsARepeatThatItDoesNotExpect) {
    tests::LedgerBench bench;
    const auto account = bench.open_account();
    const auto other = bench.open_account();
    const auto charge = [&](const ledger::AccountPtr& of, std::string reference, const char* amount) {
        ledger::Charge request;
        request.account = of;
        request.origin = {"shop", std::move(reference), "", ""};
        request.amount = euro(amount);
        return bench.ledger().charge(std::move(request));
    };
    const auto multixacts = [&] {
        bench.exec("checkpoint");
        return bench.value("select next_multixact_id from pg_control_checkpoint()");
    };
    const auto before = multixacts();
    const auto first = bench.run(charge(account, "first", "1"));
    for (int i = 0; i < 150; ++i)
        ASSERT_TRUE(bench.run(charge(other, "new" + std::to_string(i), "0.10"))) << i;
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    work.push_back(charge(account, "first", "1"));
    work.push_back(charge(other, "another", "1"));
    const auto results = bench.run_all(std::move(work));
    ASSERT_TRUE(results[0] && results[1]);
    EXPECT_TRUE(results[0]->replayed);
    EXPECT_EQ(results[0]->journal_no, first->journal_no);
    EXPECT_FALSE(results[1]->replayed);
    EXPECT_EQ(bench.run(charge(account, "first", "2")).error(), Refusal::reference_conflict);
    EXPECT_EQ(bench.posted(account, "main"), "99.00");
    EXPECT_EQ(bench.posted(other, "main"), "84.00");
    EXPECT_EQ(multixacts(), before)
        << "a shard's row was locked and changed by different parts of a transaction";
    auto session = bench.session();
    EXPECT_EQ(tests::broken_rules(session), "");
}

TEST_F(LedgerTest, AChargeAndItsRefundMayComeTogether) {
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    ledger::Charge first;
    first.account = account_;
    first.origin = {"shop", "together", "", ""};
    first.amount = euro("5");
    work.push_back(bench().ledger().charge(std::move(first)));
    for (int i = 0; i < 3; ++i) {
        ledger::Refund back;
        back.account = account_;
        back.origin = {"shop", "back" + std::to_string(i), "", ""};
        back.amount = euro("2");
        back.original_reference = "together";
        work.push_back(bench().ledger().refund(std::move(back)));
    }
    const auto results = bench().run_all(std::move(work));
    ASSERT_TRUE(results[0]);
    EXPECT_TRUE(results[1]);
    EXPECT_TRUE(results[2]);
    EXPECT_EQ(results[3].error(), Refusal::beyond_charge);
    EXPECT_EQ(posted(), "99.00");
}

TEST_F(LedgerTest, AnAddressThatMovedIsNoticedUnderTheLock) {
    const auto address = bench().address_of(account_);
    bench().exec("select ledger.release_address('" + address + "')");
    EXPECT_EQ(charge("r1", euro("1")).error(), Refusal::stale_address);
    bench().ledger().forget_address(address);
    EXPECT_EQ(bench().run(bench().ledger().find(address)).error(), Refusal::unknown_account);
}

TEST_F(LedgerTest, TheShardFormulaIsTheSameInSqlAndHere) {
    auto session = bench().session();
    const auto rows = session.exec(
        "select id, ledger.slot_of(id, 16), ledger.slot_of(id, 64) from (select generate_series(1, 300) "
        "union all "
        "select (random() * 9e15)::bigint from generate_series(1, 300) union all select 9223372036854775807) "
        "x(id)");
    for (std::size_t row = 0; row < rows.size(); ++row) {
        EXPECT_EQ(ledger::slot_of(rows.integer(row, 0), 16), rows.integer(row, 1));
        EXPECT_EQ(ledger::slot_of(rows.integer(row, 0), 64), rows.integer(row, 2));
    }
}

/// As a month's fees in the order of the accounts: balances that move to new pages fill them, for good.
TEST_F(LedgerTest, ChargingAllOfAPageInOneBatchMovesNoBalance) {
    auto superuser = bench().session("postgres");
    const auto rows = superuser.exec(R"(
        with opened as (
            insert into ledger.account (shard, account_id, domain, address, opened_at, balances)
            select s.shard, i, 'example.com', 'tel:+1666' || i, now(), 1
              from generate_series(1000001, 1000200) i
              join ledger.shard s on s.slot = ledger.slot_of(i, (select count(*) from ledger.shard))
             order by i
            returning *
        ), funded as (
            insert into ledger.balance (shard, account_id, balance_no, balance_type, unit, exponent,
                                        credit_limit, priority, created_at, account_epoch, takes_unnamed)
            select shard, account_id, 1, 'main', 'EUR', 2, 1000, 1, now(), epoch, true from opened
            returning *
        )
        select account_id, shard, account_epoch from funded)");
    std::vector<ledger::Posting> postings(rows.size());
    std::vector<const ledger::Posting*> pointers;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        ledger::Account account;
        account.id = rows.integer(row, 0);
        account.shard = static_cast<std::int16_t>(rows.integer(row, 1));
        account.epoch = static_cast<std::int32_t>(rows.integer(row, 2));
        auto& posting = postings[row];
        posting.account = std::make_shared<const ledger::Account>(account);
        posting.application = 1;
        posting.reference = "fee";
        posting.amount = euro("1.50");
        posting.contra = "revenue";
        posting.digest = ledger::digest_of(posting);
        pointers.push_back(&posting);
    }
    const std::string pages =
        "select string_agg((ctid::text::point)[0]::text, ' ' order by account_id) from ledger.balance "
        "where account_id > 1000000 and posted ";
    const auto before = bench().value(pages + "= 0");
    const auto plan = ledger::plan_batch(pointers);
    superuser.exec(ledger::post_batch_statement,
                   ledger::batch_parameters(pointers, plan, bench().default_options().lane.limits));
    EXPECT_EQ(bench().value(pages + "= -150"), before);
}

TEST_F(LedgerTest, NobodyButTheFunctionsWrites) {
    auto service = bench().session("ledgerline_service");
    EXPECT_THROW(service.exec("update ledger.balance set posted = 0"), base::sql::Error);
    EXPECT_THROW(service.exec("insert into ledger.contra values (5, 'revenue', 1, 'EUR', 1)"),
                 base::sql::Error);
    auto superuser = bench().session("postgres");
    ASSERT_TRUE(charge("r1", euro("1")));
    for (const auto* statement : {"update ledger.journal set amount = amount + 1",
                                  "delete from ledger.journal", "truncate ledger.journal"}) {
        EXPECT_THROW(superuser.exec(statement), base::sql::Error) << statement;
    }
    auto finance = bench().session("ledgerline_finance");
    EXPECT_NO_THROW(finance.exec("select * from finance.balances limit 1"));
    EXPECT_THROW(finance.exec("select * from ledger.balance limit 1"), base::sql::Error);
}

}  // namespace
