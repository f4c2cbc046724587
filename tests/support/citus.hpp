// The declaration for Citus run on a plain PostgreSQL, where its functions only write down what they are
// told.
#pragma once

#include "base/migrate.hpp"
#include "base/sql.hpp"

#include <string>

namespace tests {

/// Leaves tables declared(relation, kind) and function_declared(signature, argument, colocated) behind, and
/// the functions as they are on a cluster. `session` is a superuser's.
inline void declare_for_citus(base::sql::Session& session) {
    session.exec_script(R"(
        create table pg_dist_partition (logicalrelid regclass);
        create table declared (relation regclass, kind text);
        create function citus_add_local_table_to_metadata(p_table regclass,
            cascade_via_foreign_keys boolean default false) returns void
        language sql as $$ insert into declared values (p_table, 'local') $$;
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

}  // namespace tests
