-- The posting function: a batch of requests, one transaction, an outcome for each.

set local role ledgerline_owner;

create type ledger.outcome as enum (
    'posted', 'replayed',
    'unknown_account', 'stale_address', 'account_closed', 'account_suspended',
    'unknown_balance', 'wrong_unit', 'not_positive', 'too_many_decimals', 'too_large', 'balance_limit',
    'insufficient_funds', 'reference_conflict',
    'unknown_hold', 'beyond_hold', 'excess_give_back',
    'unknown_charge', 'beyond_charge', 'refund_not_linked');
comment on type ledger.outcome is
    'what became of a request. All but the first two are refusals: nothing was changed. ledger/outcome.hpp explains each';

-- Ends the due holds of one account. The caller holds the shard's lock.
create function ledger.expire_holds(p_shard smallint, p_account bigint, p_at timestamptz) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_ended uuid[];
begin
    with due as (
        update ledger.hold h
           set state = 'expired', ended_at = h.expires_at
         where h.shard = p_shard and h.account_id = p_account and h.state = 'open' and h.expires_at <= p_at
        returning h.hold_id)
    select array_agg(due.hold_id) into v_ended from due;

    update ledger.balance b
       set held = b.held - freed.amount
      from (select l.balance_no, sum(l.amount - l.captured)::bigint as amount
              from ledger.hold_leg l
             where l.shard = p_shard and l.hold_id = any (v_ended)
             group by l.balance_no) freed
     where b.shard = p_shard and b.account_id = p_account and b.balance_no = freed.balance_no;

    update ledger.account a
       set next_hold_expiry = (select min(h.expires_at)
                                 from ledger.hold h
                                where h.shard = p_shard and h.account_id = p_account and h.state = 'open')
     where a.shard = p_shard and a.account_id = p_account;
    return coalesce(cardinality(v_ended), 0);
end $$;
comment on function ledger.expire_holds is 'gives back the funds of an account''s holds that are due; how many ended';

-- ledger.post_batch: parallel arrays in, parallel arrays out, one element a request.
--
-- Sequential semantics: the outcome of each request is what it would be if the requests came one by one, in input
-- order. Requests are ordered by shard, account, arrival (checked); p_earlier is the index of the latest earlier
-- request with the same key in this batch, or null. No two refunds of one charge, nor a refund and its charge, may
-- share a batch (checked: the call then fails and changes nothing).
--
-- With p_group the elements are the legs of one request, which post_group keeps: they have signed amounts (negative
-- takes from the balance) and no keys, and when one is refused nothing is written at all.
--
-- It works on arrays, because one statement a table and batch is what makes a posting cost microseconds:
--   ac_* accounts in input order, b_* their balances (numbered without gaps, so balance k of the current account is
--   element v_base + k), h_* and l_* holds with their legs, g_* the legs of the request under way, and what is to be
--   written: jn_* journal rows, rq_* requests.
-- Probes are scalar or LATERAL … OFFSET 0 and the planner may not scan: planned on empty tables, plain joins would
-- scan for ever.
-- Plans are generic: for a small batch a custom one looks cheaper each time, and planning costs more than running. (Citus
-- cannot distribute a function with that setting: there it is reset.)
create function ledger.post_batch(
    p_operation ledger.operation[], p_shard smallint[], p_account bigint[], p_epoch integer[], p_balance text[],
    p_amount bigint[], p_scale smallint[], p_unit text[], p_application integer[], p_reference text[],
    p_digest uuid[], p_earlier integer[], p_hold uuid[], p_contra text[], p_original text[], p_unlinked boolean[],
    p_period integer[], p_code text[], p_description text[], p_max_amount bigint, p_hold_ttl interval,
    p_group uuid default null, p_group_shard smallint default null, p_group_request bigint default null,
    p_effective_at timestamptz default null,
    out o_outcome ledger.outcome[], out o_journal_no bigint[], out o_request_id bigint[], out o_hold uuid[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
    n constant integer := cardinality(p_operation);
    c_posted_max constant bigint := 4000000000000000000;
    c_power constant bigint[] := '{1,10,100,1000,10000,100000,1000000}';
    r record; leg record;
    v_at timestamptz; v_due boolean;
    sh_id smallint[]; sh_journal bigint[]; sh_request bigint[]; s integer := 0;
    ac_shard smallint[]; ac_id bigint[]; ac_state ledger.account_state[]; ac_epoch integer[]; ac_default smallint[];
    ac_spending boolean[]; ac_balances smallint[]; ac_next timestamptz[]; ac_changed boolean := false; k integer := 0;
    v_base integer := 0; v_count integer := 0;
    b_shard smallint[]; b_account bigint[]; b_no smallint[]; b_type text[]; b_unit text[]; b_exponent smallint[];
    b_posted bigint[]; b_held bigint[]; b_limit bigint[]; b_seq bigint[]; b_priority smallint[]; b_expires timestamptz[];
    b_dirty boolean[];
    h_id uuid[] := '{}'; h_shard smallint[]; h_account bigint[]; h_application integer[]; h_balance text[];
    h_unit text[]; h_amount bigint[]; h_captured bigint[]; h_state ledger.hold_state[]; h_description text[];
    h_placed timestamptz[]; h_expires timestamptz[]; h_ended timestamptz[]; h_head integer[]; h_legs integer[];
    h_dirty boolean[]; hn integer := 0;
    l_hold integer[]; l_no smallint[]; l_balance smallint[]; l_amount bigint[]; l_captured bigint[];
    l_next integer[]; l_dirty boolean[]; ln integer := 0;
    g_j integer[]; g_amount bigint[]; g_refund_of bigint[]; m integer;
    jn_op integer[]; jn_b integer[]; jn_seq bigint[]; jn_amount bigint[]; jn_after bigint[]; jn_no bigint[];
    jn_refund_of bigint[]; jn_group uuid[]; jn integer := 0;
    rq_op integer[]; rq_legs smallint[]; rq_balance smallint[]; rq_amount bigint[]; rq_group uuid[];
    rq integer := 0;
    rl_shard smallint[]; rl_id bigint[]; rl_no smallint[]; rl_leg_shard smallint[]; rl_account bigint[];
    rl_balance smallint[]; rl_amount bigint[]; rl integer := 0;
    rf_op integer[]; rf_operation ledger.operation[]; rf_amount bigint[]; rf integer := 0;
    kept integer[] := array_fill(0, array[n]);
    v ledger.outcome; v_op ledger.operation; v_order integer[]; v_unlinked boolean := false; v_spend boolean;
    i integer; j integer; h integer; l integer; x integer; a bigint; t bigint; left_ bigint; v_sign integer;
    v_group uuid; v_rows integer;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        -- A snapshot older than the lock would not see what the previous holder of the lock has written.
        raise exception 'ledger functions need READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;

    -- Every array starts at 1 and gets each element: unnest knows no bounds.
    o_outcome := array_fill(null::ledger.outcome, array[n]); o_hold := array_fill(null::uuid, array[n]);
    o_journal_no := array_fill(null::bigint, array[n]); o_request_id := o_journal_no;

    -- (1) Locks.
    select array_agg(z.shard), array_agg(z.next_journal_no), array_agg(z.next_request_id),
           greatest(clock_timestamp(), max(z.last_recorded_at))
      into sh_id, sh_journal, sh_request, v_at
      from (select q.shard, q.next_journal_no, q.next_request_id, q.last_recorded_at
              from ledger.shard q
             where q.shard = any (p_shard)
             order by q.shard
               for update) z;
    v_at := greatest(clock_timestamp(), v_at);

    -- (2) Accounts, balances, holds.
    select array_agg(d.shard), array_agg(d.account), array_agg(q.state), array_agg(q.epoch),
           array_agg(q.default_balance_no), array_agg(q.spending_order), array_agg(coalesce(q.balances, 0::smallint)),
           array_agg(q.next_hold_expiry), bool_or(q.next_hold_expiry <= v_at)
      into ac_shard, ac_id, ac_state, ac_epoch, ac_default, ac_spending, ac_balances, ac_next, v_due
      from (select u.shard, u.account, lag(u.account) over (order by u.i) is distinct from u.account as first
              from unnest(p_shard, p_account) with ordinality u(shard, account, i)) d
      left join lateral (select * from ledger.account y
                          where y.shard = d.shard and y.account_id = d.account offset 0) q on true
     where d.first;
    if v_due then
        for x in 1 .. cardinality(ac_id) loop
            if ac_next[x] <= v_at then
                perform ledger.expire_holds(ac_shard[x], ac_id[x], v_at);
                ac_next[x] := (select y.next_hold_expiry from ledger.account y
                                where y.shard = ac_shard[x] and y.account_id = ac_id[x]);
            end if;
        end loop;
    end if;

    select array_agg(z.shard), array_agg(z.account_id), array_agg(z.balance_no), array_agg(z.balance_type),
           array_agg(z.unit), array_agg(z.exponent), array_agg(z.posted), array_agg(z.held),
           array_agg(z.credit_limit), array_agg(z.seq), array_agg(z.priority), array_agg(z.expires_at),
           array_agg(false)
      into b_shard, b_account, b_no, b_type, b_unit, b_exponent, b_posted, b_held, b_limit, b_seq, b_priority, b_expires,
           b_dirty
      from (select q.*
              from unnest(ac_shard, ac_id) with ordinality d(shard, account, i)
             cross join lateral (select * from ledger.balance y
                                  where y.shard = d.shard and y.account_id = d.account offset 0) q
             order by d.i, q.balance_no) z;

    if p_operation && '{extend,capture,release}' then
        for r in
            select q.*
              from (select distinct u.shard, u.hold from unnest(p_operation, p_shard, p_hold) u(operation, shard, hold)
                     where u.operation in ('extend', 'capture', 'release')) d
             cross join lateral (select * from ledger.hold y
                                  where y.shard = d.shard and y.hold_id = d.hold offset 0) q
        loop
            hn := hn + 1;
            h_id[hn] := r.hold_id; h_shard[hn] := r.shard; h_account[hn] := r.account_id;
            h_application[hn] := r.application_id; h_balance[hn] := r.balance_type; h_unit[hn] := r.unit;
            h_amount[hn] := r.amount; h_captured[hn] := r.captured; h_state[hn] := r.state;
            h_description[hn] := r.description; h_placed[hn] := r.placed_at; h_expires[hn] := r.expires_at;
            h_ended[hn] := r.ended_at; h_head[hn] := ln + 1; h_legs[hn] := 0; h_dirty[hn] := false;
        end loop;
        h := 0;
        for r in
            select d.i::integer as i, q.*
              from unnest(h_shard, h_id) with ordinality d(shard, hold_id, i)
             cross join lateral (select * from ledger.hold_leg y
                                  where y.shard = d.shard and y.hold_id = d.hold_id offset 0) q
             order by d.i, q.leg_no
        loop
            ln := ln + 1;
            l_hold[ln] := r.i; l_no[ln] := r.leg_no; l_balance[ln] := r.balance_no; l_amount[ln] := r.amount;
            l_captured[ln] := r.captured; l_next[ln] := null; l_dirty[ln] := false;
            if r.i = h then l_next[ln - 1] := ln; else h := r.i; h_head[h] := ln; end if;
            h_legs[h] := h_legs[h] + 1;
        end loop;
    end if;

    -- (3) The requests, one after the other, each beside what is stored under its key and the charge it refunds.
    for r in
        select u.i::integer as i, q.request_id, q.digest, q.journal_no, q.hold_id,
               c.request_id as original_id, c.operation as original_operation, c.journal_no as original_journal,
               c.legs as original_legs, c.balance_no as original_balance, c.amount - c.refunded as refundable,
               c.refunded
          from unnest(p_operation, p_shard, p_account, p_application, p_reference, p_original) with ordinality
               u(operation, shard, account, application, reference, original, i)
          left join lateral (select * from ledger.request y
                              where p_group is null
                                and y.shard = u.shard and y.account_id = u.account
                                and y.application_id = u.application and y.operation = u.operation
                                and y.reference = u.reference offset 0) q on true
          left join lateral (select * from ledger.request y
                              where u.operation = 'refund'
                                and y.shard = u.shard and y.account_id = u.account
                                and y.application_id = u.application
                                and y.operation = any ('{charge,capture}'::ledger.operation[])
                                and y.reference = coalesce(u.original, u.reference)
                              order by y.operation limit 1) c on true
         order by u.i
    loop
        i := r.i;
        v_op := p_operation[i];
        if i = 1 or p_account[i] <> p_account[i - 1] then
            if i = 1 or p_shard[i] <> p_shard[i - 1] then
                s := s + 1;
                if sh_id[s] is distinct from p_shard[i] then
                    raise exception 'post_batch: unknown shard, or requests not ordered by shard' using errcode = 'data_exception';
                end if;
            elsif p_account[i] < p_account[i - 1] then
                raise exception 'post_batch: requests not ordered by account' using errcode = 'data_exception';
            end if;
            k := k + 1;
            v_base := v_base + v_count;
            v_count := ac_balances[k];
            if v_count > 0 and (b_account[v_base + 1] is distinct from p_account[i]
                                or b_no[v_base + v_count] is distinct from v_count) then
                raise exception 'account % has gaps among its balances', p_account[i] using errcode = 'data_corrupted';
            end if;
        end if;

        -- Who asks, and was it asked before?
        x := coalesce(kept[p_earlier[i]], 0);
        v := case
            when ac_state[k] is null then 'unknown_account'
            when p_epoch[i] <> ac_epoch[k] then 'stale_address'
            when r.request_id is not null then
                case when r.digest = p_digest[i] then 'replayed' else 'reference_conflict' end
            when x > 0 then case when p_digest[x] = p_digest[i] then 'replayed' else 'reference_conflict' end
            when ac_state[k] = 'closed' then 'account_closed'
            when ac_state[k] = 'suspended' and (v_op in ('charge', 'hold') or v_op = 'extend' and p_amount[i] > 0
                                                or v_op in ('split', 'transfer') and p_amount[i] < 0)
                then 'account_suspended'
            else 'posted'
        end;
        o_outcome[i] := v;
        if v <> 'posted' then
            if v = 'replayed' and r.request_id is not null then
                o_journal_no[i] := r.journal_no; o_request_id[i] := r.request_id; o_hold[i] := r.hold_id;
            elsif x > 0 then
                kept[i] := x;
                if v = 'replayed' then
                    o_journal_no[i] := o_journal_no[x]; o_request_id[i] := o_request_id[x]; o_hold[i] := o_hold[x];
                end if;
            end if;
            continue;
        end if;

        -- On which balance (j): its hold's, its charge's, the named one, the default one.
        v_spend := false;
        if v_op in ('extend', 'capture', 'release') then
            h := array_position(h_id, p_hold[i]);
            if h is null or h_account[h] <> p_account[i] or h_application[h] <> p_application[i]
               or h_state[h] <> 'open' then
                o_outcome[i] := 'unknown_hold'; continue;
            end if;
            j := v_base + l_balance[h_head[h]];
            if p_balance[i] is distinct from h_balance[h] and p_balance[i] is not null
               and (h_balance[h] is not null or h_legs[h] > 1 or b_type[j] <> p_balance[i]) then
                o_outcome[i] := 'unknown_balance'; continue;
            end if;
            v_spend := v_op = 'extend' and h_balance[h] is null and ac_spending[k];
        elsif r.original_id is not null then
            -- Of several legs the first one tells the unit; each is compared with the named balance below.
            j := v_base + case when r.original_legs = 1 then r.original_balance else
                (select y.balance_no from ledger.request_leg y
                  where y.shard = p_shard[i] and y.request_id = r.original_id and y.leg_no = 1) end;
            if r.original_legs = 1 and p_balance[i] <> b_type[j] then
                o_outcome[i] := 'unknown_balance'; continue;
            end if;
        elsif v_op = 'refund' and (p_original[i] is not null or p_unlinked[i] is not true) then
            o_outcome[i] := case when p_original[i] is null then 'refund_not_linked' else 'unknown_charge' end;
            v_unlinked := true;
            continue;
        elsif p_balance[i] is null then
            j := case when ac_default[k] <= v_count then v_base + ac_default[k] else 0 end;
            v_spend := ac_spending[k] and v_op in ('charge', 'hold', 'split');
            if v_spend and p_unit[i] <> b_unit[j] then
                for x in v_base + 1 .. v_base + v_count loop
                    if b_unit[x] = p_unit[i] then j := x; exit; end if;
                end loop;
            end if;
            v_unlinked := v_unlinked or v_op = 'refund';
        else
            j := 0;
            for x in v_base + 1 .. v_base + v_count loop
                if b_type[x] = p_balance[i] then j := x; exit; end if;
            end loop;
            v_unlinked := v_unlinked or v_op = 'refund';
        end if;
        if j = 0 or b_no[j] is null then o_outcome[i] := 'unknown_balance'; continue; end if;

        -- How much (a), in the balance's minor units.
        if v_op = 'release' then
            a := 0;
        else
            a := p_amount[i];
            x := b_exponent[j] - p_scale[i];
            if p_unit[i] <> b_unit[j] then o_outcome[i] := 'wrong_unit'; continue; end if;
            if x < 0 then o_outcome[i] := 'too_many_decimals'; continue; end if;
            if a = 0 or a < 0 and v_op <> 'extend' and p_group is null then o_outcome[i] := 'not_positive'; continue; end if;
            if x > 0 then
                t := p_max_amount / c_power[x + 1];
                if a not between -t and t then o_outcome[i] := 'too_large'; continue; end if;
                a := a * c_power[x + 1];
            elsif a not between -p_max_amount and p_max_amount then
                o_outcome[i] := 'too_large'; continue;
            end if;
        end if;

        -- From which balances: the legs g_*, or a refusal.
        v_sign := case when v_op in ('charge', 'capture') or p_group is not null and a < 0 then -1
                       when v_op in ('hold', 'extend', 'release') then 0 else 1 end;
        if p_group is not null then a := abs(a); end if;
        m := 1; g_j[1] := j; g_amount[1] := a;
        if v_op in ('expired', 'closing') then
            null;  -- whatever is there goes
        elsif v_sign < 0 and v_op <> 'capture' or v_op = 'hold' or v_op = 'extend' and a > 0 then
            if not v_spend then
                if (b_expires[j] <= v_at and v_op <> 'reversal') is true
                   or b_posted[j] - b_held[j] + b_limit[j] < a then
                    o_outcome[i] := 'insufficient_funds'; continue;
                end if;
            else
                -- First funds, in spending order; then the default balance's credit limit.
                m := 0; left_ := a;
                v_order := array(select y from generate_series(v_base + 1, v_base + v_count) y
                                  where b_unit[y] = b_unit[j] and (b_expires[y] > v_at or b_expires[y] is null)
                                  order by b_priority[y], b_expires[y] nulls last, b_type[y]);
                foreach x in array v_order loop
                    exit when left_ = 0;
                    t := least(b_posted[x] - b_held[x], left_);
                    if t > 0 then m := m + 1; g_j[m] := x; g_amount[m] := t; left_ := left_ - t; end if;
                end loop;
                if left_ > 0 then
                    j := v_base + ac_default[k];
                    t := greatest(b_posted[j] - b_held[j], 0);
                    if not j = any (v_order) or b_posted[j] - b_held[j] - t + b_limit[j] < left_ then
                        o_outcome[i] := 'insufficient_funds'; continue;
                    end if;
                    x := array_position(g_j[1:m], j);
                    if x is null then m := m + 1; g_j[m] := j; g_amount[m] := left_;
                    else g_amount[x] := g_amount[x] + left_; end if;
                end if;
            end if;
        elsif v_sign > 0 then
            g_refund_of[1] := r.original_journal;
            if r.original_id is not null and a > r.refundable then
                o_outcome[i] := 'beyond_charge'; continue;
            end if;
            if r.original_legs > 1 then
                -- Legs are given back last first; what earlier refunds gave back is passed over.
                m := 0; left_ := a; t := r.refunded; v := 'posted';
                for leg in
                    select y.leg_no, y.balance_no, y.amount from ledger.request_leg y
                     where y.shard = p_shard[i] and y.request_id = r.original_id order by y.leg_no desc
                loop
                    if t >= leg.amount then t := t - leg.amount; continue; end if;
                    if p_balance[i] <> b_type[v_base + leg.balance_no] then v := 'unknown_balance'; exit; end if;
                    m := m + 1; g_j[m] := v_base + leg.balance_no; g_amount[m] := least(leg.amount - t, left_);
                    g_refund_of[m] := r.original_journal + leg.leg_no - 1;
                    left_ := left_ - g_amount[m]; t := 0;
                    exit when left_ = 0;
                end loop;
                if v <> 'posted' then o_outcome[i] := v; continue; end if;
            end if;
            v := 'posted';
            for x in 1 .. m loop
                if b_posted[g_j[x]] > c_posted_max - g_amount[x] then v := 'balance_limit'; end if;
            end loop;
            if v <> 'posted' then o_outcome[i] := v; continue; end if;
        elsif v_op = 'capture' then
            if a > h_amount[h] - h_captured[h] then o_outcome[i] := 'beyond_hold'; continue; end if;
        elsif v_op = 'extend' then
            if -a > h_amount[h] - h_captured[h] then o_outcome[i] := 'excess_give_back'; continue; end if;
        end if;

        -- Accepted: the hold and its legs …
        if v_op in ('hold', 'extend', 'capture', 'release') then
            if v_op = 'hold' then
                hn := hn + 1; h := hn;
                h_id[h] := p_hold[i]; h_shard[h] := p_shard[i]; h_account[h] := p_account[i];
                h_application[h] := p_application[i]; h_balance[h] := p_balance[i]; h_unit[h] := b_unit[g_j[1]];
                h_amount[h] := 0; h_captured[h] := 0; h_state[h] := 'open'; h_description[h] := p_description[i];
                h_placed[h] := v_at; h_ended[h] := null; h_head[h] := null; h_legs[h] := 0;
            end if;
            h_dirty[h] := true;
            o_hold[i] := h_id[h];
            if v_op = 'hold' or v_op = 'extend' then
                h_expires[h] := v_at + p_hold_ttl;
                h_amount[h] := h_amount[h] + a;
                if ac_next[k] is null or ac_next[k] > h_expires[h] then
                    ac_next[k] := h_expires[h]; ac_changed := true;
                end if;
            end if;
            if v_op = 'hold' or v_op = 'extend' and a > 0 then
                for x in 1 .. m loop
                    j := g_j[x];
                    b_held[j] := b_held[j] + g_amount[x]; b_dirty[j] := true;
                    l := h_head[h]; t := null;
                    while l is not null and l_balance[l] <> b_no[j] loop t := l; l := l_next[l]; end loop;
                    if l is null then
                        ln := ln + 1; l := ln; h_legs[h] := h_legs[h] + 1;
                        l_hold[l] := h; l_no[l] := h_legs[h]; l_balance[l] := b_no[j]; l_amount[l] := 0;
                        l_captured[l] := 0; l_next[l] := null;
                        if t is null then h_head[h] := l; else l_next[t::integer] := l; end if;
                    end if;
                    l_amount[l] := l_amount[l] + g_amount[x]; l_dirty[l] := true;
                end loop;
            elsif v_op = 'extend' then
                -- A negative extension gives back from the last leg on.
                a := -a; left_ := a;
                for x in reverse h_legs[h] .. 1 loop
                    l := h_head[h];
                    while l_no[l] <> x loop l := l_next[l]; end loop;
                    t := least(l_amount[l] - l_captured[l], left_);
                    if t > 0 then
                        j := v_base + l_balance[l];
                        b_held[j] := b_held[j] - t; b_dirty[j] := true;
                        l_amount[l] := l_amount[l] - t; l_dirty[l] := true; left_ := left_ - t;
                    end if;
                end loop;
            else
                -- Captures consume the legs in their order; a release gives back what is left.
                if v_op = 'release' then a := h_amount[h] - h_captured[h]; end if;
                m := 0; l := h_head[h]; left_ := a;
                while left_ > 0 loop
                    t := least(l_amount[l] - l_captured[l], left_);
                    if t > 0 then
                        j := v_base + l_balance[l]; m := m + 1; g_j[m] := j; g_amount[m] := t;
                        b_held[j] := b_held[j] - t; b_dirty[j] := true; left_ := left_ - t;
                        if v_op = 'capture' then l_captured[l] := l_captured[l] + t; l_dirty[l] := true; end if;
                    end if;
                    l := l_next[l];
                end loop;
                if v_op = 'capture' then
                    h_captured[h] := h_captured[h] + a;
                else
                    h_state[h] := 'released'; h_ended[h] := v_at;
                end if;
            end if;
        end if;

        -- … the postings …
        v_group := null;
        if v_sign <> 0 then
            v_group := p_group;
            if m > 1 and p_group is null then v_group := gen_random_uuid(); end if;
            o_journal_no[i] := sh_journal[s];
            for x in 1 .. m loop
                j := g_j[x];
                t := v_sign * g_amount[x];
                b_posted[j] := b_posted[j] + t; b_seq[j] := b_seq[j] + 1; b_dirty[j] := true;
                jn := jn + 1;
                jn_op[jn] := i; jn_b[jn] := j; jn_seq[jn] := b_seq[j]; jn_amount[jn] := t; jn_after[jn] := b_posted[j];
                jn_no[jn] := sh_journal[s];
                jn_group[jn] := v_group;
                jn_refund_of[jn] := case v_op when 'refund' then g_refund_of[x] end;
                if v_group is not null then
                    rl := rl + 1;
                    rl_shard[rl] := coalesce(p_group_shard, p_shard[i]);
                    rl_id[rl] := coalesce(p_group_request, sh_request[s]);
                    rl_no[rl] := case when p_group is null then x else rl end;
                    rl_leg_shard[rl] := p_shard[i]; rl_account[rl] := p_account[i];
                    rl_balance[rl] := b_no[j]; rl_amount[rl] := g_amount[x];
                end if;
                sh_journal[s] := sh_journal[s] + 1;
            end loop;
            if v_op = 'credit' and p_period[i] is not null then
                -- The first credit dates a balance; later ones only ever prolong it, and "never" is the longest.
                if b_expires[j] is not null then
                    b_expires[j] := greatest(b_expires[j], v_at + p_period[i] * interval '24 hours');
                elsif b_seq[j] = 1 then
                    b_expires[j] := v_at + p_period[i] * interval '24 hours';
                end if;
            elsif v_op = 'refund' and r.original_id is not null then
                rf := rf + 1; rf_op[rf] := i; rf_operation[rf] := r.original_operation;
            end if;
        end if;

        -- … and the request.
        rq := rq + 1;
        rq_op[rq] := i; rq_amount[rq] := a; rq_group[rq] := v_group;
        rq_legs[rq] := case when v_sign = 0 then 0 else m end;
        rq_balance[rq] := case when m = 1 then b_no[g_j[1]] end;
        if v_op = 'refund' and r.original_id is not null then rf_amount[rf] := a; end if;
        kept[i] := i; o_request_id[i] := coalesce(p_group_request, sh_request[s]);
        if p_group is null then sh_request[s] := sh_request[s] + 1; end if;
    end loop;

    -- (4) Writes: at most one statement a table, none where nothing changed; of a group all or nothing.
    if rq = 0 or p_group is not null and rq < n then return; end if;

    update ledger.balance b
       set posted = u.posted, held = u.held, seq = u.seq, expires_at = u.expires
      from unnest(b_shard, b_account, b_no, b_posted, b_held, b_seq, b_expires, b_dirty)
           u(shard, account, no, posted, held, seq, expires, dirty)
     where u.dirty and b.shard = u.shard and b.account_id = u.account and b.balance_no = u.no;

    if jn > 0 then
        insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit, contra,
                                    kind, application_id, reference, request_id, group_id, hold_id, refund_of,
                                    recorded_at, effective_at, code, description)
        select p_shard[u.op], u.no, p_account[u.op], b_no[u.b], u.seq, u.amount, u.after, b_unit[u.b], p_contra[u.op],
               p_operation[u.op], p_application[u.op], p_reference[u.op], o_request_id[u.op], u.grp,
               case p_operation[u.op] when 'capture' then p_hold[u.op] end, u.refund_of,
               v_at, p_effective_at, p_code[u.op], p_description[u.op]
          from unnest(jn_op, jn_b, jn_seq, jn_amount, jn_after, jn_no, jn_group, jn_refund_of)
               u(op, b, seq, amount, after, no, grp, refund_of);

        insert into ledger.contra as c (shard, contra, application_id, unit, total)
        select p_shard[u.op], p_contra[u.op], p_application[u.op], b_unit[u.b], -sum(u.amount)
          from unnest(jn_op, jn_b, jn_amount) u(op, b, amount)
         group by 1, 2, 3, 4
            on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total;
    end if;

    if p_group is null then
        insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                    journal_no, legs, balance_no, amount, hold_id, group_id, recorded_at)
        select p_shard[u.op], p_account[u.op], p_application[u.op], p_operation[u.op], p_reference[u.op],
               o_request_id[u.op], p_digest[u.op], o_journal_no[u.op], u.legs, u.balance_no, u.amount, o_hold[u.op],
               u.grp, v_at
          from unnest(rq_op, rq_legs, rq_balance, rq_amount, rq_group) u(op, legs, balance_no, amount, grp);
    end if;

    if rl > 0 then
        insert into ledger.request_leg (shard, request_id, leg_no, leg_shard, account_id, balance_no, amount)
        select * from unnest(rl_shard, rl_id, rl_no, rl_leg_shard, rl_account, rl_balance, rl_amount);
    end if;

    if rf > 0 then
        update ledger.request c
           set refunded = c.refunded + u.amount
          from unnest(rf_op, rf_operation, rf_amount) u(op, operation, amount)
         where c.shard = p_shard[u.op] and c.account_id = p_account[u.op] and c.application_id = p_application[u.op]
           and c.operation = u.operation and c.reference = coalesce(p_original[u.op], p_reference[u.op]);
        get diagnostics v_rows = row_count;
        if v_rows <> rf then
            raise exception 'post_batch: two refunds of one charge in a batch' using errcode = 'data_exception';
        end if;
    end if;
    if v_unlinked and exists (
        select from unnest(p_operation, p_account, p_application, p_reference, p_original)
                    f(operation, account, application, reference, original)
          join unnest(p_operation, p_account, p_application, p_reference) c(operation, account, application, reference)
            on c.operation in ('charge', 'capture') and c.account = f.account and c.application = f.application
           and c.reference = coalesce(f.original, f.reference)
         where f.operation = 'refund') then
        raise exception 'post_batch: a charge and its refund in a batch' using errcode = 'data_exception';
    end if;

    if hn > 0 then
        insert into ledger.hold as o (shard, hold_id, account_id, application_id, balance_type, unit, amount, captured,
                                      state, description, placed_at, expires_at, ended_at)
        select u.shard, u.id, u.account, u.application, u.balance, u.unit, u.amount, u.captured, u.state, u.description,
               u.placed, u.expires, u.ended
          from unnest(h_shard, h_id, h_account, h_application, h_balance, h_unit, h_amount, h_captured, h_state,
                      h_description, h_placed, h_expires, h_ended, h_dirty)
               u(shard, id, account, application, balance, unit, amount, captured, state, description, placed, expires,
                 ended, dirty)
         where u.dirty
            on conflict (shard, hold_id) do update
           set amount = excluded.amount, captured = excluded.captured, state = excluded.state,
               expires_at = excluded.expires_at, ended_at = excluded.ended_at;
        insert into ledger.hold_leg as o (shard, hold_id, leg_no, balance_no, amount, captured)
        select h_shard[u.hold], h_id[u.hold], u.no, u.balance, u.amount, u.captured
          from unnest(l_hold, l_no, l_balance, l_amount, l_captured, l_dirty) u(hold, no, balance, amount, captured, dirty)
         where u.dirty
            on conflict (shard, hold_id, leg_no) do update
           set amount = excluded.amount, captured = excluded.captured;
        if ac_changed then
            update ledger.account q
               set next_hold_expiry = u.next
              from unnest(ac_shard, ac_id, ac_next) u(shard, id, next)
             where q.shard = u.shard and q.account_id = u.id and q.next_hold_expiry is distinct from u.next;
        end if;
    end if;

    update ledger.shard q
       set next_journal_no = u.journal_no, next_request_id = u.request_id, last_recorded_at = v_at
      from unnest(sh_id, sh_journal, sh_request) u(shard, journal_no, request_id)
     where q.shard = u.shard
       and (q.next_request_id, q.next_journal_no) <> (u.request_id, u.journal_no);
end $$;
comment on function ledger.post_batch is
    'posts a batch of requests in one transaction; each gets its own outcome. The only writer of the charging path';
grant execute on function ledger.post_batch to ledgerline_service;

reset role;
