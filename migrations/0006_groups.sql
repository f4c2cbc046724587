-- Rare and multi-account work: requests with several legs, all or nothing, and what the background does. Locks are the
-- posting function's, in the same order.
--
-- Planned on tables that are still empty, a plan that scans would stay in the session for ever: all are probed by index.

set local role ledgerline_owner;

create function ledger.system_application() returns integer
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    select ledger.application_id('ledgerline');
end;
comment on function ledger.system_application is 'under whose name the ledger itself posts: expiry';

create function ledger.lock_shards(p_shards smallint[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform from ledger.shard s where s.shard = any (p_shards) order by s.shard for update;
end $$;
comment on function ledger.lock_shards is 'takes the locks of several shards, in ascending order';

-- One request with several legs. The request lives under (p_key_shard, p_key_account); the legs may be anywhere.
create function ledger.post_group(
    p_operation ledger.operation, p_key_shard smallint, p_key_account bigint, p_application integer, p_reference text,
    p_digest uuid, p_shard smallint[], p_account bigint[], p_epoch integer[], p_balance text[], p_amount bigint[],
    p_scale smallint[], p_unit text[], p_contra text[], p_code text, p_description text, p_effective_at timestamptz,
    p_max_amount bigint,
    out o_outcome ledger.outcome, out o_leg integer, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    n constant integer := cardinality(p_shard);
    v_known record; v_group uuid := gen_random_uuid(); v_order integer[]; v_result record; v_moved bigint; v_legs integer;
begin
    perform ledger.lock_shards(p_shard || p_key_shard);
    select r.digest, r.request_id, r.journal_no into v_known
      from ledger.request r
     where r.shard = p_key_shard and r.account_id = p_key_account and r.application_id = p_application
       and r.operation = p_operation and r.reference = p_reference;
    if found then
        o_outcome := case when v_known.digest = p_digest then 'replayed' else 'reference_conflict' end;
        if o_outcome = 'replayed' then
            o_request_id := v_known.request_id; o_journal_no := v_known.journal_no;
        end if;
        return;
    end if;
    if p_operation = 'transfer' and 1 < (
        select count(distinct b.unit)
          from unnest(p_shard, p_account, p_balance) u(shard, account, balance)
         cross join lateral (
               select y.unit from ledger.balance y
                where y.shard = u.shard and y.account_id = u.account
                  and (y.balance_type = u.balance
                       or u.balance is null
                          and y.balance_no = (select a.default_balance_no from ledger.account a
                                               where a.shard = u.shard and a.account_id = u.account))
               offset 0) b) then
        -- Where the amount names no unit, each balance would read it in its own.
        o_outcome := 'wrong_unit';
        return;
    end if;
    select s.next_request_id into o_request_id from ledger.shard s where s.shard = p_key_shard;
    update ledger.shard set next_request_id = next_request_id + 1 where shard = p_key_shard;

    select array_agg(u.i::integer order by u.shard, u.account, u.i) into v_order
      from unnest(p_shard, p_account) with ordinality u(shard, account, i);
    select * into v_result
      from ledger.post_batch(
               array_fill(p_operation, array[n]), array(select p_shard[i] from unnest(v_order) i),
               array(select p_account[i] from unnest(v_order) i), array(select p_epoch[i] from unnest(v_order) i),
               array(select p_balance[i] from unnest(v_order) i), array(select p_amount[i] from unnest(v_order) i),
               array(select p_scale[i] from unnest(v_order) i), array(select p_unit[i] from unnest(v_order) i),
               array_fill(p_application, array[n]), array_fill(p_reference, array[n]), array_fill(p_digest, array[n]),
               null, null, array(select p_contra[i] from unnest(v_order) i), null, null, null,
               array_fill(p_code, array[n]), array_fill(p_description, array[n]), p_max_amount, null,
               v_group, p_key_shard, o_request_id, p_effective_at);

    -- The first leg, in the caller's order, that was refused speaks for all.
    select v_result.o_outcome[x], v_order[x] into o_outcome, o_leg
      from generate_series(1, n) x
     where v_result.o_outcome[x] <> 'posted'
     order by v_order[x] limit 1;
    if found then
        update ledger.shard set next_request_id = o_request_id where shard = p_key_shard;
        o_request_id := null;
        return;
    end if;
    o_outcome := 'posted';
    o_journal_no := (select v_result.o_journal_no[x] from generate_series(1, n) x order by v_order[x] limit 1);
    select coalesce(sum(l.amount), 0), count(*) into v_moved, v_legs
      from ledger.request_leg l where l.shard = p_key_shard and l.request_id = o_request_id;
    insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest, journal_no,
                                legs, amount, group_id, recorded_at)
    select p_key_shard, p_key_account, p_application, p_operation, p_reference, o_request_id, p_digest, o_journal_no,
           v_legs, v_moved, v_group, (select max(s.last_recorded_at) from ledger.shard s where s.shard = any (p_shard));
end $$;
comment on function ledger.post_group is 'posts a request of several legs: all of them, or nothing';

-- A split charge: shares of a total by percent. Shares are floored, and what is left goes out in minor units, one by
-- one, in the order of the shares.
create function ledger.post_split(
    p_application integer, p_reference text, p_digest uuid, p_shard smallint[], p_account bigint[], p_epoch integer[],
    p_percent integer[], p_balance text, p_amount bigint, p_scale smallint, p_unit text, p_code text,
    p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_leg integer, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    n constant integer := cardinality(p_shard);
    c_power constant bigint[] := '{1,10,100,1000,10000,100000,1000000}';
    v_key_shard smallint; v_units text[]; v_exponent smallint; v_total bigint; v_shares bigint[]; v_left bigint; x integer;
begin
    -- The key has account 0: it belongs to no single subscriber.
    select s.shard into v_key_shard from ledger.shard s
     where s.slot = ('x' || left(md5(p_application || ' ' || p_reference), 7))::bit(28)::integer
                    % (select count(*) from ledger.shard);
    -- A request that is known gets its first answer, whatever became of the balances since.
    select r.request_id, r.journal_no into o_request_id, o_journal_no
      from ledger.request r
     where r.shard = v_key_shard and r.account_id = 0 and r.application_id = p_application and r.operation = 'split'
       and r.reference = p_reference and r.digest = p_digest;
    if found then
        o_outcome := 'replayed';
        return;
    end if;
    -- What a unit is never changes, so it may be read before the locks.
    select array_agg(distinct b.unit), max(b.exponent), count(*) into v_units, v_exponent, x
      from unnest(p_shard, p_account) u(shard, account)
      join ledger.account a on a.shard = u.shard and a.account_id = u.account
      join ledger.balance b on b.shard = u.shard and b.account_id = u.account
       and (b.balance_type = p_balance or p_balance is null and b.balance_no = a.default_balance_no);
    if x < n then
        o_outcome := 'unknown_balance';
    elsif cardinality(v_units) > 1 or p_unit <> v_units[1] then
        o_outcome := 'wrong_unit';
    elsif p_amount <= 0 then
        o_outcome := 'not_positive';
    elsif p_scale > v_exponent then
        o_outcome := 'too_many_decimals';
    elsif p_amount > p_max_amount / c_power[v_exponent - p_scale + 1] then
        o_outcome := 'too_large';
    end if;
    if o_outcome is not null then
        return;
    end if;
    v_total := p_amount * c_power[v_exponent - p_scale + 1];
    select array_agg(floor(v_total::numeric * p / 100)::bigint order by i) into v_shares
      from unnest(p_percent) with ordinality u(p, i);
    v_left := v_total - (select sum(share) from unnest(v_shares) share);
    for x in 1 .. v_left loop
        v_shares[(x - 1) % n + 1] := v_shares[(x - 1) % n + 1] + 1;
    end loop;
    if 0 = any (v_shares) then
        -- A share too small for the currency: somebody would be named and not charged.
        o_outcome := 'not_positive';
        return;
    end if;
    select g.o_outcome, g.o_leg, g.o_request_id, g.o_journal_no into o_outcome, o_leg, o_request_id, o_journal_no
      from ledger.post_group('split', v_key_shard, 0, p_application, p_reference, p_digest, p_shard, p_account, p_epoch,
               array_fill(p_balance, array[n]), array(select -share from unnest(v_shares) with ordinality u(share, i) order by i),
               array_fill(v_exponent, array[n]), array_fill(v_units[1], array[n]), array_fill('revenue'::text, array[n]),
               p_code, p_description, null, p_max_amount) g;
end $$;
comment on function ledger.post_split is 'one charge over several accounts by percent: everybody pays, or nobody';

-- A credit to a balance that does not exist yet: made as its domain's balance type says, unless the credit is refused.
create function ledger.credit_new_balance(
    p_shard smallint, p_account bigint, p_epoch integer, p_balance text, p_amount bigint, p_scale smallint, p_unit text,
    p_application integer, p_reference text, p_digest uuid, p_contra text, p_period integer, p_code text,
    p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_result record;
begin
    if ledger.open_balance(p_shard, p_account, p_balance) is null then
        o_outcome := 'unknown_balance';
        return;
    end if;
    select * into v_result
      from ledger.post_batch(
               array['credit'::ledger.operation], array[p_shard], array[p_account], array[p_epoch], array[p_balance],
               array[p_amount], array[p_scale], array[p_unit], array[p_application], array[p_reference],
               array[p_digest], null, null, array[p_contra], null, null, array[p_period], array[p_code],
               array[p_description], p_max_amount, null);
    o_outcome := v_result.o_outcome[1];
    if o_outcome not in ('posted', 'replayed') then
        raise exception '%', o_outcome using errcode = 'LL001';
    end if;
    o_request_id := v_result.o_request_id[1];
    o_journal_no := v_result.o_journal_no[1];
exception
    when sqlstate 'LL001' then
        -- The block's changes are undone: no empty balance stays behind a refused credit.
        o_outcome := sqlerrm::ledger.outcome;
end $$;
comment on function ledger.credit_new_balance is 'credits a balance, making it if it is missing; a refusal leaves nothing';

-- Undoes a request as it was: every leg the other way round, on the same balances. Once, and not after refunds.
create function ledger.reverse(
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
    end if;
end $$;
comment on function ledger.reverse is 'undoes a request leg by leg; refused once something of it was given back';

-- Sweeps: a shard and some accounts at a time, so that no lock is held for long. Several nodes may run them at once.
create function ledger.sweep_holds(p_shard smallint, p_accounts integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz; v_account bigint; v_ended integer := 0;
begin
    if not exists (select from ledger.hold h
                    where h.shard = p_shard and h.state = 'open' and h.expires_at <= clock_timestamp()) then
        return 0;
    end if;
    v_at := ledger.lock_shard(p_shard);
    for v_account in
        select distinct h.account_id
          from (select d.account_id from ledger.hold d
                 where d.shard = p_shard and d.state = 'open' and d.expires_at <= v_at
                 order by d.expires_at limit p_accounts) h
    loop
        v_ended := v_ended + ledger.expire_holds(p_shard, v_account, v_at);
    end loop;
    return v_ended;
end $$;
comment on function ledger.sweep_holds is 'ends due holds of a shard; how many. Again, until it returns 0';

create function ledger.sweep_balances(p_shard smallint, p_grace interval, p_balances integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz; r record; v_outcome ledger.outcome; v_swept integer := 0;
begin
    if not exists (select from ledger.balance b
                    where b.shard = p_shard and b.expires_at <= clock_timestamp() - p_grace and b.posted > b.held) then
        return 0;
    end if;
    v_at := ledger.lock_shard(p_shard);
    for r in
        select b.account_id, b.balance_type, b.exponent, b.posted - b.held as rest, b.expires_at, b.seq
          from ledger.balance b
         where b.shard = p_shard and b.expires_at <= v_at - p_grace and b.posted > b.held
         order by b.expires_at, b.account_id limit p_balances
    loop
        select g.o_outcome into v_outcome
          from ledger.post_group('expired', p_shard, r.account_id, ledger.system_application(),
                   r.balance_type || ' after ' || r.seq, gen_random_uuid(), array[p_shard], array[r.account_id],
                   null, array[r.balance_type], array[-r.rest], array[r.exponent], null, array['expired'], null,
                   'expired on ' || to_char(r.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), null,
                   r.rest) g;
        if v_outcome = 'posted' then
            v_swept := v_swept + 1;
        end if;
    end loop;
    return v_swept;
end $$;
comment on function ledger.sweep_balances is
    'posts away what is left on balances that expired more than the grace ago; how many. Again, until it returns 0';

-- States. An account closes with its funds written off, never with open holds.
create function ledger.set_suspended(p_shard smallint, p_account bigint, p_suspended boolean) returns ledger.outcome
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_state ledger.account_state;
begin
    perform ledger.lock_shard(p_shard);
    select a.state into v_state from ledger.account a where a.shard = p_shard and a.account_id = p_account;
    if not found then
        return 'unknown_account';
    end if;
    if v_state = 'closed' then
        return 'account_closed';
    end if;
    update ledger.account set state = case when p_suspended then 'suspended' else 'active' end::ledger.account_state
     where shard = p_shard and account_id = p_account;
    return 'posted';
end $$;
comment on function ledger.set_suspended is 'suspends an account (no charges, no new holds) or lifts that';

create function ledger.close_account(p_shard smallint, p_account bigint, p_application integer, p_description text)
returns ledger.outcome
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz; v_state ledger.account_state; v_outcome ledger.outcome; v_types text[]; v_amounts bigint[];
    v_scales smallint[]; n integer;
begin
    v_at := ledger.lock_shard(p_shard);
    select a.state into v_state from ledger.account a where a.shard = p_shard and a.account_id = p_account;
    if not found then
        return 'unknown_account';
    end if;
    if v_state = 'closed' then
        return 'account_closed';
    end if;
    perform ledger.expire_holds(p_shard, p_account, v_at);
    if exists (select from ledger.hold h
                where h.shard = p_shard and h.account_id = p_account and h.state = 'open' and h.amount > h.captured) then
        return 'unknown_hold';
    end if;
    update ledger.hold set state = 'released', ended_at = v_at
     where shard = p_shard and account_id = p_account and state = 'open';
    select array_agg(b.balance_type order by b.balance_no), array_agg(-b.posted order by b.balance_no),
           array_agg(b.exponent order by b.balance_no), count(*)
      into v_types, v_amounts, v_scales, n
      from ledger.balance b
     where b.shard = p_shard and b.account_id = p_account and b.posted <> 0;
    if n > 0 then
        select g.o_outcome into v_outcome
          from ledger.post_group('closing', p_shard, p_account, p_application, 'closing', gen_random_uuid(),
                   array_fill(p_shard, array[n]), array_fill(p_account, array[n]), null, v_types, v_amounts, v_scales,
                   null, array_fill('written_off'::text, array[n]), null, p_description, null,
                   (select max(abs(amount)) from unnest(v_amounts) amount)) g;
        if v_outcome <> 'posted' then
            return v_outcome;
        end if;
    end if;
    update ledger.account set state = 'closed', closed_at = v_at, epoch = epoch + 1, next_hold_expiry = null
     where shard = p_shard and account_id = p_account;
    perform pg_notify('ledger_address', a.address)
       from ledger.address a where a.account_id = p_account and a.until is null;
    update ledger.address set until = v_at where account_id = p_account and until is null;
    return 'posted';
end $$;
comment on function ledger.close_account is
    'closes an account for ever: writes its funds off, frees its addresses; refused (unknown_hold) while holds are open';

grant execute on function ledger.system_application, ledger.post_group, ledger.post_split, ledger.credit_new_balance,
    ledger.reverse, ledger.sweep_holds, ledger.sweep_balances, ledger.set_suspended, ledger.close_account
    to ledgerline_service;
reset role;
