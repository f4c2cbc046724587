-- Charges in one statement: what most requests of a batch are is posted by sets, the rest in turn.
--
-- A charge whose account has no other request in the batch, and that draws on one balance, depends on nothing but what
-- is stored: such charges are probed, ruled and written all at once, at about half the cost of a turn in the loop.
-- All others take their turn in what was ledger.post_batch so far. No account is in both, so the outcomes are those of
-- the requests one by one, in input order; journal numbers of one account rise in input order, too.

set local role ledgerline_owner;

alter function ledger.post_batch rename to post_in_turn;
revoke execute on function ledger.post_in_turn from ledgerline_service;
comment on function ledger.post_in_turn is
    'the part of post_batch for requests that may depend on one another; takes the same arrays';

-- ledger.post_batch: parallel arrays in, parallel arrays out, one element a request; 0003_posting.sql tells what they
-- are, in which order they come, and why plans are generic and the planner may not scan.
--
-- The arms of the verdict stand in the order of post_in_turn's checks: the first that holds is the answer.
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
    c_power constant bigint[] := '{1,10,100,1000,10000,100000,1000000}';
    v_disorder boolean; v_alone boolean; v_at timestamptz;
    sh_id smallint[]; sh_journal bigint[]; sh_request bigint[];
    rest integer[];  -- the requests that take their turn
    t_outcome ledger.outcome[]; t_journal_no bigint[]; t_request_id bigint[]; t_hold uuid[];
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        -- A snapshot older than the lock would not see what the previous holder of the lock has written.
        raise exception 'ledger functions need READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;
    select bool_or((p_shard[i - 1], p_account[i - 1]) > (p_shard[i], p_account[i])),
           bool_or(p_operation[i] = 'charge' and p_account[i] is distinct from p_account[i - 1]
                                             and p_account[i] is distinct from p_account[i + 1])
      into v_disorder, v_alone
      from generate_series(1, n) i;
    if v_disorder then
        raise exception 'post_batch: requests not ordered by shard and account' using errcode = 'data_exception';
    end if;
    if p_group is not null or v_alone is not true then
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

    with asked as (
        select u.i, u.shard, u.account_id, u.application_id, u.reference,
               b.at, b.balance_no, b.unit, b.posted, b.seq, u.amount, c_power[b.exponent - u.scale + 1] as power,
               q.journal_no as stored_journal_no, q.request_id as stored_request_id,
               case
                   when not u.alone or a.next_hold_expiry <= v_at or a.spending_order and u.balance is null
                       then null  -- takes its turn
                   when a.state is null then 'unknown_account'
                   when u.epoch <> a.epoch then 'stale_address'
                   when q.request_id is not null then
                       case when q.digest = p_digest[u.i] then 'replayed' else 'reference_conflict' end
                   when a.state = 'closed' then 'account_closed'
                   when a.state = 'suspended' then 'account_suspended'
                   when b.balance_no is null then 'unknown_balance'
                   when p_unit[u.i] <> b.unit then 'wrong_unit'
                   when u.scale > b.exponent then 'too_many_decimals'
                   when u.amount <= 0 then 'not_positive'
                   when u.amount > p_max_amount / c_power[b.exponent - u.scale + 1] then 'too_large'
                   when b.expires_at <= v_at
                        or b.posted - b.held + b.credit_limit < u.amount * c_power[b.exponent - u.scale + 1]
                       then 'insufficient_funds'
                   else 'posted'
               end::ledger.outcome as outcome
          from (select s.i, p_shard[s.i] as shard, p_account[s.i] as account_id, p_application[s.i] as application_id,
                       p_reference[s.i] as reference, p_epoch[s.i] as epoch, p_balance[s.i] as balance,
                       p_amount[s.i] as amount, p_scale[s.i] as scale,
                       p_operation[s.i] = 'charge' and p_account[s.i] is distinct from p_account[s.i - 1]
                                                   and p_account[s.i] is distinct from p_account[s.i + 1] as alone
                  from generate_series(1, n) s(i) offset 0) u
          left join lateral (select y.state, y.epoch, y.default_balance_no, y.spending_order, y.next_hold_expiry
                               from ledger.account y
                              where u.alone and y.shard = u.shard and y.account_id = u.account_id offset 0) a on true
          left join lateral (select y.ctid as at, y.balance_no, y.unit, y.exponent, y.posted, y.held, y.credit_limit,
                                    y.seq, y.expires_at
                               from ledger.balance y
                              where u.alone and y.shard = u.shard and y.account_id = u.account_id
                                and case when u.balance is null then y.balance_no = a.default_balance_no
                                         else y.balance_type = u.balance end offset 0) b on true
          left join lateral (select y.request_id, y.journal_no, y.digest
                               from ledger.request y
                              where u.alone and y.shard = u.shard and y.account_id = u.account_id
                                and y.application_id = u.application_id and y.operation = 'charge'
                                and y.reference = u.reference offset 0) q on true
    ), ruled as materialized (
        select d.i, d.shard, d.account_id, d.application_id, d.reference, d.outcome, d.at, d.balance_no, d.unit,
               d.seq + 1 as seq, d.posted,
               case d.outcome when 'posted' then d.amount * d.power end as amount,
               case d.outcome when 'posted' then sh_journal[array_position(sh_id, d.shard)] + d.nth - 1
                              when 'replayed' then d.stored_journal_no end as journal_no,
               case d.outcome when 'posted' then sh_request[array_position(sh_id, d.shard)] + d.nth - 1
                              when 'replayed' then d.stored_request_id end as request_id
          from (select asked.*, row_number() over (partition by asked.shard, asked.outcome order by asked.i) as nth
                  from asked) d
    ), balances as (
        -- By its place: nobody moves a balance's row while the shard is locked.
        update ledger.balance b
           set posted = b.posted - d.amount, seq = d.seq
          from ruled d
         where d.outcome = 'posted' and b.ctid = d.at and b.shard = d.shard
    ), journal as (
        insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit, contra,
                                    kind, application_id, reference, request_id, recorded_at, effective_at, code,
                                    description)
        select d.shard, d.journal_no, d.account_id, d.balance_no, d.seq, -d.amount, d.posted - d.amount, d.unit,
               p_contra[d.i], 'charge', d.application_id, d.reference, d.request_id, v_at, p_effective_at, p_code[d.i],
               p_description[d.i]
          from ruled d
         where d.outcome = 'posted'
    ), contra as (
        insert into ledger.contra as c (shard, contra, application_id, unit, total)
        select d.shard, p_contra[d.i], d.application_id, d.unit, sum(d.amount)
          from ruled d
         where d.outcome = 'posted'
         group by 1, 2, 3, 4
            on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total
    ), requests as (
        insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                    journal_no, legs, balance_no, amount, recorded_at)
        select d.shard, d.account_id, d.application_id, 'charge', d.reference, d.request_id, p_digest[d.i], d.journal_no,
               1, d.balance_no, d.amount, v_at
          from ruled d
         where d.outcome = 'posted'
    ), counters as (
        update ledger.shard q
           set next_journal_no = q.next_journal_no + u.posted, next_request_id = q.next_request_id + u.posted,
               last_recorded_at = v_at
          from (select d.shard, count(*) as posted from ruled d where d.outcome = 'posted' group by d.shard) u
         where q.shard = u.shard
    )
    select array_agg(d.outcome order by d.i), array_agg(d.journal_no order by d.i), array_agg(d.request_id order by d.i),
           array_agg(d.i order by d.i) filter (where d.outcome is null)
      into o_outcome, o_journal_no, o_request_id, rest
      from ruled d;
    o_hold := array_fill(null::uuid, array[n]);

    if rest is not null then
        select t.* into t_outcome, t_journal_no, t_request_id, t_hold
          from (select array_agg(p_operation[i]) as operation, array_agg(p_shard[i]) as shard,
                       array_agg(p_account[i]) as account, array_agg(p_epoch[i]) as epoch,
                       array_agg(p_balance[i]) as balance, array_agg(p_amount[i]) as amount,
                       array_agg(p_scale[i]) as scale, array_agg(p_unit[i]) as unit,
                       array_agg(p_application[i]) as application, array_agg(p_reference[i]) as reference,
                       array_agg(p_digest[i]) as digest,
                       array_agg(case when p_earlier[i] > 0 then array_position(rest, p_earlier[i]) end) as earlier,
                       array_agg(p_hold[i]) as hold, array_agg(p_contra[i]) as contra,
                       array_agg(p_original[i]) as original, array_agg(p_unlinked[i]) as unlinked,
                       array_agg(p_period[i]) as period, array_agg(p_code[i]) as code,
                       array_agg(p_description[i]) as description
                  from unnest(rest) i) r
         cross join lateral ledger.post_in_turn(
               r.operation, r.shard, r.account, r.epoch, r.balance, r.amount, r.scale, r.unit, r.application, r.reference,
               r.digest, r.earlier, r.hold, r.contra, r.original, r.unlinked, r.period, r.code, r.description,
               p_max_amount, p_hold_ttl, null, null, null, p_effective_at) t;
        for x in 1 .. cardinality(rest) loop
            o_outcome[rest[x]] := t_outcome[x]; o_journal_no[rest[x]] := t_journal_no[x];
            o_request_id[rest[x]] := t_request_id[x]; o_hold[rest[x]] := t_hold[x];
        end loop;
    end if;
end $$;
comment on function ledger.post_batch is
    'posts a batch of requests in one transaction; each gets its own outcome. The only writer of the charging path';
grant execute on function ledger.post_batch to ledgerline_service;

reset role;
