// Outcomes that need trouble: a full or slow queue, a database that is away, a clock that went back, text
// that cannot be stored.
#include "tests/support/ledger_suite.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

using namespace tests;

namespace {

using Outcome = ledger::Result<ledger::Receipt>;
using Work = std::vector<boost::asio::awaitable<Outcome>>;

std::ptrdiff_t count_of(const std::vector<Outcome>& results, const std::string& wanted) {
    return std::ranges::count(results, wanted, [](const auto& r) { return outcome(r); });
}

Work charges(LedgerBench& bench, const ledger::AccountPtr& account, int count) {
    Work work;
    for (int i = 0; i < count; ++i) {
        work.push_back(tests::post(bench.ledger(), a_charge(account, "r" + std::to_string(i), euro("1"))));
    }
    return work;
}

/// Whether the query says `true`; each time in a session of its own, whose snapshot of the statistics is new.
bool is_so(const LedgerBench& bench, const std::string& query) {
    base::sql::SessionOptions options;
    options.url = bench.url("postgres");
    base::sql::Session session(options);
    return session.exec(query).text(0, 0) == "t";
}

/// Whether somebody has waited for a lock for longer than a posting may for its turn in these tests.
bool lock_waited_for(const LedgerBench& bench) {
    return is_so(bench,
                 "select coalesce(max(clock_timestamp() - query_start) > interval '200 ms', false)"
                 " from pg_stat_activity"
                 " where datname = current_database() and wait_event_type = 'Lock'");
}

void wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

/// Runs `work` while all shards are locked; they are freed when `until` is true.
std::vector<Outcome> behind_locks(LedgerBench& bench, Work work, const std::function<bool()>& until) {
    auto locker = bench.session();
    locker.exec("begin");
    locker.exec("select from ledger.shard order by shard for update");
    auto results = std::async(std::launch::async, [&] { return bench.run_all(std::move(work)); });
    wait_until(until);
    locker.exec("rollback");
    return results.get();
}

boost::asio::awaitable<Outcome> counted(boost::asio::awaitable<Outcome> work, std::atomic<int>& answered) {
    auto result = co_await std::move(work);
    ++answered;
    co_return result;
}

TEST(LedgerRefusals, WhatDoesNotFitInTheQueueIsOverloadedAndNotPosted) {
    auto options = LedgerBench::default_options();
    options.lane.queue_limit = 10;
    options.lane.batch_max = 5;
    LedgerBench bench(options);
    const auto account = bench.open_account();
    std::atomic<int> answered = 0;
    Work work;
    for (auto& charge : charges(bench, account, 40)) work.push_back(counted(std::move(charge), answered));
    // Those that are refused are answered, while the others wait for the locks.
    const auto results = behind_locks(bench, std::move(work), [&] { return answered == 30; });
    const auto posted = count_of(results, "posted");
    EXPECT_EQ(posted, 10);
    EXPECT_EQ(count_of(results, "overloaded"), 40 - posted);
    EXPECT_EQ(bench.posted(account, "main"), std::to_string(100 - posted) + ".00");
    EXPECT_EQ(bench.run(tests::post(bench.ledger(), a_charge(account, "later", euro("1")))).has_value(),
              true);
}

TEST(LedgerRefusals, WhatWaitedTooLongIsOverloadedAndNotPosted) {
    auto options = LedgerBench::default_options();
    options.lane.queue_timeout = std::chrono::milliseconds(50);
    options.lane.batch_max = 5;
    LedgerBench bench(options);
    const auto account = bench.open_account();
    const auto results =
        behind_locks(bench, charges(bench, account, 40), [&] { return lock_waited_for(bench); });
    const auto posted = count_of(results, "posted");
    EXPECT_GE(posted, 1);
    EXPECT_LE(posted, 5);  // the batch that was under way
    EXPECT_EQ(count_of(results, "overloaded"), 40 - posted);
    EXPECT_EQ(bench.posted(account, "main"), std::to_string(100 - posted) + ".00");
}

/// What goes beside the lanes: whoever asked for it has long gone, and may have asked again under another
/// key.
TEST(LedgerRefusals, VolumesAndSplitsThatWaitedTooLongAreOverloadedAndNotPosted) {
    auto options = LedgerBench::default_options();
    options.lane.queue_timeout = std::chrono::milliseconds(50);
    LedgerBench bench(options);
    const auto account = bench.open_account();
    const auto other = bench.open_account();
    Work work;
    for (int i = 0; i < 20; ++i) {
        ledger::PlaceVolume place;
        place.account = account;
        place.origin = by_shop("");
        place.volume.value = 1;
        place.balance_type = "data";
        work.push_back(tests::post(bench.ledger(), std::move(place)));
        work.push_back(tests::post(
            bench.ledger(), a_split({{account, 50}, {other, 50}}, "r" + std::to_string(i), euro("2"))));
    }
    const auto results = behind_locks(bench, std::move(work), [&] { return lock_waited_for(bench); });
    const auto posted = count_of(results, "posted");
    EXPECT_GE(posted, 1);
    EXPECT_LE(posted, 4) << "more than there are sessions, which are under way";
    EXPECT_EQ(count_of(results, "overloaded"), 40 - posted);
    EXPECT_EQ(bench.value("select count(*) from ledger.request where application_id = "
                          "ledger.application_id('shop') and (operation = 'hold' or account_id = 0)"),
              std::to_string(posted));
}

boost::asio::awaitable<Outcome> after(std::chrono::milliseconds pause, boost::asio::awaitable<Outcome> work) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(pause);
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return co_await std::move(work);
}

/// A database may keep a commit waiting for ever: for a standby that is away.
TEST(LedgerRefusals, WhatWaitedTooLongIsToldSoWhileItsLaneIsKeptWaiting) {
    auto options = LedgerBench::default_options();
    options.lane.queue_timeout = std::chrono::milliseconds(50);
    options.lane.batch_max = 5;
    LedgerBench bench(options);
    const auto account = bench.open_account();
    std::atomic<int> answered = 0;
    auto all = charges(bench, account, 21);
    auto last = std::move(all.back());
    all.pop_back();
    Work work;
    for (auto& charge : all) work.push_back(counted(std::move(charge), answered));
    work.push_back(after(std::chrono::milliseconds(500), std::move(last)));
    const auto results = behind_locks(bench, std::move(work), [&] { return answered >= 15; });
    const auto posted = count_of(results, "posted");
    EXPECT_LE(posted, 6);  // the batch that was under way, and who came last
    EXPECT_EQ(count_of(results, "overloaded"), 21 - posted);
    EXPECT_EQ(bench.posted(account, "main"), std::to_string(100 - posted) + ".00");
}

/// A statement has its time-out; a commit that waits for a standby has none, and is told where nodes are
/// watched.
TEST(LedgerRefusals, ABatchThatIsNotAnsweredIsTroubleUntilItIs) {
    auto options = LedgerBench::default_options();
    options.lane.queue_timeout = std::chrono::milliseconds(500);
    options.lane.session.statement_timeout = std::chrono::milliseconds(0);
    LedgerBench bench(options);
    const auto account = bench.open_account();
    EXPECT_EQ(bench.ledger().trouble(), "");
    const auto results = behind_locks(bench, charges(bench, account, 1), [&] {
        return bench.ledger().trouble().starts_with("the database has not answered for");
    });
    EXPECT_EQ(count_of(results, "posted"), 1);
    EXPECT_EQ(bench.ledger().trouble(), "");
}

TEST(LedgerRefusals, ADatabaseThatIsAwayIsUnavailableAndTheSameKeyTellsLater) {
    auto options = LedgerBench::default_options();
    options.lane.resend_for = std::chrono::milliseconds(100);
    LedgerBench bench(options);
    const auto account = bench.open_account();
    ASSERT_EQ(outcome(bench.run(tests::post(bench.ledger(), a_charge(account, "before", euro("1"))))),
              "posted");
    const auto database = bench.value("select current_database()");
    bench.exec("select ledger.define_balance_type('example.com', 'fresh', 'EUR', 1)");
    const auto shut = [&] {
        bench.exec("alter database " + database + " connection limit 0");
        bench.exec(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
            "usename = 'ledgerline_service'");
    };
    // Of each way to post: a lane, a group, a new balance, a volume.
    const auto other = bench.open_account();
    ledger::ChargeVolume volume;
    volume.account = account;
    volume.origin = by_shop("away by volume");
    volume.volume.value = 7;
    volume.balance_type = "data";
    const std::vector<Request> requests{
        a_charge(account, "away", euro("1")),
        a_credit(account, "away", euro("1"), "fresh"),
        an_adjustment(account, "away", euro("2")),
        a_transfer(account, other, "away", euro("3")),
        a_split({{account, 50}, {other, 50}}, "away", euro("4")),
        a_reversal(account, "away", "charge", "before"),
        volume,
    };
    const auto ask = [&](const Request& request) {
        return outcome(bench.run(tests::post(bench.ledger(), request)));
    };
    const auto books = bench.fingerprint();
    shut();
    for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(ask(requests[i]), "unavailable") << i;
    EXPECT_EQ(bench.fingerprint(), books);
    bench.exec("alter database " + database + " connection limit -1");
    // Each session of the pool that is gone gets its next try after a pause of its own.
    const auto ask_all = [&](const std::string& expected) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            auto answer = ask(requests[i]);
            while (answer == "unavailable" && std::chrono::steady_clock::now() < deadline)
                answer = ask(requests[i]);
            EXPECT_EQ(answer, expected) << i;
        }
    };
    ask_all("posted");
    ask_all("replayed");
    EXPECT_EQ(bench.posted(account, "main"), "96.00") << "-1 -1 +2 -3 -2 +1";
    EXPECT_EQ(bench.posted(account, "data"), "999993");
}

class LedgerDates : public LedgerSuite {};

TEST_F(LedgerDates, RecordedTimeNeverGoesBackWhateverTheClockDoes) {
    // As if the clock had been an hour ahead at the last posting. One charge alone on its account, and
    // requests that take turns: both ways of posting.
    bench().exec("update ledger.shard set last_recorded_at = clock_timestamp() + interval '1 hour'");
    const auto other = bench().open_account();
    Work work;
    work.push_back(tests::post(ledger(), a_charge(other, "alone", euro("1"))));
    for (int i = 0; i < 3; ++i) {
        work.push_back(tests::post(ledger(), a_charge(account_, "r" + std::to_string(i), euro("1"))));
    }
    EXPECT_EQ(count_of(bench().run_all(std::move(work)), "posted"), 4);
    const auto back =
        "select count(*) from (select recorded_at < lag(recorded_at) over (partition by shard order by "
        "journal_no) as back, * from ledger.journal) j where back";
    EXPECT_EQ(bench().value(back), "0");
    EXPECT_EQ(
        bench().value("select count(*) from ledger.journal j join ledger.shard s using (shard) where kind = "
                      "'charge' and j.recorded_at < clock_timestamp() + interval '50 min'"),
        "0");
}

class LedgerTexts : public LedgerSuite {};

TEST_F(LedgerTexts, WhatCannotBeStoredIsRefusedByName) {
    const auto before = bench().fingerprint();
    for (const auto& text : {std::string("\xff"), std::string("a\0b", 3), std::string(100'000, 'x')}) {
        auto described = a_charge(account_, "r", euro("1"));
        described.origin.description = text;
        EXPECT_EQ(outcome(post(described)), "invalid_text");
        auto coded = a_charge(account_, "r", euro("1"));
        coded.origin.code = text;
        EXPECT_EQ(outcome(post(coded)), "invalid_text");
    }
    EXPECT_EQ(bench().fingerprint(), before);
}

}  // namespace
