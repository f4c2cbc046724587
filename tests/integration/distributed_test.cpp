// What can be checked of the declaration for Citus without Citus: what it declares fits Citus's rules. That
// what posts there gives the right answers is the model test's.
#include "tests/support/citus.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace {

class Distributed : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        database_.emplace();
        auto session = database_->session("postgres");
        tests::declare_for_citus(session);
    }
    static void TearDownTestSuite() { database_.reset(); }

    static std::vector<std::string> list(const std::string& query) {
        auto session = database_->session("postgres");
        const auto rows = session.exec(query);
        std::vector<std::string> result;
        for (std::size_t row = 0; row < rows.size(); ++row) result.emplace_back(rows.text(row, 0));
        return result;
    }
    static inline std::optional<tests::TestDatabase> database_;
    const std::vector<std::string> none_;
};

TEST_F(Distributed, EveryTableWithAShardIsDistributedOrOnEveryNode) {
    EXPECT_EQ(
        list("select c.oid::regclass::text from pg_class c join pg_attribute a on a.attrelid = c.oid"
             " where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' and a.attname = 'shard'"
             "   and c.oid not in (select relation from declared where kind in ('distributed', 'reference'))"
             " order by 1"),
        none_);
}

// Whoever adds a table decides here, or in migrations/distributed/citus.sql, where it lies.
TEST_F(Distributed, WhatIsNotDeclaredStaysOnTheCoordinator) {
    EXPECT_EQ(
        list(
            "select c.oid::regclass::text from pg_class c where c.relkind = 'r'"
            "   and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema|public|ledger_migration)'"
            "   and c.oid not in (select relation from declared) order by 1"),
        (std::vector<std::string>{
            "auth.account_pin",       "auth.account_setting",     "auth.certificate",     "auth.principal",
            "auth.principal_address", "auth.principal_grant",     "auth.principal_limit", "auth.request_rate",
            "auth.used_nonce",        "ledger.application_limit", "ledger.binding",       "ledger.call",
            "ledger.call_server",     "ledger.limit_use",         "ledger.slice_total",   "notification.live",
            "notification.watch",     "rules.call_handling",      "rules.rule",           "trail.event"}));
}

TEST_F(Distributed, EveryUniqueKeyStartsWithItsShard) {
    EXPECT_EQ(list("select i.indexrelid::regclass::text from pg_index i join declared d on d.relation = "
                   "i.indrelid and d.kind = 'distributed' join pg_attribute a on a.attrelid = i.indrelid"
                   "   and a.attnum = i.indkey[0] where i.indisunique and a.attname <> 'shard' order by 1"),
              none_);
}

TEST_F(Distributed, ForeignKeysStayWithinAShardOrLeadToEveryNode) {
    EXPECT_EQ(
        list("select c.conname::text from pg_constraint c join declared f on f.relation = c.conrelid"
             "  left join declared t on t.relation = c.confrelid where c.contype = 'f'"
             "   and (t.kind is null or f.kind = 'reference' and t.kind = 'distributed' or"
             "        f.kind = 'distributed' and t.kind = 'distributed' and (select a.attname from"
             "        pg_attribute a where a.attrelid = c.conrelid and a.attnum = c.conkey[1]) <> 'shard')"),
        none_);
}

TEST_F(Distributed, ThePostingFunctionIsSentToItsShard) {
    EXPECT_EQ(list("select concat_ws(' ', f.argument, f.colocated, t.typname, p.proargnames[1]) from "
                   "function_declared f"
                   " join pg_proc p on p.oid = f.signature join pg_type t on t.oid = p.proargtypes[0]"),
              std::vector<std::string>{"p_shard ledger.balance int2 p_shard"});
    // Generic plans of distributed statements fail.
    EXPECT_EQ(list("select p.proname::text from pg_proc p where p.pronamespace = 'ledger'::regnamespace"
                   "   and p.proname in ('post_shard', 'post_batch')"
                   "   and array_to_string(p.proconfig, ' ') like '%plan_cache_mode%'"),
              none_);
}

// Each table that a statement reads or changes has a condition of its own; what is inserted begins with the
// shard.
TEST_F(Distributed, EveryStatementOfThePostingFunctionNamesItsShard) {
    const std::string statements = R"(
        from pg_proc p,
             regexp_split_to_table(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), ';') s
       cross join lateral (
             select string_agg(split_part(d.relation::text, '.', 2), '|') as names
               from declared d where d.kind = 'distributed') t
       cross join lateral (
             select (select count(*) from regexp_matches(
                            s, '(from|join|update) ledger[.](' || t.names || ')\M', 'g')) as used,
                    (select count(*) from regexp_matches(s, '[.]shard = p_shard\M', 'g')) as named,
                    (select count(*) from regexp_matches(
                            s, 'insert into ledger[.](' || t.names || ')\M', 'g')) as inserts,
                    (select count(*) from regexp_matches(
                            s, 'insert into ledger[.]\w+( as \w+)? [(]shard, ', 'g')) as keyed) u
       where p.pronamespace = 'ledger'::regnamespace and p.proname in ('post_shard', 'expire_holds'))";
    EXPECT_EQ(list("select p.proname || ': ' || s " + statements +
                   " and (u.used <> u.named or u.inserts <> u.keyed)"),
              none_);
    EXPECT_EQ(list("select (sum(u.used) >= 18)::text || ' ' || (sum(u.inserts) >= 6)::text " + statements),
              std::vector<std::string>{"true true"});
    // Functions of Citus's nodes take no SQL function's parameters.
    EXPECT_EQ(list("select p.oid::regproc::text from pg_proc p where p.prosqlbody is not null"
                   "   and p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'"
                   "   and pg_get_function_sqlbody(p.oid) like 'BEGIN ATOMIC%'"),
              none_);
}

TEST_F(Distributed, FinanceReadsItsViewsAndNothingElse) {
    const auto views = list("select viewname::text from pg_views where schemaname = 'finance' order by 1");
    EXPECT_GE(views.size(), 10U);
    auto session = database_->session("ledgerline_finance");
    for (const auto& view : views) EXPECT_NO_THROW(session.exec("select * from finance." + view)) << view;
    for (const auto* other : {"ledger.balance", "ledger.finance_journal"}) {
        EXPECT_THROW(session.exec(std::string("select * from ") + other), base::sql::Error) << other;
    }
    EXPECT_EQ(list("select concat_ws('.', c.relname, a.attname) from pg_class c join pg_attribute a"
                   "    on a.attrelid = c.oid and a.attnum > 0"
                   " where c.relnamespace = 'finance'::regnamespace and c.relkind = 'v'"
                   "   and col_description(c.oid, a.attnum) is null"),
              none_);
}

}  // namespace
