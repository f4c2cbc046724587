// The loader: one function in the database, called for a shard's share of the accounts at a time.
#include "bench/load.hpp"

#include <algorithm>

namespace bench {
namespace {

/// Accounts of one call. A transaction of a few hundred thousand rows is as fast as a larger one.
constexpr std::int64_t piece = 20'000;

constexpr auto loader = R"(
create schema if not exists bench;
create or replace function bench.fill(p_shard smallint, p_first bigint, p_last bigint, p_rows bigint)
returns bigint language plpgsql as $$
declare
    c_opening constant bigint := 1000000000; c_price constant bigint := 150;
    v_at timestamptz := ledger.lock_shard(p_shard); v_journal bigint; v_request bigint; v_accounts bigint;
    v_application constant integer := ledger.application_id('bench');
begin
    select s.next_journal_no, s.next_request_id into v_journal, v_request
      from ledger.shard s where s.shard = p_shard;
    create temporary table mine on commit drop as
    select i as account_id, (row_number() over (order by i) - 1) * p_rows as before
      from generate_series(p_first, p_last) i where ledger.slot_of(i, (select count(*) from ledger.shard)) =
           (select s.slot from ledger.shard s where s.shard = p_shard);
    insert into ledger.account (shard, account_id, domain, address, opened_at, balances)
    select p_shard, m.account_id, 'example.com', 'tel:+' || 15550000000 + m.account_id, v_at, 1
      from pg_temp.mine m;
    get diagnostics v_accounts = row_count;
    insert into ledger.address (address, account_id, shard, since)
    select 'tel:+' || 15550000000 + m.account_id, m.account_id, p_shard, v_at from pg_temp.mine m;
    insert into ledger.balance (shard, account_id, balance_no, balance_type, unit, exponent, posted, seq,
                                priority, created_at)
    select p_shard, m.account_id, 1, 'main', 'EUR', 2, c_opening - c_price * (p_rows - 1), p_rows, 1, v_at
      from pg_temp.mine m;
    insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                journal_no, legs, balance_no, amount, recorded_at)
    select p_shard, m.account_id, v_application,
           case n when 1 then 'credit' else 'charge' end::ledger.operation, 'load-' || n,
           v_request + m.before + n - 1, md5('load-' || n)::uuid, v_journal + m.before + n - 1, 1, 1,
           case n when 1 then c_opening else c_price end, v_at
      from pg_temp.mine m, generate_series(1, p_rows) n order by m.account_id, n;
    insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit,
                                contra, kind, application_id, reference, request_id, recorded_at, description)
    select p_shard, v_journal + m.before + n - 1, m.account_id, 1, n,
           case n when 1 then c_opening else -c_price end,
           c_opening - c_price * (n - 1), 'EUR', case n when 1 then 'funding' else 'revenue' end,
           case n when 1 then 'credit' else 'charge' end::ledger.operation, v_application, 'load-' || n,
           v_request + m.before + n - 1, v_at, 'loaded'
      from pg_temp.mine m, generate_series(1, p_rows) n order by m.account_id, n;
    insert into ledger.contra as c (shard, contra, application_id, unit, total)
    select p_shard, t.contra, v_application, 'EUR', t.total
      from (values ('funding', -c_opening::numeric * v_accounts),
                   ('revenue', c_price::numeric * (p_rows - 1) * v_accounts)) t(contra, total)
    on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total;
    update ledger.shard set next_journal_no = v_journal + v_accounts * p_rows,
           next_request_id = v_request + v_accounts * p_rows, last_recorded_at = v_at
     where shard = p_shard;
    drop table pg_temp.mine;
    return v_accounts;
end $$)";

}  // namespace

void load(base::sql::Session& superuser, const Load& load, const LoadProgress& progress) {
    superuser.exec_script(loader);
    superuser.exec("select ledger.create_domain('example.com')");
    superuser.exec("select ledger.define_balance_type('example.com', 'main', 'EUR', 1)");
    superuser.exec("select ledger.application_id('bench')");
    const auto shards = superuser.exec("select shard from ledger.shard order by shard");
    const auto start =
        superuser.exec("select coalesce(max(account_id), 0) from ledger.account").integer(0, 0);
    std::int64_t loaded = 0;
    for (auto first = start + 1; first <= start + load.accounts; first += piece) {
        const auto last = std::min(first + piece - 1, start + load.accounts);
        for (std::size_t row = 0; row < shards.size(); ++row) {
            loaded += superuser
                          .exec("select bench.fill($1, $2, $3, $4)",
                                base::sql::params(shards.integer(row, 0), first, last, load.rows))
                          .integer(0, 0);
            progress(loaded);
        }
    }
    superuser.exec("select setval('ledger.account_id', (select max(account_id) from ledger.account))");
    superuser.exec("vacuum analyze");
}

}  // namespace bench
