-- What an export needs: the whole rows of one address, every balance at a time, and a trial balance of a period.
--
-- In plpgsql and shard by shard, so that they hold where the tables are distributed.

set local role ledgerline_owner;

create view finance.units as
select u.unit, u.exponent::integer as decimals, u.kind, u.name from ledger.unit u;
comment on view finance.units is 'what balances are counted in: currencies (ISO 4217) and service units';
comment on column finance.units.unit is 'currency or service unit, as all other views name it';
comment on column finance.units.decimals is 'how many decimals its amounts have';
comment on column finance.units.kind is 'currency or service';
comment on column finance.units.name is 'what it is';

create function finance.journal_of(p_address text, p_from timestamptz, p_to timestamptz) returns setof finance.journal
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
    'from p_from on and before p_to (null: no such bound), in the order in which they were booked';

create or replace function finance.statement(p_address text, p_from timestamptz, p_to timestamptz)
returns table (recorded_at timestamptz, balance_type text, unit text, amount numeric, kind text, application text,
               reference_code text, description text, balance_after numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 100
as $$
begin
    return query
    select j.recorded_at, j.balance_type, j.unit, j.amount, j.kind, j.application, j.reference_code, j.description,
           j.balance_after
      from finance.journal_of(p_address, p_from, p_to) j;
end $$;

create function finance.balances_at(p_at timestamptz)
returns table (address text, balance_type text, unit text, posted numeric, account_id bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
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
comment on function finance.balances_at(timestamptz) is
    'every balance that there was at a time, postings of that very time included: address (the account''s first one), '
    'balance_type, unit, posted, account_id. Their sums are trial_balance_at''s balances';

create function finance.trial_balance_between(p_from timestamptz, p_to timestamptz)
returns table (unit text, account text, application text, opening numeric, change numeric, closing numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    with sides as (
        -- Before the first posting there was nothing.
        select false as at_end, p_from - interval '1 microsecond' as moment where p_from > '-infinity'
         union all
        select true, coalesce(p_to, 'infinity') - interval '1 microsecond'),
    figures as (
        select s.at_end, b.unit, 'customers' as account, null::text as application, b.balances as amount
          from sides s cross join lateral finance.trial_balance_at(s.moment) b
         union all
        select s.at_end, c.unit, c.contra, c.application, c.amount
          from sides s cross join lateral finance.contra_at(s.moment) c),
    lines as (
        select f.unit, f.account, f.application, sum(f.amount) filter (where not f.at_end) as opening,
               sum(f.amount) filter (where f.at_end) as closing
          from figures f group by 1, 2, 3)
    select l.unit, l.account, l.application, round(coalesce(l.opening, 0), u.decimals),
           round(coalesce(l.closing, 0) - coalesce(l.opening, 0), u.decimals),
           round(coalesce(l.closing, 0), u.decimals)
      from lines l
      join finance.units u on u.unit = l.unit
     where l.opening <> 0 or l.closing <> 0
     order by l.unit, l.account <> 'customers', l.account, l.application;
end $$;
comment on function finance.trial_balance_between(timestamptz, timestamptz) is
    'the trial balance of a period, from p_from on and before p_to (null: no such bound), a row an account: unit, account '
    '(customers: all balances; else the contra account), application, opening, change, closing. Each column adds up to 0 '
    'in every unit';

grant select on finance.units to ledgerline_finance, ledgerline_service;
grant execute on all functions in schema finance to ledgerline_finance, ledgerline_service;
reset role;
