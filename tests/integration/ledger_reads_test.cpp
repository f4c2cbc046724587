// What the services read of an account: balances as they stand, and the history newest first.
#include "tests/support/ledger_suite.hpp"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace {

using ledger::Refusal;
using tests::a_capture;
using tests::a_charge;
using tests::a_credit;
using tests::euro;

class LedgerReads : public tests::LedgerSuite {
  protected:
    static ledger::Balance balance(const ledger::AccountPtr& account, const std::string& type) {
        const auto all = bench().run(ledger().balances(account)).value();
        for (const auto& one : all) {
            if (one.type == type) return one;
        }
        ADD_FAILURE() << "no balance " << type;
        return {};
    }

    /// "reference amount balance_after", newest first.
    ledger::Result<std::vector<std::string>> history(std::optional<std::size_t> entries,
                                                     ledger::BalanceType type = {},
                                                     std::optional<ledger::TimePoint> from = {}) {
        ledger::HistoryQuery query;
        query.account = account_;
        query.balance_type = std::move(type);
        query.from = from;
        query.max_entries = entries;
        const auto found = bench().run(ledger().history(std::move(query)));
        if (!found) return found.error();
        std::vector<std::string> lines;
        for (const auto& entry : *found) {
            lines.push_back(entry.reference + ' ' + entry.amount.text(entry.decimals) + ' ' +
                            entry.balance_after.text(entry.decimals));
        }
        return lines;
    }
    using Lines = std::vector<std::string>;
};

TEST_F(LedgerReads, BalancesAsTheyStand) {
    set_credit_limit(account_, "main", 500);
    const auto placed = hold(account_, euro("30"));
    auto main = balance(account_, "main");
    EXPECT_EQ(main.unit, "EUR");
    EXPECT_EQ(main.posted.text(2), "100.00");
    EXPECT_EQ(main.held.text(2), "30.00");
    EXPECT_EQ(main.available.text(2), "75.00");
    EXPECT_TRUE(main.is_default);
    EXPECT_FALSE(main.expires_at);
    EXPECT_EQ(balance(account_, "data").posted.text(0), "1000000");
    EXPECT_EQ(bench().run(ledger().balances(account_)).value().size(), 3U);

    make_due(placed);
    EXPECT_EQ(balance(account_, "main").available.text(2), "105.00") << "a due hold holds nothing";
    make_expired(account_, "bonus", "1 hour");
    const auto bonus = balance(account_, "bonus");
    EXPECT_EQ(bonus.available.text(2), "0.00");
    EXPECT_LT(*bonus.expires_at, std::chrono::system_clock::now());
}

TEST_F(LedgerReads, AnAddressThatMovedIsNoticed) {
    bench().exec("select ledger.add_address(" + key_of(account_) + ", 'sip:reads@example.com')");
    EXPECT_EQ(bench().run(ledger().balances(account_)).error(), Refusal::stale_address);
    EXPECT_EQ(history(1).error(), Refusal::stale_address);
}

TEST_F(LedgerReads, HistoryByCountAndDate) {
    ASSERT_EQ(ask(a_charge(account_, "h1", euro("1"))), "posted");
    ASSERT_EQ(ask(a_charge(account_, "h2", euro("2"), "bonus")), "posted");
    ASSERT_EQ(ask(a_charge(account_, "h3", euro("3"))), "posted");
    EXPECT_EQ(history(2).value(), (Lines{"h3 -3.00 96.00", "h2 -2.00 8.00"}));
    EXPECT_EQ(history(0).value(), Lines{});
    EXPECT_EQ(history({}, "main").value(),
              (Lines{"h3 -3.00 96.00", "h1 -1.00 99.00", "open-main 100.00 100.00"}));
    EXPECT_EQ(history({}, "").value().size(), 6U);
    EXPECT_EQ(history(1, "none").error(), Refusal::unknown_balance);

    ledger::HistoryQuery query;
    query.account = account_;
    query.max_entries = 2;
    const auto second = bench().run(ledger().history(std::move(query))).value().at(1);
    EXPECT_EQ(history({}, {}, second.recorded_at).value(), (Lines{"h3 -3.00 96.00", "h2 -2.00 8.00"}))
        << "an entry of that very time belongs to it";
    EXPECT_EQ(history({}, {}, second.recorded_at + std::chrono::microseconds(1)).value(),
              (Lines{"h3 -3.00 96.00"}));
    EXPECT_EQ(history({}, {}, ledger::TimePoint::max()).value(), Lines{});
    EXPECT_EQ(history({}, {}, ledger::TimePoint::min()).value().size(), 6U);
    EXPECT_EQ(second.kind, "charge");
    EXPECT_EQ(second.application, "shop");
    EXPECT_EQ(second.description, "test");
    EXPECT_EQ(second.balance_type, "bonus");
}

TEST_F(LedgerReads, BothReadByIndexOnly) {
    auto session = bench().session("ledgerline_service");
    const auto key = base::sql::params(std::int64_t{account_->shard}, account_->id);
    for (const auto* statement : {"select count(*) from ledger.balances_of($1, $2, 0)",
                                  "select count(*) from ledger.history_of($1, $2, 0, null, null, 5)"}) {
        const base::sql::Transaction transaction(session);
        session.exec(statement, key);
        EXPECT_EQ(session
                      .exec("select coalesce(sum(seq_scan), 0) from pg_stat_xact_user_tables"
                            " where relname in ('account', 'balance', 'journal', 'hold', 'hold_leg')")
                      .integer(0, 0),
                  0)
            << statement;
    }
}

/// PostgreSQL plans a function in SQL that has settings, or its owner's rights, at each call.
TEST_F(LedgerReads, WhatIsAskedWithEveryRequestKeepsItsPlan) {
    auto session = bench().session("ledgerline_service");
    EXPECT_EQ(session
                  .exec("select coalesce(string_agg(p.oid::regproc::text, ' '), '')"
                        "  from pg_proc p join pg_language l on l.oid = p.prolang"
                        " where p.oid = any ('{ledger.find_accounts, ledger.balances_of, ledger.history_of,"
                        "                      ledger.requests_of, ledger.price_of, ledger.select_tariff,"
                        "                      ledger.split_shard, auth.is_disabled, auth.disabled_addresses,"
                        "                      ledger.bindings, rules.load, notification.rules_of,"
                        "                      ledger.record_calls}'::regproc[])"
                        "   and l.lanname = 'sql'")
                  .text(0, 0),
              "");
}

/// Half of the cache is read ahead: what is among it needs no look-up, and nothing beyond it is known.
TEST(Directory, ReadsAddressesAhead) {
    auto options = tests::LedgerBench::default_options();
    options.address_cache = 4;
    tests::LedgerBench bench(options);
    const auto accounts = [&] {
        const auto rows =
            bench.session().exec("select address, account_id from ledger.address order by address");
        std::vector<std::pair<std::string, std::int64_t>> all;
        for (std::size_t row = 0; row < rows.size(); ++row)
            all.emplace_back(rows.text(row, 0), rows.integer(row, 1));
        return all;
    };
    for (int i = 0; i < 3; ++i) bench.open_account();
    bench.exec("select ledger.release_address('" + accounts().front().first + "')");
    bench.open_account();
    const auto all = accounts();
    bench.exec("alter function ledger.find_accounts rename to no_look_ups");

    bench.ledger().forget_all_addresses();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (bench.ledger().addresses() < 2 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(bench.run(bench.ledger().find(all[0].first)).error(), Refusal::unavailable) << "nobody has it";
    for (const auto i : {1U, 2U})
        EXPECT_EQ(bench.run(bench.ledger().find(all[i].first)).value()->id, all[i].second);
    EXPECT_EQ(bench.run(bench.ledger().find(all[3].first)).error(), Refusal::unavailable) << "beyond half";
    EXPECT_EQ(bench.ledger().addresses(), 2U);
}

}  // namespace
