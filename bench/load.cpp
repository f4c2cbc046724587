// The loader: COPY into a staging table, and a function that makes books of what stands there.
#include "bench/load.hpp"

#include "base/database.hpp"
#include "base/sql_copy.hpp"
#include "ledger/sealer.hpp"
#include "ledger/sweeper.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace bench {
namespace {

/// Accounts of one call. A transaction of a few hundred thousand rows is as fast as a larger one.
constexpr std::int64_t piece = 20'000;
constexpr std::int64_t opening = 1'000'000'000;  // minor units
constexpr std::int64_t price = 150;

constexpr auto loader = R"(
create schema if not exists bench;
create unlogged table if not exists bench.staged (
    account_id bigint not null, seq bigint not null, operation ledger.operation not null,
    contra text not null, amount bigint not null, reference text not null);
truncate bench.staged;
create or replace function bench.post_staged() returns bigint language plpgsql as $$
declare
    v_slots constant bigint := (select count(*) from ledger.shard);
    v_at timestamptz; v_application integer; v_accounts bigint;
begin
    perform ledger.lock_shards(array(select s.shard from ledger.shard s));
    v_at := greatest(clock_timestamp(), (select max(s.last_recorded_at) from ledger.shard s));
    v_application := ledger.application_id('bench');
    analyze bench.staged;
    create temporary table numbered on commit drop as
    select q.shard, t.account_id, t.seq, t.operation, t.contra, t.amount, t.reference,
           row_number() over (partition by t.account_id order by t.seq) as expected_seq,
           sum(t.amount) over (partition by t.account_id order by t.seq) as balance_after,
           q.next_journal_no + row_number() over here - 1 as journal_no,
           q.next_request_id + row_number() over here - 1 as request_id
      from bench.staged t
      join ledger.shard q on q.slot = ledger.slot_of(t.account_id, v_slots)
    window here as (partition by q.shard order by t.account_id, t.seq);
    analyze pg_temp.numbered;
    if exists (select from pg_temp.numbered m where m.seq <> m.expected_seq or m.balance_after < 0) then
        raise exception 'a history with gaps, or that spends more than there is'
            using errcode = 'data_exception';
    end if;
    insert into ledger.account (shard, account_id, domain, address, opened_at, balances)
    select m.shard, m.account_id, 'example.com', 'tel:+' || 15550000000 + m.account_id, v_at, 1
      from pg_temp.numbered m where m.seq = 1 order by 1, 2;
    get diagnostics v_accounts = row_count;
    insert into ledger.address (address, account_id, shard, since)
    select 'tel:+' || 15550000000 + m.account_id, m.account_id, m.shard, v_at
      from pg_temp.numbered m where m.seq = 1 order by 1;
    insert into ledger.balance (shard, account_id, balance_no, balance_type, unit, exponent, posted, seq,
                                priority, created_at, account_epoch, takes_unnamed, room)
    select m.shard, m.account_id, 1, 'main', 'EUR', 2, sum(m.amount), max(m.seq), 1, v_at, 1, true, null
      from pg_temp.numbered m group by m.shard, m.account_id order by 1, 2;
    insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                journal_no, legs, balance_no, amount, recorded_at)
    select m.shard, m.account_id, v_application, m.operation, m.reference, m.request_id,
           md5(m.reference || ' ' || m.amount)::uuid, m.journal_no, 1, 1, abs(m.amount), v_at
      from pg_temp.numbered m order by m.shard, m.journal_no;
    insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit,
                                contra, kind, application_id, reference, request_id, recorded_at, description)
    select m.shard, m.journal_no, m.account_id, 1, m.seq, m.amount, m.balance_after, 'EUR', m.contra,
           m.operation, v_application, m.reference, m.request_id, v_at, 'loaded'
      from pg_temp.numbered m order by m.shard, m.journal_no;
    insert into ledger.contra as c (shard, contra, application_id, unit, total)
    select m.shard, m.contra, v_application, 'EUR', -sum(m.amount) from pg_temp.numbered m group by 1, 2
    on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total;
    update ledger.shard q
       set next_journal_no = q.next_journal_no + u.rows, next_request_id = q.next_request_id + u.rows,
           last_recorded_at = v_at
      from (select m.shard, count(*) as rows from pg_temp.numbered m group by m.shard) u
     where q.shard = u.shard;
    drop table pg_temp.numbered;
    truncate bench.staged;
    return v_accounts;
end $$;

-- The unique indexes of journal and requests are made from what was loaded, and so are as after a reindex
-- (docs/operations.md): each piece adds to the middle of them, and to load into them leaves them half empty.
-- A new balance is wide, until its first charge takes its room away: the loader leaves that room between
-- balances.
create table if not exists bench.set_aside (
    place integer generated always as identity, statement text not null);
create or replace function bench.set_aside() returns void language plpgsql as $$
declare
    r record;
begin
    if exists (select from bench.set_aside) then
        return;  -- by a load that was ended
    end if;
    for r in
        select i.indrelid::regclass as relation, i.indexrelid::regclass as index, c.conname,
               case when c.conname is null then pg_get_indexdef(i.indexrelid)
                    else format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname,
                                pg_get_constraintdef(c.oid)) end as statement
          from pg_index i
          left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
         where i.indrelid in ('ledger.journal'::regclass, 'ledger.request'::regclass) and i.indisunique
    loop
        insert into bench.set_aside (statement) values (r.statement);
        if r.conname is null then
            execute format('drop index %s', r.index);
        else
            execute format('alter table %s drop constraint %I', r.relation, r.conname);
        end if;
    end loop;
    insert into bench.set_aside (statement)
    select format('alter table ledger.balance set (fillfactor = %s)', o.option_value)
      from pg_class c cross join pg_options_to_table(c.reloptions) o
     where c.oid = 'ledger.balance'::regclass and o.option_name = 'fillfactor';
    alter table ledger.balance set (fillfactor = 39);  -- as many to a page as are there with their room
end $$;
create or replace function bench.put_back() returns void language plpgsql as $$
declare
    v_statement text;
begin
    for v_statement in select a.statement from bench.set_aside a order by a.place loop
        execute v_statement;
    end loop;
    delete from bench.set_aside;
end $$)";

/// Stages the history of the accounts `first` to `last`: one credit, then charges.
void stage(const base::sql::SessionOptions& options, std::int64_t first, std::int64_t last,
           std::int64_t rows) {
    auto account = first;
    std::int64_t seq = 0;
    const auto next = [&]() -> std::optional<base::sql::Params> {
        if (++seq > rows) {
            seq = 1;
            ++account;
        }
        if (account > last) return std::nullopt;
        const auto reference = "load-" + std::to_string(seq);
        return seq == 1 ? base::sql::params(account, seq, "credit", "funding", opening, reference)
                        : base::sql::params(account, seq, "charge", "revenue", -price, reference);
    };
    base::sql::copy_into(options, "bench.staged",
                         {"account_id", "seq", "operation", "contra", "amount", "reference"}, next);
}

/// A server's sealer at work. When it ends, all that was posted is sealed.
class SealedMeanwhile {
  public:
    explicit SealedMeanwhile(const base::sql::SessionOptions& session)
        : database_(options(session)), sealer_({}, database_, base::Logger(base::LogLevel::warning)) {}

  private:
    static base::Database::Options options(const base::sql::SessionOptions& session) {
        base::Database::Options options;
        options.session = session;
        options.session.statement_timeout = std::chrono::minutes(10);
        options.sessions = 1;
        return options;
    }

    base::Database database_;
    ledger::Sealer sealer_;
};

}  // namespace

void load(const std::string& superuser_url, const Load& load, const LoadProgress& progress) {
    base::sql::SessionOptions options;
    options.url = superuser_url;
    options.application_name = "ledgerline bench";
    base::sql::Session superuser(options);
    superuser.exec_script(loader);
    superuser.exec("select ledger.create_domain('example.com')");
    superuser.exec("select ledger.define_balance_type('example.com', 'main', 'EUR', 1)");
    superuser.exec("select ledger.application_id('bench')");
    superuser.exec("set synchronous_commit = off");  // the vacuum's commit waits for all of them
    superuser.exec("set work_mem = '256MB'");
    superuser.exec("set maintenance_work_mem = '1GB'");
    superuser.exec("select bench.set_aside()");
    const auto start =
        superuser.exec("select coalesce(max(account_id), 0) from ledger.account").integer(0, 0);
    {
        const SealedMeanwhile sealed(options);
        std::int64_t loaded = 0;
        for (auto first = start + 1; first <= start + load.accounts; first += piece) {
            const auto last = std::min(first + piece - 1, start + load.accounts);
            stage(options, first, last, load.rows);
            loaded += superuser.exec("select bench.post_staged()").integer(0, 0);
            progress(loaded);
        }
    }
    superuser.exec("select setval('ledger.account_id', (select max(account_id) from ledger.account))");
    superuser.exec("select bench.put_back()");
    for (const auto* table : {"account", "address", "balance"})
        superuser.exec("reindex table ledger." + std::string(table));
    superuser.exec("set synchronous_commit = on");
    superuser.exec("vacuum analyze");
}

void settle(const std::string& superuser_url) {
    base::sql::SessionOptions options;
    options.url = superuser_url;
    options.application_name = "ledgerline bench";
    const SealedMeanwhile sealed(options);
    base::sql::Session session(options);
    ledger::freeze_totals(session, std::string(session.exec("select clock_timestamp()").text(0, 0)));
}

}  // namespace bench
