// The finance schema as others rely on it: its columns, that each explains itself, and who may read what.
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace {

class FinanceViews : public testing::Test {
  protected:
    static void SetUpTestSuite() { database.emplace(); }
    static void TearDownTestSuite() { database.reset(); }
    static inline std::optional<tests::TestDatabase> database;

    static std::vector<std::string> list(const std::string& query) {
        auto session = database->session("postgres");
        const auto rows = session.exec(query);
        std::vector<std::string> result;
        for (std::size_t row = 0; row < rows.size(); ++row) result.emplace_back(rows.text(row, 0));
        return result;
    }
};

TEST_F(FinanceViews, every_view_column_and_function_has_a_comment) {
    EXPECT_EQ(list("select c.relname::text from pg_class c where c.relnamespace = 'finance'::regnamespace"
                   "   and obj_description(c.oid, 'pg_class') is null"),
              std::vector<std::string>{});
    EXPECT_EQ(
        list("select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
             " where c.relnamespace = 'finance'::regnamespace and a.attnum > 0"
             "   and col_description(c.oid, a.attnum) is null"),
        std::vector<std::string>{});
    EXPECT_EQ(list("select p.proname::text from pg_proc p where p.pronamespace in ('finance'::regnamespace,"
                   "       'ledger'::regnamespace) and obj_description(p.oid, 'pg_proc') is null"
                   "   and p.prorettype <> 'trigger'::regtype"),
              std::vector<std::string>{});
}

TEST_F(FinanceViews, name_the_same_contra_accounts_and_all_that_there_are) {
    const auto comments = list(
        "select distinct col_description(attrelid, attnum) from pg_attribute where attname = 'contra'"
        "   and attrelid in ('finance.journal'::regclass, 'finance.control_totals'::regclass)");
    ASSERT_EQ(comments.size(), 1U);
    for (const auto& contra : list("select distinct contra from ledger.contra"))
        EXPECT_NE(comments[0].find(contra), std::string::npos) << contra;
}

TEST_F(FinanceViews, have_the_columns_that_people_query) {
    const auto columns = [](const std::string& view) {
        return list("select attname::text from pg_attribute where attrelid = 'finance." + view +
                    "'::regclass and attnum > 0 order by attnum");
    };
    const auto starts_with = [&](const std::string& view, const std::vector<std::string>& expected) {
        auto actual = columns(view);
        actual.resize(std::min(actual.size(), expected.size()));
        EXPECT_EQ(actual, expected) << view;
    };
    starts_with("balances", {"address", "balance_type", "unit", "posted", "held", "credit_limit", "available",
                             "expires_at"});
    starts_with("journal", {"recorded_at", "effective_at", "address", "balance_type", "unit", "amount",
                            "kind", "application", "reference_code", "description", "balance_after"});
    starts_with("trial_balance", {"unit", "balances", "contra", "total"});
    const auto journal = columns("journal");
    for (const auto* column : {"journal_no", "contra", "group_id", "hold_id", "refund_of", "request_id"}) {
        EXPECT_NE(std::ranges::find(journal, column), journal.end()) << column;
    }
}

TEST_F(FinanceViews, are_all_that_finance_can_read) {
    auto finance = database->session("ledgerline_finance");
    for (const auto& view : list("select viewname::text from pg_views where schemaname = 'finance'")) {
        EXPECT_NO_THROW(finance.exec("select * from " + view + " limit 1")) << view;
        EXPECT_THROW(finance.exec("delete from finance." + view), base::sql::Error) << view;
    }
    for (const auto& table : list("select schemaname || '.' || tablename from pg_tables where schemaname in"
                                  " ('ledger', 'auth')")) {
        EXPECT_THROW(finance.exec("select * from " + table + " limit 1"), base::sql::Error) << table;
    }
    EXPECT_THROW(finance.exec("select ledger.application_id('x')"), base::sql::Error);
    // Nor does it leave anything in the database, however it asks.
    finance.exec("set session characteristics as transaction read write");
    for (const auto* statement : {"create table x (y integer)", "select lo_creat(-1)", "select lo_create(0)",
                                  "select lo_from_bytea(0, 'x')"})
        EXPECT_THROW(finance.exec(statement), base::sql::Error) << statement;
}

}  // namespace
