// What can be checked of the declaration for Citus without Citus: it runs, on functions that only write down
// what they are told, and what it declares fits Citus's rules.
#include "base/migrate.hpp"
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
        session.exec_script(R"(
            create table pg_dist_partition (logicalrelid regclass);
            create table declared (relation regclass, kind text);
            create function create_distributed_table(p_table regclass, p_column text, colocate_with text,
                                                     shard_count integer default null) returns void
            language sql as $$ insert into declared values (p_table, 'distributed') $$;
            create function create_reference_table(p_table regclass) returns void
            language sql as $$ insert into declared values (p_table, 'reference') $$;
            create table function_declared (signature regprocedure, argument text, colocated text);
            create function create_distributed_function(
                p_function regprocedure, distribution_arg_name text, colocate_with text,
                force_delegation boolean) returns void
            language sql as $$
                insert into function_declared values (p_function, distribution_arg_name, colocate_with) $$)");
        base::sql::Transaction transaction(session);
        session.exec_script(std::string(base::citus_declaration()));
        transaction.commit();
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

TEST_F(Distributed, EveryTableWithAShardIsDeclared) {
    EXPECT_EQ(
        list("select c.oid::regclass::text from pg_class c join pg_attribute a on a.attrelid = c.oid"
             " where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' and a.attname = 'shard'"
             "   and c.oid not in (select relation from declared) order by 1"),
        none_);
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
                   "   and p.proname in ('post_shard', 'post_batch', 'post_in_turn')"
                   "   and array_to_string(p.proconfig, ' ') like '%plan_cache_mode%'"),
              none_);
}

TEST_F(Distributed, EveryStatementOfThePostingFunctionNamesItsShard) {
    EXPECT_EQ(list(R"(
        select p.proname || ': ' || s
          from pg_proc p, regexp_split_to_table(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), ';') s
         where p.pronamespace = 'ledger'::regnamespace and p.proname in ('post_batch', 'post_in_turn')
           and s ~ 'ledger[.](account|balance|request|request_leg|journal|hold|hold_leg|contra|shard)[^_a-z]'
           and s !~ '[.]shard = |[(]shard, ')"),
              none_);
}

}  // namespace
