-- Archiving: a month that is sealed and closed leaves the journal; its seals, requests and frozen totals stay, and so do
-- the balances and contra totals that its rows came to.

set local role ledgerline_owner;

create schema ledger_archive;
comment on schema ledger_archive is
    'one table a month that was archived: its journal rows with their digests. Nothing reads them here: dump them, then drop '
    'them';

create table ledger.archive (
    month       date     not null check (extract(day from month) = 1),
    shard       smallint not null,
    from_no     bigint   not null,
    to_no       bigint   not null,
    until       timestamptz not null,
    archived_at timestamptz not null default clock_timestamp(),
    primary key (shard, from_no),
    check (from_no >= 1 and to_no >= from_no)
);
comment on table ledger.archive is
    'journal rows that were archived, whole seals each. The delete trigger of the journal lets these rows through';
comment on column ledger.archive.until is 'the end of the month: all rows were recorded before';
create trigger archive_immutable before update or delete or truncate on ledger.archive
    for each statement execute function ledger.refuse_change();

create table ledger.opening (
    shard         smallint not null,
    account_id    bigint   not null,
    balance_no    smallint not null,
    seq           bigint   not null,
    balance_after bigint   not null,
    primary key (shard, account_id, balance_no)
);
comment on table ledger.opening is 'what the archived rows of a balance came to: its last one''s seq and balance_after';

create table ledger.opening_contra (
    shard          smallint not null,
    contra         text     collate "C" not null,
    application_id integer  not null,
    unit           text     collate "C" not null,
    total          numeric  not null,
    primary key (shard, contra, application_id, unit)
);
comment on table ledger.opening_contra is 'what the archived rows added to each contra total';

create function ledger.archived_to(p_shard smallint) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(max(a.to_no), 0) from ledger.archive a where a.shard = p_shard;
end;
comment on function ledger.archived_to is 'the last journal number of a shard that is archived; 0: none';

create function ledger.refuse_archived(p_at timestamptz) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_until timestamptz := (select max(a.until) from ledger.archive a);
begin
    -- The end of the last archived month is known: the moment before it is what all that followed began with.
    if p_at < v_until - interval '1 microsecond' then
        raise exception 'the journal before % is archived; finance.closed_months and control_totals have its totals', v_until
            using errcode = 'object_not_in_prerequisite_state';
    end if;
end $$;
comment on function ledger.refuse_archived is 'raises where a time is asked for whose journal is archived';

create function ledger.refuse_journal_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'DELETE' and exists (select from ledger.archive a
                                     where a.shard = old.shard and old.journal_no between a.from_no and a.to_no) then
        return old;
    end if;
    raise exception '% is immutable: % refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create or replace trigger journal_immutable before update or delete on ledger.journal
    for each row execute function ledger.refuse_journal_change();

create function ledger.archive_month(p_month date) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_table constant text := 'journal_' || to_char(p_month, 'YYYY_MM');
    v_until timestamptz; v_copied bigint; v_expected bigint; v_deleted bigint; v_wrong record;
begin
    perform from ledger.calendar c for update;  -- one at a time
    v_until := (select max(c.to_time) from ledger.closed_month c where c.month = p_month);
    if v_until is null then
        raise exception 'the month is not closed' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if exists (select from ledger.archive a where a.until >= v_until) then
        return null;
    end if;
    if exists (select from ledger.journal j where j.recorded_at < v_until
                  and j.journal_no > coalesce((select max(s.to_no) from ledger.seal s where s.shard = j.shard), 0)) then
        raise exception 'the month is not sealed yet' using errcode = 'object_not_in_prerequisite_state';
    end if;

    -- Whole seals. Rows of one request have one time: a cut between two times parts none.
    create temporary table cut on commit drop as
    select s.shard, ledger.archived_to(s.shard) + 1 as from_no, max(s.to_no) as to_no
      from ledger.seal s
      left join ledger.seal n on n.shard = s.shard and n.from_no = s.to_no + 1
     where s.last_at < v_until and s.to_no > ledger.archived_to(s.shard) and n.first_at is distinct from s.last_at
     group by s.shard;

    execute format('create table ledger_archive.%I as
        select j.*, ledger.journal_digest(j) as digest
          from ledger.journal j
          join pg_temp.cut c on c.shard = j.shard and j.journal_no between c.from_no and c.to_no
         where j.recorded_at < $1
         order by j.shard, j.journal_no', v_table) using v_until;
    get diagnostics v_copied = row_count;
    execute format('comment on table ledger_archive.%I is %L', v_table,
                   'the journal of ' || to_char(p_month, 'YYYY-MM') || ', ' || v_copied || ' rows');
    select coalesce(sum(c.to_no - c.from_no + 1), 0) into v_expected from pg_temp.cut c;
    if v_copied <> v_expected then
        raise exception 'the journal has % rows where its seals count %', v_copied, v_expected using errcode = 'data_corrupted';
    end if;
    execute format('
        select s.shard, s.from_no from ledger.seal s
          join pg_temp.cut c on c.shard = s.shard and s.from_no between c.from_no and c.to_no
          left join lateral (
               select string_agg(j.digest, '''' order by j.journal_no) as digests from ledger_archive.%I j
                where j.shard = s.shard and j.journal_no between s.from_no and s.to_no) d on true
         where sha256(s.previous || coalesce(d.digests, '''')) <> s.hash order by 1, 2 limit 1', v_table) into v_wrong;
    if v_wrong.shard is not null then
        raise exception 'the journal is not as it was sealed: shard %, from number %', v_wrong.shard, v_wrong.from_no
            using errcode = 'data_corrupted';
    end if;

    execute format('
        insert into ledger.opening as o
        select distinct on (j.shard, j.account_id, j.balance_no) j.shard, j.account_id, j.balance_no, j.seq, j.balance_after
          from ledger_archive.%I j order by j.shard, j.account_id, j.balance_no, j.seq desc
        on conflict (shard, account_id, balance_no)
        do update set seq = excluded.seq, balance_after = excluded.balance_after', v_table);
    execute format('
        insert into ledger.opening_contra as o
        select j.shard, j.contra, j.application_id, j.unit, -sum(j.amount) from ledger_archive.%I j group by 1, 2, 3, 4
        on conflict (shard, contra, application_id, unit) do update set total = o.total + excluded.total', v_table);
    insert into ledger.archive (month, shard, from_no, to_no, until)
    select p_month, c.shard, c.from_no, c.to_no, v_until from pg_temp.cut c;
    delete from ledger.journal j using pg_temp.cut c
     where c.shard = j.shard and j.journal_no between c.from_no and c.to_no and j.recorded_at < v_until;
    get diagnostics v_deleted = row_count;
    if v_deleted <> v_copied then
        raise exception 'copied % rows, found % to delete', v_copied, v_deleted using errcode = 'data_corrupted';
    end if;
    return v_copied;
end $$;
comment on function ledger.archive_month is
    'moves the journal of a closed, sealed month, and of what was before it, into a table of ledger_archive: copies, compares '
    'with count and seals, keeps what the rows came to, deletes. How many rows; null: they were archived before';

-- What looks back says so where there is nothing to look at any more --------------------------------------------------

create or replace function finance.balance_at(p_address text, p_balance_type text, p_at timestamptz) returns numeric
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    b record; v_seq bigint; v_minor numeric;
begin
    select y.* into b
      from ledger.address h
      join ledger.balance y on y.shard = h.shard and y.account_id = h.account_id
     where h.address = p_address and h.since <= p_at and (h.until > p_at or h.until is null)
       and y.balance_type = p_balance_type and y.created_at <= p_at
     order by h.since desc limit 1;
    if not found then
        return null;
    end if;
    perform ledger.refuse_archived(p_at);
    v_seq := ledger.postings_before(b.shard, b.account_id, b.balance_no, p_at + interval '1 microsecond');
    if v_seq = b.seq then
        return finance.major(b.posted, b.exponent);
    end if;
    -- The next row tells what was there before it, even where the last one is archived.
    select j.balance_after::numeric - j.amount into v_minor from ledger.journal j
     where j.shard = b.shard and j.account_id = b.account_id and j.balance_no = b.balance_no and j.seq = v_seq + 1;
    return finance.major(v_minor, b.exponent);
end $$;

create or replace function finance.trial_balance_at(p_at timestamptz)
returns table (unit text, balances numeric, contra numeric, total numeric, funds numeric, overdrafts numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.refuse_archived(p_at);
    return query
    with later as (
        select distinct on (j.shard, j.account_id, j.balance_no)
               j.shard, j.account_id, j.balance_no, j.balance_after - j.amount as posted
          from ledger.journal j
         where j.recorded_at > coalesce(p_at, 'infinity')
         order by j.shard, j.account_id, j.balance_no, j.seq),
    z as (
        select b.unit, greatest(coalesce(l.posted, b.posted), 0)::numeric as funds,
               least(coalesce(l.posted, b.posted), 0)::numeric as overdrafts, 0::numeric as contra
          from ledger.balance b
          left join later l on l.shard = b.shard and l.account_id = b.account_id and l.balance_no = b.balance_no
         union all
        select c.unit, 0, 0, sum(c.total) from ledger.contra c group by c.unit
         union all
        select j.unit, 0, 0, sum(j.amount) from ledger.journal j
         where j.recorded_at > coalesce(p_at, 'infinity') group by j.unit)
    select u.unit, finance.major(sum(z.funds + z.overdrafts), u.exponent), finance.major(sum(z.contra), u.exponent),
           finance.major(sum(z.funds + z.overdrafts + z.contra), u.exponent), finance.major(sum(z.funds), u.exponent),
           finance.major(sum(z.overdrafts), u.exponent)
      from z
      join ledger.unit u on u.unit = z.unit
     group by u.unit, u.exponent
     order by u.unit;
end $$;

create or replace function finance.contra_at(p_at timestamptz) returns table (unit text, contra text, application text, amount numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.refuse_archived(p_at);
    return query
    select u.unit, z.contra, p.name, finance.major(sum(z.total), u.exponent)
      from (select c.unit, c.contra, c.application_id, c.total from ledger.contra c
             union all
            select j.unit, j.contra, j.application_id, sum(j.amount) from ledger.journal j
             where j.recorded_at > coalesce(p_at, 'infinity') group by 1, 2, 3) z
      join ledger.unit u on u.unit = z.unit
      join ledger.application p on p.application_id = z.application_id
     group by u.unit, u.exponent, z.contra, p.name
    having sum(z.total) <> 0
     order by u.unit, z.contra, p.name;
end $$;

create or replace function finance.balances_at(p_at timestamptz)
returns table (address text, balance_type text, unit text, posted numeric, account_id bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.refuse_archived(p_at);
    return query
    select a.address, b.balance_type, b.unit, finance.major(coalesce(l.posted, b.posted), b.exponent), b.account_id
      from ledger.balance b
      join ledger.account a on a.shard = b.shard and a.account_id = b.account_id
      left join (
           select distinct on (j.shard, j.account_id, j.balance_no)
                  j.shard, j.account_id, j.balance_no, j.balance_after::numeric - j.amount as posted
             from ledger.journal j
            where j.recorded_at > coalesce(p_at, 'infinity')
            order by j.shard, j.account_id, j.balance_no, j.seq) l
        on l.shard = b.shard and l.account_id = b.account_id and l.balance_no = b.balance_no
     where b.created_at <= coalesce(p_at, 'infinity');
end $$;

create or replace function ledger.reverse(
    p_shard smallint, p_account bigint, p_by integer, p_of integer, p_operation ledger.operation, p_reference text,
    p_reversal_reference text, p_digest uuid, p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_leg integer, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_of record; v_legs record; v_known boolean;
begin
    -- The legs never change; their shards are locked before what is decided upon is read.
    select r.request_id, r.legs, r.balance_no, r.group_id into v_of from ledger.request r
     where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of and r.operation = p_operation
       and r.reference = p_reference;
    if not found or v_of.legs = 0 then
        o_outcome := 'unknown_charge';
        return;
    end if;
    select array_agg(j.shard order by j.shard, j.journal_no) as shards,
           array_agg(j.account_id order by j.shard, j.journal_no) as accounts,
           array_agg(b.balance_type order by j.shard, j.journal_no) as balances,
           array_agg(b.exponent order by j.shard, j.journal_no) as scales,
           array_agg(-j.amount order by j.shard, j.journal_no) as amounts,
           array_agg(j.contra order by j.shard, j.journal_no) as contras
      into v_legs
      from (select l.leg_shard as shard, l.account_id, l.balance_no from ledger.request_leg l
             where l.shard = p_shard and l.request_id = v_of.request_id
             union
            select p_shard, p_account, v_of.balance_no where v_of.balance_no is not null) d
     cross join lateral (
           select x.* from ledger.journal x
            where x.shard = d.shard and x.account_id = d.account_id and x.balance_no = d.balance_no
              and x.request_id = v_of.request_id and x.group_id is not distinct from v_of.group_id
           offset 0) j
     cross join lateral (
           select x.balance_type, x.exponent from ledger.balance x
            where x.shard = d.shard and x.account_id = d.account_id and x.balance_no = d.balance_no offset 0) b;
    -- Legs that are archived can't be undone, and those that are not must not be undone without them.
    if cardinality(v_legs.shards) is distinct from v_of.legs::integer then
        o_outcome := 'unknown_charge';
        return;
    end if;
    perform ledger.lock_shards(v_legs.shards || p_shard);
    v_known := exists (select from ledger.request r
                        where r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                          and r.operation = 'reversal' and r.reference = p_reversal_reference);
    perform from ledger.request r
      where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of and r.operation = p_operation
        and r.reference = p_reference and r.refunded = 0;
    if not found and not v_known then
        o_outcome := 'beyond_charge';
        return;
    end if;
    select g.o_outcome, g.o_leg, g.o_request_id, g.o_journal_no into o_outcome, o_leg, o_request_id, o_journal_no
      from ledger.post_group('reversal', p_shard, p_account, p_by, p_reversal_reference, p_digest, v_legs.shards,
               v_legs.accounts, null, v_legs.balances, v_legs.amounts, v_legs.scales, null, v_legs.contras, null,
               p_description, null, p_max_amount) g;
    if o_outcome = 'posted' then
        update ledger.request r set refunded = r.amount
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of
           and r.operation = p_operation and r.reference = p_reference;
        insert into ledger.reversal (shard, group_id, of_application_id)
        select distinct leg_shard, r.group_id, p_of
          from unnest(v_legs.shards) leg_shard
          join ledger.request r on r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                               and r.operation = 'reversal' and r.reference = p_reversal_reference;
    end if;
end $$;

grant select on ledger.archive, ledger.opening, ledger.opening_contra to ledgerline_service;
grant execute on function ledger.archived_to, ledger.archive_month to ledgerline_service;
reset role;
