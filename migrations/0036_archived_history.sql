-- What looks back on an account whose journal is archived in part says so, or begins with what the archived rows came to.

set local role ledgerline_owner;

create function finance.archived_before() returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (select max(a.until) from ledger.archive a);
end $$;
comment on function finance.archived_before() is
    'the journal of before this time is archived: the end of the last archived month; null: nothing is';

create function ledger.refuse_archived_of(p_shard smallint, p_account bigint, p_at timestamptz) returns void
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_at < finance.archived_before()
       and exists (select from ledger.opening o where o.shard = p_shard and o.account_id = p_account) then
        raise exception 'the journal before % is archived', finance.archived_before()
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'Ask from that time on. finance.closed_months and control_totals have the totals of before.';
    end if;
end $$;
comment on function ledger.refuse_archived_of is 'raises where an account''s rows of a time are archived; not for accounts without any';

create or replace function finance.journal_of(p_address text, p_from timestamptz, p_to timestamptz) returns setof finance.journal
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 100
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    h record; b record; v_type text[]; v_first bigint[]; v_last bigint[];
begin
    for h in
        select d.shard, d.account_id, greatest(coalesce(p_from, '-infinity'), d.since) as from_time,
               least(coalesce(p_to, 'infinity'),
                     -- An account that closes gives up its addresses, then writes its funds off.
                     case when d.until < a.closed_at or a.closed_at is null
                          then d.until + interval '1 microsecond' end) as to_time
          from ledger.address d
          join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
         where d.address = p_address
         order by d.since
    loop
        continue when h.from_time >= h.to_time;
        if p_from > '-infinity' then
            perform ledger.refuse_archived_of(h.shard, h.account_id, h.from_time);
        end if;
        v_type := '{}'; v_first := '{}'; v_last := '{}';
        for b in select y.balance_no, y.balance_type from ledger.balance y
                  where y.shard = h.shard and y.account_id = h.account_id loop
            v_type := v_type || b.balance_type;
            v_first := v_first || ledger.postings_before(h.shard, h.account_id, b.balance_no, h.from_time);
            v_last := v_last || ledger.postings_before(h.shard, h.account_id, b.balance_no, h.to_time);
        end loop;
        return query
        select f.*
          from unnest(v_type, v_first, v_last) s(balance_type, first, last)
         cross join lateral (
               select j.* from finance.journal j
                where j.shard = h.shard and j.account_id = h.account_id and j.balance_type = s.balance_type
                  and j.seq > s.first and j.seq <= s.last
               offset 0) f
         order by f.journal_no;
    end loop;
end $$;
comment on function finance.journal_of(text, timestamptz, timestamptz) is
    'the rows of finance.journal that a statement is made of: of the account that held the address at that time, recorded '
    'from p_from on (null: from the first one that is not archived) and before p_to (null: no such bound), in the order in '
    'which they were booked. An error where p_from lies in what is archived';

create function finance.opening_of(p_address text, p_from timestamptz, p_to timestamptz)
returns table (address text, balance_type text, unit text, amount numeric, as_of timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 10
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    h record; b record; v_seq bigint; v_minor numeric;
begin
    for h in
        select d.shard, d.account_id, d.until, a.address,
               greatest(coalesce(p_from, finance.archived_before(), '-infinity'), d.since) as from_time
          from ledger.address d
          join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
         where d.address = p_address and d.since < coalesce(p_to, 'infinity')
         order by d.since
    loop
        continue when h.until < h.from_time;
        perform ledger.refuse_archived_of(h.shard, h.account_id, h.from_time);
        for b in select y.* from ledger.balance y
                  where y.shard = h.shard and y.account_id = h.account_id order by y.balance_no loop
            v_seq := ledger.postings_before(h.shard, h.account_id, b.balance_no, h.from_time);
            v_minor := b.posted;
            if v_seq < b.seq then
                -- The next row tells what was there before it, even where the last one is archived.
                select j.balance_after::numeric - j.amount into v_minor from ledger.journal j
                 where j.shard = h.shard and j.account_id = h.account_id and j.balance_no = b.balance_no and j.seq = v_seq + 1;
            end if;
            continue when v_minor = 0;
            address := h.address; balance_type := b.balance_type; unit := b.unit;
            amount := finance.major(v_minor, b.exponent); as_of := h.from_time;
            return next;
        end loop;
    end loop;
end $$;
comment on function finance.opening_of(text, timestamptz, timestamptz) is
    'what a statement from p_from on (null: from what is archived on, or since the address was given) begins with: address '
    '(the account''s first one), balance_type, unit, amount, as_of; balances that began with nothing are not listed. An '
    'error where p_from lies in what is archived';

-- A month without rows leaves no table, so that it may be asked for again. Nothing else of this function changes: it is
-- taken as it is, and must have the one place that is meant.
do $$
declare
    c_place constant text := '    execute format(''create table ledger_archive.%I as';
    c_check constant text := E'    if not exists (select from pg_temp.cut) then\n        return 0;\n    end if;\n\n';
    v_source constant text := pg_get_functiondef('ledger.archive_month'::regproc);
begin
    if cardinality(string_to_array(v_source, c_place)) <> 2 then
        raise exception 'ledger.archive_month is not what this migration knows';
    end if;
    execute replace(v_source, c_place, c_check || c_place);
end $$;

comment on column finance.journal.kind is
    'charge, refund, credit, capture, voucher, adjustment, transfer, split, reversal, expired, closing';
comment on column finance.journal.contra is
    'the other side: revenue, funding, vouchers, adjustment, clearing, expired, written_off';

revoke execute on function ledger.refuse_archived_of from public;
grant execute on all functions in schema finance to ledgerline_finance, ledgerline_service;
reset role;
