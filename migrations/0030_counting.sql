-- Limits are counted for a whole batch at once: a limited application's requests are posted in batches like all others.

set local role ledgerline_owner;

-- As count_request counted one; a request that is too much is named, counted for nothing, and hinders none behind it.
create function ledger.count_requests(p_operations ledger.operation[], p_shards smallint[], p_accounts bigint[],
                                      p_applications integer[], p_references text[], p_give_back boolean[],
                                      p_of_call boolean[])
returns table (o_place integer, o_limit text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_now timestamp; v_application integer; v_limits ledger.application_limit[]; v_since date[];
    v_stored bigint[];  -- what all accounts together have used of each limit, as the table has it …
    v_used bigint[];    -- … and with what this batch has added so far
    v_added bigint[]; v_operation ledger.operation; v_takes boolean; v_sign integer; v_before timestamp;
    q ledger.request; l ledger.application_limit; v_types text[]; v_allowed text[];
    v_accounts bigint[]; v_units text[]; v_amounts bigint[]; v_total bigint;
begin
    -- Locks come in one order: shards, which the posting has, then applications by number.
    perform from ledger.application a where a.application_id = any (p_applications)
      order by a.application_id for no key update;
    v_now := clock_timestamp() at time zone finance.time_zone();
    foreach v_application in array array(select distinct a from unnest(p_applications) a order by a)
    loop
        select array_agg(y order by y.name, y.item), array_agg(p.since order by y.name, y.item),
               array_agg(coalesce(u.used, 0) order by y.name, y.item)
          into v_limits, v_since, v_stored
          from ledger.application_limit y
         cross join lateral (select date_trunc(case when y.name like '%_per_month' then 'month' else 'day' end,
                                               v_now)::date as since) p
          left join ledger.limit_use u on u.application_id = y.application_id and u.name = y.name and u.item = y.item
                                      and u.account_id = 0 and u.since = p.since
         where y.application_id = v_application;
        continue when v_limits is null;
        v_used := v_stored;

        for e in 1 .. cardinality(p_operations)
        loop
            continue when p_applications[e] <> v_application;
            v_operation := p_operations[e];
            v_takes := v_operation in ('charge', 'split', 'hold', 'extend') and not p_give_back[e];
            v_sign := case when v_takes then 1 when v_operation in ('refund', 'extend', 'release') then -1 else 0 end;
            select r.* into strict q
              from (select s.shard from ledger.shard s where s.shard = p_shards[e] or p_shards[e] is null) s
             cross join lateral (select * from ledger.request y
                                  where y.shard = s.shard and y.account_id = p_accounts[e]
                                    and y.application_id = v_application and y.operation = v_operation
                                    and y.reference = p_references[e] offset 0) r;

            -- What it moved, by account, in which balances, and when that was taken which it gives back.
            v_before := null;
            if v_operation in ('hold', 'extend', 'release') then
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
                if v_operation = 'refund' then
                    select c.recorded_at at time zone finance.time_zone() into v_before
                      from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of
                     where j.shard = q.shard and j.journal_no = q.journal_no;
                end if;
            end if;

            -- Whether all limits have room for it.
            o_limit := null;
            v_allowed := null;
            v_added := array_fill(0::bigint, array[cardinality(v_limits)]);
            for i in 1 .. cardinality(v_limits)
            loop
                l := v_limits[i];
                v_total := coalesce((select sum(u.amount) from unnest(v_units, v_amounts) u(unit, amount)
                                      where u.unit = l.item), 0);
                continue when l.name = 'call_amount_per_day' and not p_of_call[e];
                if l.name = 'balance_type' then
                    v_allowed := v_allowed || l.item;
                elsif l.name = 'amount_per_request' then
                    if v_total > l.value and v_operation <> 'release' then
                        o_limit := l.name;
                    end if;
                elsif l.name = 'requests_per_day' then
                    v_added[i] := case when v_takes or v_operation = 'credit' then 1 else 0 end;
                elsif l.name = 'credit_per_day' then
                    v_added[i] := case when v_operation = 'credit' then v_total else 0 end;
                -- What is given back counts no more in the period in which it was taken.
                elsif v_sign > 0
                      or v_sign < 0 and v_since[i] = date_trunc(case when l.name like '%_per_month' then 'month'
                                                                     else 'day' end, v_before)::date then
                    v_added[i] := v_sign * v_total;
                end if;
                if l.name like 'subscriber%' then
                    if v_added[i] > 0 and exists (
                            select from unnest(v_accounts, v_units, v_amounts) m(account, unit, amount)
                             where m.unit = l.item and m.amount > 0
                               and m.amount > l.value - coalesce(
                                       (select u.used from ledger.limit_use u
                                         where u.application_id = l.application_id and u.name = l.name
                                           and u.item = l.item and u.account_id = m.account
                                           and u.since = v_since[i]), 0)) then
                        o_limit := l.name;
                    end if;
                elsif v_added[i] > 0 and v_added[i] > l.value - v_used[i] then
                    o_limit := l.name;
                end if;
            end loop;
            if v_allowed is not null and not coalesce(v_types, '{}') <@ v_allowed then
                o_limit := 'balance_type';
            end if;
            if o_limit is not null then
                o_place := e;
                return next;
                continue;
            end if;

            for i in 1 .. cardinality(v_limits)
            loop
                continue when v_added[i] = 0;
                l := v_limits[i];
                if l.name like 'subscriber%' then
                    perform ledger.use_limit(l, m.account, v_since[i], v_sign * m.amount)
                       from unnest(v_accounts, v_units, v_amounts) m(account, unit, amount)
                      where m.unit = l.item;
                else
                    v_used[i] := greatest(v_used[i] + v_added[i], 0);
                end if;
            end loop;
        end loop;

        for i in 1 .. cardinality(v_limits)
        loop
            if v_used[i] <> v_stored[i] then
                perform ledger.use_limit(v_limits[i], 0, v_since[i], v_used[i] - v_stored[i]);
            end if;
        end loop;
    end loop;
end $$;
comment on function ledger.count_requests is
    'counts requests that were posted in this transaction against the limits of their applications, in this order for '
    'each application; returns the places (from 1) of those that are too much, which are not counted, and one such limit. '
    'The transaction must then be rolled back. p_shards null: the request is a split. p_give_back: an extension by a '
    'negative amount. p_of_call: it is for what a call costs';

create or replace function ledger.count_request(p_operation ledger.operation, p_shard smallint, p_account bigint,
                                                p_application integer, p_reference text, p_gives_back boolean,
                                                p_of_call boolean)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_limit text;
begin
    select c.o_limit into v_limit
      from ledger.count_requests(array[p_operation], array[p_shard], array[p_account], array[p_application],
                                 array[p_reference], array[p_gives_back], array[p_of_call]) c;
    if found then
        raise exception 'over limit: %', v_limit using errcode = 'LL002';
    end if;
end $$;
comment on function ledger.count_request is
    'ledger.count_requests of one; raises LL002 when it is too much. p_shard null: the request is a split';

grant execute on function ledger.count_requests to ledgerline_service;
reset role;
