-- Limits of calls: whom a principal may have called, how often and how many at once; what its calls may cost in a day.

set local role ledgerline_owner;

alter table auth.principal_limit drop constraint principal_limit_name_check;
alter table auth.principal_limit add constraint principal_limit_name_check
    check (name in ('requests_per_second', 'address_prefix', 'method', 'hours', 'call_allow', 'call_deny',
                    'calls_at_once', 'calls_per_second'));
comment on table auth.principal_limit is
    'what a principal may ask for, when and how often. item: a prefix of addresses, a method (Interface.operation) or hours '
    'of the week; those of one name are alternatives. value: a number of requests or calls, else 0';

alter table ledger.application_limit drop constraint application_limit_name_check;
alter table ledger.application_limit add constraint application_limit_name_check
    check (name in ('amount_per_request', 'amount_per_day', 'credit_per_day', 'requests_per_day',
                    'subscriber_amount_per_day', 'subscriber_amount_per_month', 'balance_type', 'call_amount_per_day'));

-- As before; what calls cost is counted against their own limit, too.
drop function ledger.count_request;
create function ledger.count_request(p_operation ledger.operation, p_shard smallint, p_account bigint,
                                     p_application integer, p_reference text, p_gives_back boolean, p_of_call boolean)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    c_takes constant boolean := p_operation in ('charge', 'split', 'hold', 'extend') and not p_gives_back;
    q ledger.request; l ledger.application_limit; part record;
    v_now timestamp; v_before timestamp; v_since date; v_sign integer; v_types text[]; v_allowed text[];
    v_accounts bigint[]; v_units text[]; v_amounts bigint[]; v_total bigint;
begin
    perform from ledger.application a where a.application_id = p_application for no key update;
    select r.* into strict q
      from (select s.shard from ledger.shard s where s.shard = p_shard or p_shard is null) s
     cross join lateral (select * from ledger.request y
                          where y.shard = s.shard and y.account_id = p_account and y.application_id = p_application
                            and y.operation = p_operation and y.reference = p_reference offset 0) r;
    v_now := clock_timestamp() at time zone finance.time_zone();

    -- What it moved, by account, and in which balances.
    if p_operation in ('hold', 'extend', 'release') then
        select array[q.account_id], array[h.unit], array[coalesce(q.amount, 0)],
               h.placed_at at time zone finance.time_zone(),
               array(select b.balance_type from ledger.hold_leg g
                       join ledger.balance b on b.shard = g.shard and b.account_id = q.account_id
                                            and b.balance_no = g.balance_no
                      where g.shard = h.shard and g.hold_id = h.hold_id)
          into v_accounts, v_units, v_amounts, v_before, v_types
          from ledger.hold h where h.shard = q.shard and h.hold_id = q.hold_id;
    else
        select array_agg(z.account_id), array_agg(z.unit), array_agg(z.amount),
               array(select distinct u from unnest(string_to_array(string_agg(z.types, E'\n'), E'\n')) u)
          into v_accounts, v_units, v_amounts, v_types
          from (select g.account_id, b.unit, sum(g.amount)::bigint as amount,
                       string_agg(distinct b.balance_type, E'\n') as types
                  from (select y.leg_shard, y.account_id, y.balance_no, y.amount from ledger.request_leg y
                         where y.shard = q.shard and y.request_id = q.request_id
                        union all
                        select q.shard, q.account_id, q.balance_no, q.amount where q.balance_no is not null) g
                  join ledger.balance b on b.shard = g.leg_shard and b.account_id = g.account_id
                                       and b.balance_no = g.balance_no
                 group by g.account_id, b.unit) z;
        if p_operation = 'refund' then
            select c.recorded_at at time zone finance.time_zone() into v_before
              from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of
             where j.shard = q.shard and j.journal_no = q.journal_no;
        end if;
    end if;
    v_sign := case when c_takes then 1 when p_operation in ('refund', 'extend', 'release') then -1 else 0 end;

    for l in select * from ledger.application_limit y where y.application_id = p_application order by y.name, y.item
    loop
        v_since := date_trunc(case when l.name like '%_per_month' then 'month' else 'day' end, v_now)::date;
        v_total := coalesce((select sum(u.amount) from unnest(v_units, v_amounts) u(unit, amount)
                              where u.unit = l.item), 0);
        continue when l.name = 'call_amount_per_day' and not p_of_call;
        if l.name = 'balance_type' then
            v_allowed := v_allowed || l.item;
        elsif l.name = 'amount_per_request' then
            if v_total > l.value and p_operation <> 'release' then
                raise exception 'over limit: %', l.name using errcode = 'LL002';
            end if;
        elsif l.name = 'requests_per_day' then
            if c_takes or p_operation = 'credit' then
                perform ledger.use_limit(l, 0, v_since, 1);
            end if;
        elsif l.name = 'credit_per_day' then
            if p_operation = 'credit' then
                perform ledger.use_limit(l, 0, v_since, v_total);
            end if;
        -- What is given back counts no more in the period in which it was taken.
        elsif v_sign > 0
              or v_sign < 0 and v_since = date_trunc(case when l.name like '%_per_month' then 'month' else 'day' end,
                                                     v_before)::date then
            if l.name in ('amount_per_day', 'call_amount_per_day') then
                perform ledger.use_limit(l, 0, v_since, v_sign * v_total);
            else
                for part in
                    select u.account, u.amount from unnest(v_accounts, v_units, v_amounts) u(account, unit, amount)
                     where u.unit = l.item
                loop
                    perform ledger.use_limit(l, part.account, v_since, v_sign * part.amount);
                end loop;
            end if;
        end if;
    end loop;
    if v_allowed is not null and not coalesce(v_types, '{}') <@ v_allowed then
        raise exception 'over limit: balance_type' using errcode = 'LL002';
    end if;
end $$;
comment on function ledger.count_request is
    'counts a request that was posted in this transaction against the limits of its application; raises LL002 when it is '
    'too much. p_shard null: the request is a split. p_gives_back: an extension by a negative amount. p_of_call: it is for '
    'what a call costs';
grant execute on function ledger.count_request to ledgerline_service;
reset role;
