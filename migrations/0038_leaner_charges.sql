-- Charges read less: neither the account, nor the key before it is inserted, nor a page of balances to tidy it.
--
-- Most of a charge's time goes into pages that are in no cache of the processor. So the balance's row says itself what a
-- charge must know of its account, and a caller who has seen no key repeated lately lets the index find the one that is.

set local role ledgerline_owner;

alter table ledger.balance
    add column account_epoch integer,
    add column takes_unnamed boolean not null default false;
comment on column ledger.balance.account_epoch is
    'its account''s epoch while the account is active, else null: who knows it may charge without reading the account';
comment on column ledger.balance.takes_unnamed is
    'whether requests that name no balance use this one alone: it is the default, and there is no spending order';

-- A page is tidied at every visit when less of it is free than the fillfactor keeps: keeping room by a low one costs a
-- fourteenth of a posting. So new rows bring their room with them.
alter table ledger.balance set (fillfactor = 90);
alter table ledger.balance add column room text;
alter table ledger.balance alter column room set default repeat('.', 100);
comment on column ledger.balance.room is
    'nothing: makes a new row as wide as two, so that its page has room for later versions. The first charge that does not '
    'take its turn takes it away';

create function ledger.tell_balance() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    select case when a.state = 'active' then a.epoch end, a.default_balance_no = new.balance_no and not a.spending_order
      into new.account_epoch, new.takes_unnamed
      from ledger.account a
     where a.shard = new.shard and a.account_id = new.account_id;
    return new;
end $$;
comment on function ledger.tell_balance is 'tells a new balance what it must know of its account';

create function ledger.tell_balances() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    update ledger.balance b
       set account_epoch = case when new.state = 'active' then new.epoch end,
           takes_unnamed = b.balance_no = new.default_balance_no and not new.spending_order
     where b.shard = new.shard and b.account_id = new.account_id;
    return null;
end $$;
comment on function ledger.tell_balances is
    'tells an account''s balances how it has changed. Whoever changes it holds the shard''s lock, as a charge does';

-- Of the account's columns only these: a hold that is placed changes another one, and tells nobody.
create trigger balance_told before insert on ledger.balance
    for each row when (new.account_epoch is null) execute function ledger.tell_balance();
create trigger balances_told after update of state, epoch, default_balance_no, spending_order on ledger.account
    for each row execute function ledger.tell_balances();

-- After the triggers, whose making waits for those who change accounts: what changes now tells the balances itself.
update ledger.balance b
   set account_epoch = case when a.state = 'active' then a.epoch end,
       takes_unnamed = b.balance_no = a.default_balance_no and not a.spending_order
  from ledger.account a
 where a.shard = b.shard and a.account_id = b.account_id;

-- ledger.post_batch: parallel arrays in, parallel arrays out, one element a request; 0003_posting.sql tells what they
-- are, in which order they come, and why plans are generic and the planner may not scan.
--
-- A charge whose account has no other request in the batch depends on nothing but what is stored. Such charges are posted
-- all at once where it is certain that they are to be: active account, known epoch, one balance of the right unit with
-- enough on it, a key that is new. All others take their turn in post_in_turn, which finds what there is to refuse; holds
-- that are due are given back there, where a charge needs it. No account is in both, so the outcomes are those of the
-- requests one by one, in input order; journal numbers of one account rise in input order, too.
--
-- With p_new no key is looked up before it is inserted: for a caller who has seen none repeated lately. If one is used
-- all the same, everything is undone and all take their turn: the outcomes are the same, only later.
drop function ledger.post_batch;
create function ledger.post_batch(
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
    v_disorder boolean; v_alone boolean; v_at timestamptz; v_before integer := 0; x integer;
    sh_id smallint[]; sh_journal bigint[]; sh_request bigint[];
    pt_shard smallint[]; pt_posted integer[];  -- the shards that something is posted in
    -- The charges that are posted at once: their place in the input, what became of their balances, and what to add to
    -- their place among them for their numbers.
    c_i integer[]; c_balance smallint[]; c_unit text[]; c_seq bigint[]; c_after bigint[]; c_amount bigint[];
    c_journal bigint[] := '{}'; c_request bigint[] := '{}';
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

    begin
        with taken as (
            update ledger.balance b
               set posted = b.posted - d.amount * c_power[b.exponent - d.scale + 1], seq = b.seq + 1, room = null
              from (select s.i, p_shard[s.i] as shard, p_account[s.i] as account_id, p_epoch[s.i] as epoch,
                           p_balance[s.i] as balance, p_amount[s.i] as amount, p_scale[s.i] as scale, p_unit[s.i] as unit
                      from generate_series(1, n) s(i)
                     where p_operation[s.i] = 'charge' and p_account[s.i] is distinct from p_account[s.i - 1]
                                                       and p_account[s.i] is distinct from p_account[s.i + 1]
                       and (p_new or not exists (
                            select from ledger.request y
                             where y.shard = p_shard[s.i] and y.account_id = p_account[s.i]
                               and y.application_id = p_application[s.i] and y.operation = 'charge'
                               and y.reference = p_reference[s.i]))
                    offset 0) d
             where b.shard = d.shard and b.account_id = d.account_id and b.account_epoch = d.epoch
               and case when d.balance is null then b.takes_unnamed else b.balance_type = d.balance end
               and b.unit = coalesce(d.unit, b.unit)
               and case when d.amount between 1 and p_max_amount / c_power[b.exponent - d.scale + 1]
                        then b.posted - b.held + b.credit_limit >= d.amount * c_power[b.exponent - d.scale + 1] end
               and (b.expires_at > v_at) is not false
            returning d.i, b.balance_no, b.unit, b.seq, b.posted, d.amount * c_power[b.exponent - d.scale + 1] as amount
        )
        select array_agg(t.i), array_agg(t.balance_no), array_agg(t.unit), array_agg(t.seq), array_agg(t.posted),
               array_agg(t.amount)
          into c_i, c_balance, c_unit, c_seq, c_after, c_amount
          from (select * from taken order by i) t;

        select array_agg(z.shard), array_agg(z.posted) into pt_shard, pt_posted
          from (select p_shard[c.i] as shard, count(*)::integer as posted from unnest(c_i) c(i) group by 1 order by 1) z;
        for k in 1 .. coalesce(cardinality(pt_shard), 0) loop
            x := array_position(sh_id, pt_shard[k]);
            c_journal := c_journal || array_fill(sh_journal[x] - 1 - v_before, array[pt_posted[k]]);
            c_request := c_request || array_fill(sh_request[x] - 1 - v_before, array[pt_posted[k]]);
            v_before := v_before + pt_posted[k];
        end loop;

        with placed as materialized (
            select c.i, c.k, c_journal[c.k] + c.k as journal_no, c_request[c.k] + c.k as request_id
              from unnest(c_i) with ordinality c(i, k)
        ), journal as (
            insert into ledger.journal (shard, journal_no, account_id, balance_no, seq, amount, balance_after, unit,
                                        contra, kind, application_id, reference, request_id, recorded_at, effective_at,
                                        code, description)
            select p_shard[d.i], d.journal_no, p_account[d.i], c_balance[d.k], c_seq[d.k], -c_amount[d.k], c_after[d.k],
                   c_unit[d.k], p_contra[d.i], 'charge', p_application[d.i], p_reference[d.i], d.request_id, v_at,
                   p_effective_at, p_code[d.i], p_description[d.i]
              from placed d
        ), requests as (
            insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                        journal_no, legs, balance_no, amount, recorded_at)
            select p_shard[d.i], p_account[d.i], p_application[d.i], 'charge', p_reference[d.i], d.request_id,
                   p_digest[d.i], d.journal_no, 1, c_balance[d.k], c_amount[d.k], v_at
              from placed d
        ), contra as (
            insert into ledger.contra as c (shard, contra, application_id, unit, total)
            select p_shard[d.i], p_contra[d.i], p_application[d.i], c_unit[d.k], sum(c_amount[d.k])
              from placed d
             group by 1, 2, 3, 4
                on conflict (shard, contra, application_id, unit) do update set total = c.total + excluded.total
        )
        select array_agg('posted'::ledger.outcome), array_agg(d.journal_no), array_agg(d.request_id)
          into t_outcome, t_journal_no, t_request_id
          from placed d;
    exception
        when unique_violation then  -- a key that has been used
            c_i := null; pt_shard := null; pt_posted := null;
    end;
    -- Out here, because its rows were locked out here: what one part of a transaction locks and another one changes has
    -- two owners for PostgreSQL, which keeps a list of them (a MultiXact) for each such row.
    update ledger.shard q
       set next_journal_no = q.next_journal_no + u.posted, next_request_id = q.next_request_id + u.posted,
           last_recorded_at = v_at
      from unnest(pt_shard, pt_posted) u(shard, posted)
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
comment on function ledger.post_batch is
    'posts a batch of requests in one transaction; each gets its own outcome. The only writer of the charging path';
grant execute on function ledger.post_batch to ledgerline_service;

reset role;
