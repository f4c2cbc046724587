// The loader that growth is measured with keeps the books: what it leaves behind is what posting would have
// left.
#include "bench/load.hpp"
#include "ledger/audit.hpp"
#include "tests/support/ledger_audit.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

namespace {

TEST(GrowthLoad, LeavesBooksThatTheAuditFindsRight) {
    const tests::TestDatabase database;
    auto session = database.session("postgres");
    std::int64_t told = 0;
    bench::Load load;
    load.accounts = 300;
    load.rows = 5;
    bench::load(session, load, [&](std::int64_t accounts) { told = accounts; });
    EXPECT_EQ(told, 300);
    bench::load(session, load, [](std::int64_t) {});
    EXPECT_EQ(session.exec("select count(*) from ledger.journal").integer(0, 0), 2 * 300 * 5);
    EXPECT_EQ(session.exec("select min(posted) from finance.balances").text(0, 0), "9999994.00");
    EXPECT_EQ(session.exec("select count(*) from finance.trial_balance where total <> 0").integer(0, 0), 0);
    auto service = database.session("ledgerline_service");
    const auto report = ledger::verify(service, [](std::size_t, std::size_t, std::string_view) {});
    EXPECT_EQ(report.wrong.value_or("nothing"), "nothing");
    EXPECT_EQ(tests::broken_rules(session), "");
}

}  // namespace
