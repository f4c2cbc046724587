-- Charges of one account in one batch are posted by sets, too: a hot account need not take its turn.

set local role ledgerline_owner;

-- ledger.post_batch: parallel arrays in, parallel arrays out, one element a request; 0003_posting.sql tells what they
-- are, in which order they come, and why plans are generic and the planner may not scan.
--
-- An account whose requests in the batch are all charges of one kind (one balance, unit and scale) depends on nothing but
-- what is stored. Such charges are posted all at once where it is certain that all of them are to be: active account, known
-- epoch, a balance of the right unit with enough for their sum, keys that are new. All others take their turn in
-- post_in_turn, which finds what there is to refuse; holds that are due are given back there, where a charge needs it. No
-- account is in both, so the outcomes are those of the requests one by one, in input order; journal numbers of one account
-- rise in input order, too.
--
-- With p_new no key is looked up before it is inserted: for a caller who has seen none repeated lately. If one is used
-- all the same, everything is undone and all take their turn: the outcomes are the same, only later.
create or replace function ledger.post_batch(
    p_operation ledger.operation[], p_shard smallint[], p_account bigint[], p_epoch integer[], p_balance text[],
    p_amount bigint[], p_scale smallint[], p_unit text[], p_application integer[], p_reference text[],
    p_digest uuid[], p_earlier integer[], p_hold uuid[], p_contra text[], p_original text[], p_unlinked boolean[],
    p_period integer[], p_code text[], p_description text[], p_max_amount bigint, p_hold_ttl interval,
    p_group uuid default null, p_group_shard smallint default null, p_group_request bigint default null,
    p_effective_at timestamptz default null, p_new boolean default false,
    out o_outcome ledger.outcome[], out o_journal_no bigint[], out o_request_id bigint[], out o_hold uuid[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
    n constant integer := cardinality(p_operation);
    c_power constant bigint[] := '{1,10,100,1000,10000,100000,1000000}';
    v_disorder boolean; v_charges boolean; v_at timestamptz;
    sh_id smallint[]; sh_journal bigint[]; sh_request bigint[];
    run integer[];   -- where the requests of each account begin
    sums bigint[];   -- of the amounts up to each place, where an account has more than one
    c_i integer[];   -- the charges that are posted at once
    rest integer[];  -- the requests that take their turn
    t_outcome ledger.outcome[]; t_journal_no bigint[]; t_request_id bigint[]; t_hold uuid[];
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        -- A snapshot older than the lock would not see what the previous holder of the lock has written.
        raise exception 'ledger functions need READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;
    select bool_or((p_shard[i - 1], p_account[i - 1]) > (p_shard[i], p_account[i])),
           array_agg(i) filter (where p_account[i] is distinct from p_account[i - 1]), bool_or(p_operation[i] = 'charge')
      into v_disorder, run, v_charges
      from generate_series(1, n) i;
    if v_disorder then
        raise exception 'post_batch: requests not ordered by shard and account' using errcode = 'data_exception';
    end if;
    if p_group is not null or v_charges is not true then
        select t.* into o_outcome, o_journal_no, o_request_id, o_hold
          from ledger.post_in_turn(
               p_operation, p_shard, p_account, p_epoch, p_balance, p_amount, p_scale, p_unit, p_application,
               p_reference, p_digest, p_earlier, p_hold, p_contra, p_original, p_unlinked, p_period, p_code,
               p_description, p_max_amount, p_hold_ttl, p_group, p_group_shard, p_group_request, p_effective_at) t;
        return;
    end if;

    select array_agg(z.shard), array_agg(z.next_journal_no), array_agg(z.next_request_id), max(z.last_recorded_at)
      into sh_id, sh_journal, sh_request, v_at
      from (select q.shard, q.next_journal_no, q.next_request_id, q.last_recorded_at
              from ledger.shard q
             where q.shard = any (p_shard)
             order by q.shard
               for update) z;
    v_at := greatest(clock_timestamp(), v_at);

    if cardinality(run) < n then
        select array_agg(z.amounts order by z.i) into sums
          from (select i, sum(case when p_amount[i] between 1 and p_max_amount then p_amount[i] end)
                              over (order by i)::bigint as amounts
                  from generate_series(1, n) i) z;
    end if;

    begin
        with taken as (
            update ledger.balance b
               set posted = b.posted - d.amount * c_power[b.exponent - d.scale + 1], seq = b.seq + 1 + d.last - d.first,
                   room = null
              from (select r.first, r.last, p_shard[r.first] as shard, p_account[r.first] as account_id,
                           p_epoch[r.first] as epoch, p_balance[r.first] as balance, p_scale[r.first] as scale,
                           p_unit[r.first] as unit,
                           p_amount[r.first] + case when r.last > r.first then sums[r.last] - sums[r.first] else 0 end
                           as amount
                      from (select run[k] as first, coalesce(run[k + 1] - 1, n) as last
                              from generate_subscripts(run, 1) k offset 0) r
                     where case when p_new and r.last = r.first then p_operation[r.first] = 'charge' else (
                                select bool_and((p_operation[i] = 'charge' and p_shard[i] = p_shard[r.first]
                                        and p_amount[i] between 1 and p_max_amount
                                        and (p_earlier[i] > 0) is not true
                                        and p_epoch[i] = p_epoch[r.first] and p_scale[i] = p_scale[r.first]
                                        and p_balance[i] is not distinct from p_balance[r.first]
                                        and p_unit[i] is not distinct from p_unit[r.first]
                                        and (p_new or not exists (
                                             select from ledger.request y
                                              where y.shard = p_shard[i] and y.account_id = p_account[i]
                                                and y.application_id = p_application[i] and y.operation = 'charge'
                                                and y.reference = p_reference[i]))) is true)
                                  from generate_series(r.first, r.last) i) end
                    offset 0) d
             where b.shard = d.shard and b.account_id = d.account_id and b.account_epoch = d.epoch
               and case when d.balance is null then b.takes_unnamed else b.balance_type = d.balance end
               and b.unit = coalesce(d.unit, b.unit)
               and case when d.amount between 1 and p_max_amount / c_power[b.exponent - d.scale + 1]
                        then b.posted - b.held + b.credit_limit >= d.amount * c_power[b.exponent - d.scale + 1] end
               and (b.expires_at > v_at) is not false
            returning d.first, d.last, b.balance_no, b.unit, b.seq, b.posted, c_power[b.exponent - d.scale + 1] as power
        ), placed as materialized (
            select w.i, w.balance_no, w.unit, w.seq - w.last + w.i as seq, w.power * p_amount[w.i] as amount,
                   w.posted + case when w.i < w.last then w.power * (sums[w.last] - sums[w.i]) else 0 end as balance_after,
                   sh_journal[w.x] + w.k - 1 as journal_no, sh_request[w.x] + w.k - 1 as request_id
              from (select c.*, row_number() over (partition by c.x order by c.i) as k
                      from (select t.*, array_position(sh_id, p_shard[t.first]) as x,
                                   generate_series(t.first, t.last) as i
                              from taken t) c) w
        ), journal as (
            insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit,
                                        contra, kind, application_id, reference, request_id, recorded_at, effective_at,
                                        code, description)
            select p_shard[d.i], d.journal_no, p_account[d.i], d.balance_no, d.seq, -d.amount, d.balance_after,
                   d.unit, p_contra[d.i], 'charge', p_application[d.i], p_reference[d.i], d.request_id, v_at,
                   p_effective_at, p_code[d.i], p_description[d.i]
              from placed d
        ), requests as (
            insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                        journal_no, legs, balance_no, amount, recorded_at)
            select p_shard[d.i], p_account[d.i], p_application[d.i], 'charge', p_reference[d.i], d.request_id,
                   p_digest[d.i], d.journal_no, 1, d.balance_no, d.amount, v_at
              from placed d
        ), contra as (
            insert into ledger.contra as c (shard, contra, application_id, unit, total)
            select p_shard[d.i], p_contra[d.i], p_application[d.i], d.unit, sum(d.amount)
              from placed d
             group by 1, 2, 3, 4
                on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total
        )
        select array_agg(d.i), array_agg('posted'::ledger.outcome), array_agg(d.journal_no), array_agg(d.request_id)
          into c_i, t_outcome, t_journal_no, t_request_id
          from (select * from placed order by i) d;
    exception
        when unique_violation then  -- a key that has been used
            c_i := null;
    end;
    -- Out here, because its rows were locked out here: what one part of a transaction locks and another one changes has
    -- two owners for PostgreSQL, which keeps a list of them (a MultiXact) for each such row.
    update ledger.shard q
       set next_journal_no = q.next_journal_no + u.posted, next_request_id = q.next_request_id + u.posted,
           last_recorded_at = v_at
      from (select p_shard[i] as shard, count(*) as posted from unnest(c_i) i group by 1) u
     where q.shard = u.shard;

    o_hold := array_fill(null::uuid, array[n]);
    if cardinality(c_i) = n then
        o_outcome := t_outcome; o_journal_no := t_journal_no; o_request_id := t_request_id;
        return;
    end if;
    o_outcome := array_fill(null::ledger.outcome, array[n]);
    o_journal_no := array_fill(null::bigint, array[n]); o_request_id := o_journal_no;
    for k in 1 .. coalesce(cardinality(c_i), 0) loop
        o_outcome[c_i[k]] := t_outcome[k]; o_journal_no[c_i[k]] := t_journal_no[k];
        o_request_id[c_i[k]] := t_request_id[k];
    end loop;
    select array_agg(z.i order by z.i) into rest
      from (select generate_series(1, n) as i except select unnest(c_i)) z;
    select t.* into t_outcome, t_journal_no, t_request_id, t_hold
      from (select array_agg(p_operation[i]) as operation, array_agg(p_shard[i]) as shard,
                   array_agg(p_account[i]) as account, array_agg(p_epoch[i]) as epoch, array_agg(p_balance[i]) as balance,
                   array_agg(p_amount[i]) as amount, array_agg(p_scale[i]) as scale, array_agg(p_unit[i]) as unit,
                   array_agg(p_application[i]) as application, array_agg(p_reference[i]) as reference,
                   array_agg(p_digest[i]) as digest,
                   array_agg(case when p_earlier[i] > 0 then array_position(rest, p_earlier[i]) end) as earlier,
                   array_agg(p_hold[i]) as hold, array_agg(p_contra[i]) as contra, array_agg(p_original[i]) as original,
                   array_agg(p_unlinked[i]) as unlinked, array_agg(p_period[i]) as period, array_agg(p_code[i]) as code,
                   array_agg(p_description[i]) as description
              from unnest(rest) i) r
     cross join lateral ledger.post_in_turn(
           r.operation, r.shard, r.account, r.epoch, r.balance, r.amount, r.scale, r.unit, r.application, r.reference,
           r.digest, r.earlier, r.hold, r.contra, r.original, r.unlinked, r.period, r.code, r.description,
           p_max_amount, p_hold_ttl, null, null, null, p_effective_at) t;
    for k in 1 .. cardinality(rest) loop
        o_outcome[rest[k]] := t_outcome[k]; o_journal_no[rest[k]] := t_journal_no[k];
        o_request_id[rest[k]] := t_request_id[k]; o_hold[rest[k]] := t_hold[k];
    end loop;
end $$;

reset role;
