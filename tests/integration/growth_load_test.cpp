// The loader that growth is measured with keeps the books: what it leaves behind is what posting would have
// left.
#include "base/sql_copy.hpp"
#include "bench/load.hpp"
#include "ledger/audit.hpp"
#include "tests/support/ledger_audit.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

namespace {

/// What the loader sets aside for a while.
std::string indexes_and_options(base::sql::Session& session) {
    return std::string(session
                           .exec("select string_agg(x, E'\\n' order by x) from (select indexdef from "
                                 "pg_indexes where schemaname = "
                                 "'ledger' union all select conrelid::regclass || pg_get_constraintdef(oid) "
                                 "from pg_constraint "
                                 "where contype in ('p', 'u') union all select oid::regclass::text || "
                                 "reloptions::text from pg_class "
                                 "where relname = 'balance') x(x)")
                           .text(0, 0));
}

TEST(GrowthLoad, LeavesBooksThatTheAuditFindsRight) {
    const tests::TestDatabase database;
    auto session = database.session("postgres");
    const auto indexes = indexes_and_options(session);
    std::int64_t told = 0;
    bench::Load load;
    load.accounts = 300;
    load.rows = 5;
    bench::load(database.url("postgres"), load, [&](std::int64_t accounts) { told = accounts; });
    EXPECT_EQ(told, 300);
    bench::load(database.url("postgres"), load, [](std::int64_t) {});
    EXPECT_EQ(session.exec("select count(*) from ledger.journal").integer(0, 0), 2 * 300 * 5);
    EXPECT_EQ(session.exec("select min(posted) from finance.balances").text(0, 0), "9999994.00");
    EXPECT_EQ(session.exec("select count(*) from finance.trial_balance where total <> 0").integer(0, 0), 0);
    auto service = database.session("ledgerline_service");
    const auto report = ledger::verify(service, [](std::size_t, std::size_t, std::string_view) {});
    EXPECT_EQ(report.wrong.value_or("nothing"), "nothing");
    EXPECT_EQ(tests::broken_rules(session), "");
    EXPECT_EQ(session.exec("select o_shards from ledger.unsealed()").text(0, 0), "{}");
    bench::settle(database.url("postgres"));
    EXPECT_EQ(session.exec("select sum(postings) from ledger.slice_total").integer(0, 0), 2 * 300 * 5);

    // Indexes are there, and as dense as a reindex makes them: what growth is measured on is no half empty
    // ledger.
    EXPECT_EQ(indexes_and_options(session), indexes);
    for (const std::string index :
         {"ledger.request_pkey", "ledger.journal_balance_seq", "ledger.balance_pkey"}) {
        const auto size = "select pg_relation_size('" + index + "')";
        const auto loaded = session.exec(size).integer(0, 0);
        session.exec("reindex index " + index);
        EXPECT_EQ(loaded, session.exec(size).integer(0, 0)) << index;
    }

    // What was staged and never posted, by a load that was ended, is not in the way of the next one; what
    // can't have been posted is refused, and leaves nothing.
    const auto staged = [&](const std::string& row) {
        session.exec("insert into bench.staged values (" + row + ")");
    };
    staged("1000, 1, 'charge', 'revenue', -1, 'spends what is not there'");
    EXPECT_THROW(session.exec("select bench.post_staged()"), base::sql::Error);
    session.exec("truncate bench.staged");
    staged("1000, 2, 'credit', 'funding', 1, 'has no first row'");
    EXPECT_THROW(session.exec("select bench.post_staged()"), base::sql::Error);
    load.accounts = 7;
    bench::load(database.url("postgres"), load, [](std::int64_t) {});
    EXPECT_EQ(session.exec("select count(*) from ledger.account").integer(0, 0), 607);
    EXPECT_EQ(tests::broken_rules(session), "");
}

TEST(Copy, PutsValuesThereAsTheyAreAllOrNone) {
    const tests::TestDatabase database;
    auto session = database.session("postgres");
    session.exec("create table copied (n integer, t text)");
    base::sql::SessionOptions options;
    options.url = database.url("postgres");
    const std::string odd = "tab\t, newline\n, \\backslash, \\N, 'quote' and \xC3\xA4";
    const auto copy = [&](std::vector<base::sql::Params> rows) {
        std::size_t next = 0;
        return base::sql::copy_into(options, "copied", {"n", "t"}, [&]() -> std::optional<base::sql::Params> {
            if (next == rows.size()) return std::nullopt;
            return rows[next++];
        });
    };
    EXPECT_EQ(copy({base::sql::params(1, odd), base::sql::params(2, ""),
                    base::sql::params(3, std::optional<std::string>())}),
              3);
    const auto rows = session.exec("select t from copied order by n");
    EXPECT_EQ(rows.text(0, 0), odd);
    EXPECT_EQ(rows.text(1, 0), "");
    EXPECT_TRUE(rows.is_null(2, 0));
    try {
        copy({base::sql::params(4, "right"), base::sql::params("not a number", "wrong")});
        FAIL() << "a wrong value was taken";
    } catch (const base::sql::Error& error) {
        EXPECT_EQ(error.failure(), base::sql::Failure::data) << error.what();
    }
    EXPECT_EQ(session.exec("select count(*) from copied").integer(0, 0), 3);
}

}  // namespace
