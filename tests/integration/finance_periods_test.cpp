// Finance looking back: statements and balances at a time, totals by day before and after they are frozen,
// the close of a month; and that one account's history is found by index.
#include "tests/support/ledger_suite.hpp"

namespace {

using tests::a_charge;
using tests::a_credit;
using tests::a_refund;
using tests::a_reversal;
using tests::euro;

class FinancePeriods : public tests::LedgerSuite {
  protected:
    static std::string lines(const std::string& query) {
        return bench().value(
            "select coalesce(string_agg(x::text, ' ' order by n), '') from (select x, row_number() over ()"
            " as n from (" +
            query + ") x) y");
    }
    static std::string now() { return bench().value("select clock_timestamp()"); }
    static std::string statement(const std::string& address, const std::string& from, const std::string& to) {
        return lines("select reference_code, amount, balance_after from finance.statement('" + address +
                     "', " + quoted(from) + ", " + quoted(to) + ") where balance_type = 'main'");
    }
    static std::string balance_at(const std::string& address, const std::string& at) {
        return bench().value("select coalesce(finance.balance_at('" + address + "', 'main', '" + at +
                             "')::text, 'none')");
    }
    static std::string quoted(const std::string& time) {
        return time.empty() ? "null" : "'" + time + "'::timestamptz";
    }

    /// Freezes all that was recorded until now; when that was.
    static std::string freeze() {
        auto until = now();
        bench().exec("select ledger.date_shard(shard, '" + until + "') from ledger.shard");
        while (bench().value("select coalesce(ledger.freeze_totals('" + until + "')::text, 'done')") !=
               "done") {
        }
        return until;
    }
    static std::string totals() {
        return bench().value(
            "select md5(concat((select string_agg(concat_ws(' ', day, unit, contra, kind, count, amount), "
            "'|' order by day,"
            " unit, contra, kind) from finance.control_totals), (select string_agg(r::text, '|' order by "
            "day, application,"
            " unit) from finance.revenue_daily r)))");
    }
    static std::string revenue(const std::string& application) {
        return lines(
            "select sum(charged), sum(refunded), sum(net), sum(count) from finance.revenue_daily"
            " where unit = 'EUR' and application = '" +
            application + "'");
    }
};

TEST_F(FinancePeriods, AStatementIsHalfOpenAndRunsInOrder) {
    const auto address = bench().address_of(account_);
    const auto begin = now();
    ASSERT_EQ(ask(a_charge(account_, "p1", euro("1.50"))), "posted");
    const auto exact =
        bench().value("select max(recorded_at) from finance.journal where reference_code = 'p1'");
    ASSERT_EQ(ask(a_charge(account_, "p2", euro("2"))), "posted");
    EXPECT_EQ(statement(address, begin, ""), "(p1,-1.50,98.50) (p2,-2.00,96.50)");
    EXPECT_EQ(statement(address, exact, ""), "(p1,-1.50,98.50) (p2,-2.00,96.50)")
        << "its beginning belongs to it";
    EXPECT_EQ(statement(address, begin, exact), "") << "its end does not";
    EXPECT_EQ(statement(address, "", "").substr(0, 30), "(open-main,100.00,100.00) (p1,");
    EXPECT_EQ(statement("tel:+0", "", ""), "");
    EXPECT_EQ(balance_at(address, exact), "98.50");
    EXPECT_EQ(balance_at(address, begin), "100.00");
    EXPECT_EQ(balance_at(address, now()), "96.50");
    EXPECT_EQ(balance_at(address, "2000-01-01"), "none");
    EXPECT_EQ(balance_at("tel:+0", now()), "none");
}

TEST_F(FinancePeriods, AnAddressNamesWhoHeldItThen) {
    const auto address = bench().address_of(account_);
    ASSERT_EQ(ask(a_charge(account_, "w1", euro("1"))), "posted");
    const auto before = now();
    EXPECT_EQ(bench().value("select ledger.close_account(" + key_of(account_) +
                            ", ledger.application_id('operator'), 'moved away')"),
              "posted");
    const auto between = now();
    const auto heir = bench().open_account();
    bench().exec("select ledger.add_address(" + key_of(heir) + ", '" + address + "')");
    ledger().forget_address(address);
    ASSERT_EQ(ask(a_charge(bench().run(ledger().find(address)).value(), "w2", euro("3"))), "posted");
    EXPECT_EQ(statement(address, "", ""),
              "(open-main,100.00,100.00) (w1,-1.00,99.00) (closing,-99.00,0.00) (w2,-3.00,97.00)")
        << "the closing itself too, not what the heir did before it had the address";
    EXPECT_EQ(balance_at(address, before), "99.00");
    EXPECT_EQ(balance_at(address, between), "none");
    EXPECT_EQ(balance_at(address, now()), "97.00");
}

TEST_F(FinancePeriods, TheTrialBalanceOfATimeIsWhatItWasThen) {
    const std::string then =
        "select unit, balances, contra, total, funds, overdrafts from finance.trial_balance order by 1";
    const auto of = [](const std::string& at) {
        return lines("select * from finance.trial_balance_at('" + at + "')");
    };
    set_credit_limit(account_, "main", 100'00);
    ASSERT_EQ(ask(a_charge(account_, "t1", euro("150"))), "posted");
    const auto first = now();
    const auto first_balance = lines(then);
    const auto first_contra = lines("select * from finance.contra_at('" + first + "')");
    const auto other = bench().open_account();
    ASSERT_EQ(ask(a_credit(account_, "t2", euro("70"))), "posted");
    ASSERT_EQ(ask(a_charge(other, "t3", euro("5"))), "posted");
    EXPECT_EQ(of(first), first_balance);
    EXPECT_EQ(of(now()), lines(then));
    EXPECT_NE(of(now()), first_balance);
    EXPECT_EQ(lines("select * from finance.contra_at('" + first + "')"), first_contra);
    EXPECT_EQ(bench().value(
                  "select bool_and(balances = 0 and contra = 0) from finance.trial_balance_at('-infinity')"),
              "t");
}

TEST_F(FinancePeriods, FrozenTotalsAreTheLiveOnesAndStay) {
    ASSERT_EQ(ask(a_charge(account_, "f1", euro("1.50"))), "posted");
    ASSERT_EQ(ask(a_refund(account_, "f2", "f1", euro("0.50"))), "posted");
    const auto live = totals();
    const auto until = freeze();
    EXPECT_EQ(totals(), live);
    EXPECT_EQ(bench().value("select count(*) from ledger.live_totals()"), "0");
    const auto revenue_before =
        bench().value("select sum(net) from finance.revenue_daily where unit = 'EUR'");
    ASSERT_EQ(ask(a_charge(account_, "f3", euro("2"))), "posted");
    EXPECT_EQ(bench().value("select sum(net) - " + revenue_before +
                            " from finance.revenue_daily where unit = 'EUR'"),
              "2.00");
    const auto more = totals();
    freeze();
    EXPECT_EQ(totals(), more);
    EXPECT_EQ(bench().value("select bool_and(is_frozen) from finance.control_totals"), "f")
        << "today is not over";
    EXPECT_EQ(
        bench().value("select sum(t.amount) - (select sum(amount) from finance.journal where unit = 'EUR')"
                      " from finance.control_totals t where unit = 'EUR'"),
        "0.00");

    EXPECT_EQ(bench().value("select count(*) from ledger.slice a where not exists (select from ledger.slice b"
                            " where b.to_time = a.from_time) and a.from_time <> '-infinity'"),
              "0");
    auto session = bench().session();
    for (const auto* change : {"delete from ledger.slice_total", "update ledger.slice set day = day",
                               "truncate ledger.slice_total", "delete from ledger.closed_month"}) {
        EXPECT_THROW(session.exec(change), base::sql::Error) << change;
    }
    EXPECT_THROW(
        session.exec("select ledger.date_shard(shard, clock_timestamp() + interval '1 s') from ledger.shard"),
        base::sql::Error);
    EXPECT_THROW(session.exec("select ledger.freeze_totals(clock_timestamp())"), base::sql::Error)
        << "shards that are not dated may still record before";
    EXPECT_EQ(bench().value("select bool_and(last_recorded_at >= '" + until + "') from ledger.shard"), "t");
}

TEST_F(FinancePeriods, AReversalCountsWithWhomItUndid) {
    ASSERT_EQ(ask(a_charge(account_, "v0", euro("1"))), "posted");
    const auto shop = revenue("shop");
    ASSERT_EQ(ask(a_charge(account_, "v1", euro("8"))), "posted");
    auto reversal = a_reversal(account_, "v2", "charge", "v1");
    reversal.origin.application = "operator";
    ASSERT_EQ(ask(std::move(reversal)), "posted");
    EXPECT_EQ(revenue("operator"), "(,,,)") << "it earned and lost nothing";
    EXPECT_EQ(bench().value(
                  "select sum(net) from finance.revenue_daily where unit = 'EUR' and application = 'shop'"),
              shop.substr(shop.find(',', shop.find(',') + 1) + 1,
                          shop.rfind(',') - shop.find(',', shop.find(',') + 1) - 1));
    EXPECT_EQ(bench().value("select application from finance.journal where reference_code = 'v2'"),
              "operator");

    // Undone itself, it is with the shop again that the money is earned.
    const auto net = [] {
        return bench().value(
            "select sum(net) from finance.revenue_daily where unit = 'EUR' and application = 'shop'");
    };
    const auto before = net();
    auto again = a_reversal(account_, "v3", "reversal", "v2");
    again.origin.application = again.of_application = "operator";
    ASSERT_EQ(ask(std::move(again)), "posted");
    EXPECT_EQ(revenue("operator"), "(,,,)") << "nor by undoing that";
    EXPECT_EQ(bench().value("select " + net() + " - " + before), "8.00");
}

/// A past of its own: superusers wrote it, because nothing can be recorded in the past.
class FinancePast : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        bench_.emplace();
        bench_->exec(R"(
            select ledger.open_account('example.com', array['tel:+1']);
            select ledger.open_account('example.com', array['tel:+2']);
            select ledger.open_balance(shard, account_id, 'main') from ledger.account;
            select ledger.application_id('shop');
            update ledger.address set since = '2026-01-01';
            update ledger.balance set created_at = '2026-01-01';
            insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount,
                                        balance_after, unit, contra, kind, application_id, reference,
                                        request_id, recorded_at)
            select a.shard, n * 2 + a.account_id, a.account_id, 1, n, case n % 2 when 1 then 100 else -100
                   end,
                   case n % 2 when 1 then 100 else 0 end, 'EUR', 'revenue',
                   case n % 2 when 1 then 'refund' else 'charge' end::ledger.operation, 1, 'r' || n,
                   n * 2 + a.account_id, timestamptz '2026-01-01' + n * interval '8 minutes'
              from ledger.account a, generate_series(1, 20001) n order by n;
            update ledger.balance set posted = 100, seq = 20001;
            insert into ledger.contra select shard, 'revenue', 1, 'EUR', -100 from ledger.account;
            analyze ledger.journal, ledger.account, ledger.address, ledger.balance)");
    }
    static void TearDownTestSuite() { bench_.reset(); }
    static inline std::optional<tests::LedgerBench> bench_;
};

TEST_F(FinancePast, OneAccountIsReadByIndex) {
    auto session = bench_->session();
    const std::pair<const char*, std::int64_t> reads[]{
        {"select * from finance.statement('tel:+1', '2026-03-01', '2026-03-02')", 180 + 40},
        {"select * from finance.journal_of('tel:+1', '2026-03-01', '2026-03-02')", 180 + 40},
        {"select finance.balance_at('tel:+1', 'main', '2026-03-01')", 20},
        {"select * from finance.journal where address = 'tel:+1' and seq between 500 and 520", 21},
        {"select * from ledger.history_of((select shard from ledger.account where account_id = 1), 1, 0, "
         "null, null, 20)",
         20},
    };
    // The session's own counters: no plan can hide from them.
    const auto counted = [&](int column) {
        return session
            .exec(
                "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables"
                " where relid = 'ledger.journal'::regclass")
            .integer(0, static_cast<std::size_t>(column));
    };
    const base::sql::Transaction transaction(session);
    for (const auto& [read, rows] : reads) {
        const auto before = counted(1);
        session.exec(read);
        EXPECT_EQ(counted(0), 0) << "sequential scan of the journal: " << read;
        EXPECT_LE(counted(1) - before, rows) << read;
        EXPECT_GT(counted(1), before) << read;
    }
    EXPECT_EQ(session.exec(reads[0].first).size(), 180U);
    EXPECT_EQ(session.exec("select count(*) from finance.statement('tel:+1', null, null)").integer(0, 0),
              20001);
    EXPECT_EQ(session.exec(reads[2].first).text(0, 0), "0.00");
}

TEST_F(FinancePast, NoViewScansTheJournalForOneAccount) {
    auto session = bench_->session();
    // Others, so that one account is few of many, as in life.
    session.exec_script(R"(
        select ledger.open_account('example.com', array['tel:+9' || n]) from generate_series(1, 500) n;
        select ledger.open_balance(shard, account_id, 'main')
          from ledger.account where address like 'tel:+9_%';
        analyze ledger.account, ledger.address, ledger.balance)");
    const auto views = session.exec(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'address'"
        " where c.relnamespace = 'finance'::regnamespace and c.relkind = 'v' order by 1");
    ASSERT_GE(views.size(), 5U);
    for (std::size_t i = 0; i < views.size(); ++i) {
        const auto query =
            "select * from finance." + std::string(views.text(i, 0)) + " where address = 'tel:+1'";
        const auto plan = session.exec("explain " + query);
        for (std::size_t line = 0; line < plan.size(); ++line) {
            EXPECT_EQ(plan.text(line, 0).find("Seq Scan on journal"), std::string_view::npos) << query;
        }
    }
}

TEST_F(FinancePast, AReversalReadsNoMoreThanWhatItUndoes) {
    auto session = bench_->session();
    // A charge of long ago, among rows of before and after it.
    session.exec_script(R"(
        insert into ledger.request (shard, account_id, application_id, operation, reference, request_id,
                                    digest, journal_no, legs, balance_no, amount, recorded_at)
        select shard, account_id, application_id, kind, reference, request_id,
               gen_random_uuid(), journal_no, 1, balance_no, -amount, recorded_at
          from ledger.journal where account_id = 2 and reference = 'r500')");
    const base::sql::Transaction transaction(session);
    session.exec("set local enable_seqscan = off");
    const auto outcome = session.exec(
        "select o_outcome from ledger.reverse((select shard from ledger.account where account_id = 2), 2, 1, "
        "1, "
        "'charge', 'r500', 'undo', gen_random_uuid(), null, 1000000)");
    EXPECT_EQ(outcome.text(0, 0), "posted");
    const auto read = session.exec(
        "select idx_tup_fetch from pg_stat_xact_user_tables where relid = 'ledger.journal'::regclass");
    EXPECT_LE(read.integer(0, 0), 60);
}

TEST_F(FinancePast, AMonthIsClosedOnceItsDaysAreFrozen) {
    auto session = bench_->session();
    const auto one = [&](const std::string& query) { return std::string(session.exec(query).text(0, 0)); };
    EXPECT_THROW(session.exec("select ledger.close_month('2026-02-01', 'me')"), base::sql::Error)
        << "not frozen yet";
    const auto live = one("select md5(string_agg(r::text, '|' order by day)) from finance.revenue_daily r");
    // Its days are cut as the time zone is when they are frozen.
    session.exec("select ledger.set_time_zone('America/New_York')");
    const auto until = one("select ledger.month_end('2026-02-01')");
    EXPECT_EQ(until, "2026-03-01 05:00:00+00");
    session.exec("select ledger.set_time_zone('UTC')");
    session.exec("select ledger.date_shard(shard, '2026-03-01') from ledger.shard");
    while (one("select coalesce(ledger.freeze_totals('2026-03-01')::text, 'done')") != "done") {
    }
    EXPECT_EQ(one("select md5(string_agg(r::text, '|' order by day)) from finance.revenue_daily r"), live);
    EXPECT_EQ(one("select ledger.close_month('2026-02-01', 'me')"), "t");
    EXPECT_EQ(one("select ledger.close_month('2026-02-01', 'you')"), "f") << "once";
    EXPECT_EQ(one("select concat_ws(' ', month, unit, balances, contra, total, closed_by) from "
                  "finance.closed_months"),
              one("select concat_ws(' ', '2026-02-01', unit, balances, contra, total, 'me')"
                  " from finance.trial_balance_at('2026-02-28 23:59:59.999999Z') where unit = 'EUR'"));
    EXPECT_EQ(one("select bool_and(is_frozen = (day < '2026-03-01')) from finance.control_totals"), "t");
    EXPECT_EQ(one("select sum(count) from finance.control_totals"), "40002");
    // To the west of what was frozen the next day began in the last one already: it is longer, no row counts
    // twice.
    session.exec("select ledger.set_time_zone('America/New_York')");
    EXPECT_EQ(one("select sum(count) from finance.control_totals"), "40002");
    EXPECT_EQ(one("select sum(count) from finance.control_totals where day = '2026-03-01'"), "436");
    session.exec("select ledger.set_time_zone('UTC')");
    EXPECT_THROW(session.exec("select ledger.set_time_zone('Europe/Nowhere')"), base::sql::Error);

    session.exec("select ledger.date_shard(shard, '2026-04-01') from ledger.shard");
    while (one("select coalesce(ledger.freeze_totals('2026-04-01')::text, 'done')") != "done") {
    }
    session.exec("alter table ledger.journal disable trigger journal_immutable");
    session.exec(
        "update ledger.journal set amount = -101 where account_id = 1 and recorded_at = '2026-03-08 "
        "02:24:00Z'");
    session.exec("alter table ledger.journal enable trigger journal_immutable");
    EXPECT_THROW(session.exec("select ledger.close_month('2026-03-01', 'me')"), base::sql::Error)
        << "the journal is not what was frozen";
}

// In Havana the clock went from 1:00 back to 0:00 on 1 November 2020: that day had two midnights.
TEST(FinanceDays, BeginAtTheFirstMidnightOfTheirDate) {
    tests::LedgerBench bench;
    bench.exec(R"(
        select ledger.open_account('example.com', array['tel:+1']);
        select ledger.open_balance(shard, account_id, 'main') from ledger.account;
        select ledger.application_id('shop');
        insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after,
                                    unit, contra, kind, application_id, reference, request_id, recorded_at)
        select a.shard, n, a.account_id, 1, n, 100, 100 * n, 'EUR', 'funding', 'credit', 1, 'r' || n, n, t
          from ledger.account a,
               unnest('{2020-10-31 12:00Z, 2020-11-01 03:59Z,
                        2020-11-01 04:30Z, 2020-11-01 05:30Z}'::timestamptz[]) with ordinality u(t, n);
        update ledger.balance set posted = 400, seq = 4;
        insert into ledger.contra select shard, 'funding', 1, 'EUR', -400 from ledger.account;
        select ledger.set_time_zone('America/Havana');
        select ledger.date_shard(shard, '2020-11-02 12:00Z') from ledger.shard)");
    EXPECT_EQ(bench.value("select ledger.month_end('2020-10-01')"), "2020-11-01 04:00:00+00");
    while (bench.value("select coalesce(ledger.freeze_totals('2020-11-02 12:00Z')::text, 'done')") !=
           "done") {
    }
    const auto days = bench.value(
        "select string_agg(concat_ws(' ', day, count, is_frozen), ', ' order by day) from "
        "finance.control_totals");
    EXPECT_EQ(days, "2020-10-31 2 t, 2020-11-01 2 t");
    EXPECT_EQ(bench.value("select ledger.close_month('2020-10-01', 'me')"), "t");
    EXPECT_EQ(bench.value("select balances from finance.closed_months"), "2.00");
    EXPECT_EQ(bench.value("select finance.day_begins('2020-11-02')"), "2020-11-02 05:00:00+00");
    // Where the clock goes forward over it, a day has no midnight, and begins at one.
    EXPECT_EQ(bench.value("select finance.day_begins('2020-03-08')"), "2020-03-08 05:00:00+00");
    EXPECT_EQ(bench.value("select finance.day_begins('2020-10-25', 'Atlantic/Azores')"),
              "2020-10-25 00:00:00+00");
    EXPECT_EQ(bench.value("select finance.day_begins('2020-10-25', 'Europe/Paris')"),
              "2020-10-24 22:00:00+00");
}

}  // namespace
