// PostgreSQL killed under load, requests that cross each other, a batch with a poisonous request, the
// planner's trap.
#include "tests/support/ledger_suite.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <future>

using namespace tests;

namespace {

using Results = std::vector<ledger::Result<ledger::Receipt>>;
using Work = std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>>;

std::ptrdiff_t count_of(const Results& results, const std::string& wanted) {
    return std::ranges::count(results, wanted, [](const auto& r) { return outcome(r); });
}

class LedgerFaults : public LedgerSuite {
  protected:
    /// A value by a session of its own, whose snapshot of the statistics is new.
    static std::string one(LedgerBench& bench, const std::string& query) {
        auto session = bench.session();
        return std::string(session.exec(query).text(0, 0));
    }
};

// --- Deadlocks and lost updates

TEST_F(LedgerFaults, TransfersThatCrossDoNotBlockEachOther) {
    const auto second = bench().another();
    const auto other = bench().open_account();
    Work work;
    for (int i = 0; i < 150; ++i) {
        auto& through = i % 2 ? ledger() : *second;
        work.push_back(
            tests::post(through, a_transfer(account_, other, "there " + std::to_string(i), euro("0.30"))));
        work.push_back(
            tests::post(through, a_transfer(other, account_, "back " + std::to_string(i), euro("0.20"))));
        work.push_back(tests::post(through, a_charge(account_, "charge " + std::to_string(i), euro("0.10"))));
    }
    const auto results = bench().run_all(std::move(work));
    EXPECT_EQ(count_of(results, "posted"), 450);
    EXPECT_EQ(state(), "70.00 0.00 70.00");
    EXPECT_EQ(state(other), "115.00 0.00 115.00");
    EXPECT_EQ(bench().value("select deadlocks from pg_stat_database where datname = current_database()"),
              "0");
}

TEST_F(LedgerFaults, SweepsAgainstCaptures) {
    std::vector<ledger::HoldPtr> holds;
    while (holds.size() < 100) holds.push_back(hold(account_, euro("1")));
    std::atomic<bool> done = false;
    auto sweeping = std::async(std::launch::async, [&] {
        auto session = bench().session();
        std::int64_t swept = 0;
        for (std::size_t i = 0; i < holds.size() && !done; i += 3) {
            make_due(holds[i]);
            swept += session
                         .exec("select ledger.sweep_holds($1, 100)",
                               base::sql::params(std::int64_t{account_->shard}))
                         .integer(0, 0);
        }
        return swept;
    });
    Work work;
    for (std::size_t i = 0; i < holds.size(); ++i) {
        work.push_back(tests::post(ledger(), a_capture(holds[i], "c" + std::to_string(i), euro("0.60"))));
    }
    const auto results = bench().run_all(std::move(work));
    done = true;
    sweeping.get();
    const auto captured = count_of(results, "posted");
    EXPECT_EQ(captured + count_of(results, "unknown_hold"), 100);
    EXPECT_EQ(bench().value("select count(*) from finance.journal where kind = 'capture' and account_id = " +
                            std::to_string(account_->id)),
              std::to_string(captured));
}

TEST_F(LedgerFaults, ClosingAgainstCharges) {
    for (int round = 0; round < 10; ++round) {
        const auto account = bench().open_account();
        auto closing = std::async(std::launch::async, [&] {
            auto session = bench().session();
            return std::string(session
                                   .exec("select ledger.close_account(" + key_of(account) +
                                         ", ledger.application_id('operator'), '')")
                                   .text(0, 0));
        });
        Work work;
        for (int i = 0; i < 40; ++i) {
            work.push_back(tests::post(ledger(), a_charge(account, "r" + std::to_string(i), euro("1"))));
            work.push_back(
                tests::post(ledger(), a_credit(account, "c" + std::to_string(i), euro("1"), "main")));
        }
        const auto results = bench().run_all(std::move(work));
        EXPECT_EQ(closing.get(), "posted");
        EXPECT_EQ(count_of(results, "posted") + count_of(results, "stale_address"), 80);
        EXPECT_EQ(state(account), "0.00 0.00 0.00");
    }
}

// --- A batch with a poisonous request

TEST_F(LedgerFaults, APoisonousRequestDoesNotFailItsBatch) {
    // Nothing that a client can send makes post_batch raise; a balance that has lost count of its rows does.
    LedgerBench bench;
    const auto healthy = bench.open_account();
    const auto broken = bench.open_account();
    bench.exec("update ledger.balance set seq = seq - 1 where balance_type = 'main' and account_id = " +
               std::to_string(broken->id));
    Work work;
    for (int i = 0; i < 50; ++i) {
        work.push_back(tests::post(bench.ledger(), a_charge(healthy, "h" + std::to_string(i), euro("1"))));
        if (i % 10 == 0) {
            work.push_back(tests::post(bench.ledger(), a_charge(broken, "b" + std::to_string(i), euro("1"))));
        }
    }
    const auto results = bench.run_all(std::move(work));
    EXPECT_EQ(count_of(results, "posted"), 50);
    EXPECT_EQ(count_of(results, "internal"), 5);
    EXPECT_EQ(bench.posted(healthy, "main"), "50.00");
    EXPECT_EQ(bench.posted(broken, "main"), "100.00");
}

// --- The planner's trap

TEST_F(LedgerFaults, TablesThatWereAnalysedEmptyAreStillProbedByIndex) {
    LedgerBench bench;
    bench.exec("analyze");
    std::vector<ledger::AccountPtr> accounts;
    while (accounts.size() < 40) accounts.push_back(bench.open_account(accounts.size() % 2 == 0));
    const std::string tables =
        " from pg_stat_user_tables where relname in ('journal', 'request', 'request_leg', 'balance', "
        "'account', 'hold', "
        "'hold_leg')";
    const auto probes = [&] { return std::stoi(one(bench, "select sum(idx_scan)" + tables)); };
    const auto scans = [&] {
        return one(bench,
                   "select string_agg(concat(relname, ' ', seq_scan), ', ' order by relname)" + tables);
    };
    const auto round = [&](int number) {
        Work work;
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            const auto key = std::to_string(number);
            auto& ledger = bench.ledger();
            const auto& next = accounts[(i + 1) % accounts.size()];
            work.push_back(tests::post(ledger, a_charge(accounts[i], "r" + key, euro("0.20"))));
            work.push_back(tests::post(ledger, a_place(accounts[i], "h" + key, euro("0.10"))));
            work.push_back(tests::post(ledger, a_refund(accounts[i], "b" + key, "r" + key, euro("0.10"))));
            work.push_back(tests::post(ledger, a_transfer(accounts[i], next, "t" + key, euro("0.10"))));
            work.push_back(tests::post(ledger, a_reversal(accounts[i], "u" + key, "transfer", "t" + key)));
            const auto split = "s" + key + " " + std::to_string(i);
            work.push_back(
                tests::post(ledger, a_split({{accounts[i], 50}, {next, 50}}, split, euro("0.10"))));
        }
        for (const auto& result : bench.run_all(std::move(work))) ASSERT_NE(outcome(result), "internal");
        bench.exec(
            "select count(ledger.sweep_holds(shard, 10) + ledger.sweep_balances(shard, '1 day', 10)) from "
            "ledger.shard");
    };
    round(0);
    // Sessions hand their counters over when they like: after a round that was surely counted.
    const auto settle = [&] {
        auto seen = probes();
        for (int quiet = 0; quiet < 20;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            const auto now = probes();
            quiet = now == seen ? quiet + 1 : 0;
            seen = now;
        }
    };
    settle();
    const auto scans_before = scans();
    const auto probes_before = probes();
    for (int i = 1; i <= 9; ++i) round(i);
    settle();
    EXPECT_GT(probes() - probes_before, 2'000);
    EXPECT_EQ(scans(), scans_before);
}

// --- PostgreSQL killed

/// Charges under way while something terrible happens; each must be posted once.
void survive(const std::function<void(LedgerBench&)>& disaster) {
    auto options = LedgerBench::default_options();
    options.lane.resend_for = std::chrono::minutes(2);
    options.lane.queue_timeout = std::chrono::minutes(2);
    LedgerBench bench(options);
    const auto second = bench.another();
    std::vector<ledger::AccountPtr> accounts;
    while (accounts.size() < 20) accounts.push_back(bench.open_account());
    // Whoever asks is looked up once, without a second try: that is not what is tested here.
    bench.run(tests::post(bench.ledger(), a_credit(accounts[0], "first", euro("1"), "bonus"))).value();
    bench.run(tests::post(*second, a_credit(accounts[1], "first", euro("1"), "bonus"))).value();
    Work work;
    for (int i = 0; i < 200; ++i) {
        for (const auto& account : accounts) {
            auto& through = i % 2 ? bench.ledger() : *second;
            work.push_back(tests::post(through, a_charge(account, "r" + std::to_string(i), euro("0.25"))));
        }
    }
    work.push_back(tests::post(*second, a_transfer(accounts[0], accounts[1], "t", euro("1"))));
    auto load = std::async(std::launch::async, [&] { return bench.run_all(std::move(work)); });
    // The posting has begun.
    while (bench.value("select count(*) > 0 from ledger.request where operation = 'charge'") != "t") {
    }
    disaster(bench);
    const auto results = load.get();
    for (const auto& result : results) ASSERT_TRUE(result) << outcome(result);
    auto session = bench.session();
    EXPECT_EQ(session.exec("select count(*) from ledger.journal where kind = 'charge'").integer(0, 0), 4'000);
    EXPECT_EQ(session
                  .exec("select count(*) from finance.balances where balance_type = 'main' and posted not in "
                        "(49, 50, 51)")
                  .integer(0, 0),
              0);
    EXPECT_EQ(broken_rules(session), "");
}

TEST(LedgerDisaster, ABackendIsKilledUnderLoad) {
    survive([](LedgerBench& bench) {
        const auto pid =
            std::stoi(bench.value("select pid from pg_stat_activity where application_name = 'test' and "
                                  "datname = current_database() and query like '%post_batch%' limit 1"));
        ::kill(pid, SIGKILL);
    });
}

TEST(LedgerDisaster, PostgresStopsAtOnceAndComesBack) {
    survive([](LedgerBench&) {
        auto& server = Postgres::instance().server();
        const auto pid = server.pid();
        ::kill(pid, SIGQUIT);
        int status = 0;
        ASSERT_EQ(::waitpid(pid, &status, 0), pid);
        server.ended();
        server.start();
    });
}

}  // namespace
