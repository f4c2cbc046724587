-- Refunds of splits: each account's share is kept beside the account, as a charge of its own would be, so that a refund
-- finds it under the account's own lock.
--
-- A share is a row of ledger.request with operation 'split' and an account: the split itself, the key of them all, has
-- account 0. Shares have numbers of their own, legs (request_leg) and, of volumes, their part of the volume
-- (request_volume); their journal rows are the split's, of the same group_id.

set local role ledgerline_owner;

comment on column ledger.request.refunded is
    'of a charge, capture or share of a split: how much linked refunds gave back; all of it, when it was reversed';

create function ledger.shares_of(p_total bigint, p_percent integer[]) returns bigint[]
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    v_shares bigint[]; v_left bigint;
begin
    select array_agg(floor(p_total::numeric * p / 100)::bigint order by i) into v_shares
      from unnest(p_percent) with ordinality u(p, i);
    v_left := p_total - (select sum(share) from unnest(v_shares) share);
    for x in 1 .. v_left loop
        v_shares[x] := v_shares[x] + 1;
    end loop;
    return v_shares;
end $$;
comment on function ledger.shares_of is
    'a total in shares by percents that add up to 100: floored, and what is left goes out one by one, in their order';

-- The caller holds the locks of all shards that the split has legs in.
create function ledger.keep_shares(p_shard smallint, p_request_id bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    s ledger.request; r record; v_request_id bigint;
begin
    select q.* into strict s from ledger.request q
     where q.shard = p_shard and q.account_id = 0 and q.operation = 'split' and q.request_id = p_request_id;
    for r in
        select l.leg_shard, l.account_id, array_agg(l.balance_no order by l.leg_no) as balances,
               array_agg(l.amount order by l.leg_no) as amounts, sum(l.amount)::bigint as amount, count(*) as legs
          from ledger.request_leg l
         where l.shard = p_shard and l.request_id = p_request_id
         group by l.leg_shard, l.account_id
         order by l.leg_shard, l.account_id
    loop
        update ledger.shard q set next_request_id = q.next_request_id + 1
         where q.shard = r.leg_shard returning q.next_request_id - 1 into v_request_id;
        -- An account's legs follow one another in the journal; the first one's row is, as a rule, its balance's last.
        insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest,
                                    journal_no, legs, balance_no, amount, refunded, group_id, recorded_at)
        select r.leg_shard, r.account_id, s.application_id, 'split', s.reference, v_request_id, s.digest, j.journal_no,
               r.legs, case when r.legs = 1 then r.balances[1] end, r.amount,
               case when s.refunded > 0 then r.amount else 0 end, s.group_id, s.recorded_at
          from (select x.journal_no from ledger.journal x
                 where x.shard = r.leg_shard and x.account_id = r.account_id and x.balance_no = r.balances[1]
                   and x.group_id = s.group_id
                 order by x.seq desc limit 1) j;
        -- Of what is archived no row is left to give back.
        if not found then
            update ledger.shard q set next_request_id = v_request_id where q.shard = r.leg_shard;
            continue;
        end if;
        insert into ledger.request_leg (shard, request_id, leg_no, leg_shard, account_id, balance_no, amount)
        select r.leg_shard, v_request_id, u.i, r.leg_shard, r.account_id, u.balance_no, u.amount
          from unnest(r.balances, r.amounts) with ordinality u(balance_no, amount, i);
    end loop;
end $$;
comment on function ledger.keep_shares is 'makes the requests of a split''s accounts, which refunds name';

create or replace function ledger.post_split(
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
    v_key_shard constant smallint := ledger.split_shard(p_application, p_reference);
    v_units text[]; v_exponent smallint; v_shares bigint[]; x integer;
begin
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
    v_shares := ledger.shares_of(p_amount * c_power[v_exponent - p_scale + 1], p_percent);
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
    if o_outcome = 'posted' then
        perform ledger.keep_shares(v_key_shard, o_request_id);
    end if;
end $$;

create or replace function ledger.post_split_volume(
    p_application integer, p_reference text, p_digest uuid, p_shard smallint[], p_account bigint[], p_epoch integer[],
    p_percent integer[], p_balance text, p_volume bigint, p_unit text, p_contract text, p_service text,
    p_service_operation text, p_code text, p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_key_shard constant smallint := ledger.split_shard(p_application, p_reference);
    v_known record; q record;
begin
    select r.digest, r.request_id, r.journal_no into v_known
      from ledger.request r
     where r.shard = v_key_shard and r.account_id = 0 and r.application_id = p_application and r.operation = 'split'
       and r.reference = p_reference;
    if found then
        o_outcome := case when v_known.digest = p_digest then 'replayed' else 'reference_conflict' end;
        if o_outcome = 'replayed' then
            o_request_id := v_known.request_id; o_journal_no := v_known.journal_no;
        end if;
        return;
    end if;
    -- All balances count in one unit, or the split is refused: the first account's tariff speaks for all.
    select * into q from ledger.quote_volume(p_shard[1], p_account[1], p_application, p_balance, p_volume, p_unit, p_contract,
                                             p_service, p_service_operation, false, p_max_amount, clock_timestamp());
    if q.o_outcome <> 'posted' then
        o_outcome := q.o_outcome;
        return;
    end if;
    select g.o_outcome, g.o_request_id, g.o_journal_no into o_outcome, o_request_id, o_journal_no
      from ledger.post_split(p_application, p_reference, p_digest, p_shard, p_account, p_epoch, p_percent, p_balance,
                             q.o_amount, q.o_exponent, q.o_currency, p_code, p_description, p_max_amount) g;
    if o_outcome = 'posted' then
        -- The volume goes by the same percents as what it costs, so that each account can be given back its part.
        insert into ledger.request_volume (shard, request_id, volume, unit, before, tariff_id)
        select v_key_shard, o_request_id, p_volume, q.o_unit, 0, q.o_tariff
         union all
        select r.shard, r.request_id, u.volume, q.o_unit, 0, q.o_tariff
          from unnest(p_shard, p_account, ledger.shares_of(p_volume, p_percent)) u(shard, account, volume)
         cross join lateral (
               select x.shard, x.request_id from ledger.request x
                where x.shard = u.shard and x.account_id = u.account and x.application_id = p_application
                  and x.operation = 'split' and x.reference = p_reference offset 0) r;
    end if;
end $$;

-- A refund looks for what it gives back among charges, captures and now shares. Nothing else of this function of 500
-- lines changes: it is taken as it is, and must have the one place that is meant.
do $$
declare
    c_before constant text := '''{charge,capture}''::ledger.operation[]';
    c_after constant text := '''{charge,capture,split}''::ledger.operation[]';
    v_source constant text := pg_get_functiondef('ledger.post_in_turn'::regproc);
begin
    if cardinality(string_to_array(v_source, c_before)) <> 2 then
        raise exception 'ledger.post_in_turn is not what this migration knows';
    end if;
    execute replace(v_source, c_before, c_after);
end $$;

create or replace function ledger.code_price(
    p_operation ledger.operation, p_shard smallint, p_account bigint, p_application integer, p_reference text,
    p_original text, p_hold uuid, p_balance text, p_unit text, p_code text,
    out o_amount bigint, out o_exponent smallint, out o_unit text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_domain text; v_unit text; v_at timestamptz := clock_timestamp();
    v_key_shard constant smallint := case when p_operation = 'split' then ledger.split_shard(p_application, p_reference)
                                          else p_shard end;
    v_key_account constant bigint := case when p_operation = 'split' then 0 else p_account end;
begin
    if exists (select from ledger.request r
                where r.shard = v_key_shard and r.account_id = v_key_account and r.application_id = p_application
                  and r.operation = p_operation and r.reference = p_reference) then
        o_amount := 100; o_exponent := 0;
        return;
    end if;
    select a.domain, coalesce(p_unit, h.unit, b.unit) into v_domain, v_unit
      from ledger.account a
      left join ledger.hold h on h.shard = p_shard and h.hold_id = p_hold
      left join ledger.balance b on b.shard = p_shard and b.account_id = p_account
       and (b.balance_type = p_balance or p_balance is null and b.balance_no = a.default_balance_no)
     where a.shard = p_shard and a.account_id = p_account;
    if v_unit is null then
        -- No such account or balance: posting nothing tells.
        o_amount := 0; o_exponent := 0;
        return;
    end if;
    if p_operation = 'refund' then
        -- What the code cost when it was charged is what is given back.
        select r.recorded_at into v_at from ledger.request r
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
           and r.operation in ('charge', 'capture', 'split') and r.reference = coalesce(p_original, p_reference)
         order by r.operation limit 1;
        v_at := coalesce(v_at, clock_timestamp());
    end if;
    o_amount := ledger.price_of(p_code, v_domain, p_application, v_unit, v_at);
    o_unit := v_unit;
    select u.exponent into o_exponent from ledger.unit u where u.unit = v_unit;
end $$;

-- What a refund of a volume is worth, of a charge whose volume is known. A charge goes down the way that it went up, so
-- that all of it gives all back; a share, which is a part of what the whole volume cost, goes down evenly.
create function ledger.refund_worth(p_charge ledger.request, p_of ledger.request_volume, p_volume bigint) returns numeric
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_left constant bigint := p_of.volume - p_of.refunded;
begin
    if p_charge.operation = 'split' then
        return div(p_charge.amount::numeric * v_left, p_of.volume)
               - div(p_charge.amount::numeric * (v_left - p_volume), p_of.volume);
    end if;
    return ledger.rate_by(p_of.tariff_id, p_of.before + v_left)
           - ledger.rate_by(p_of.tariff_id, p_of.before + v_left - p_volume);
end $$;
comment on function ledger.refund_worth is
    'minor units that come back for a volume, of a request of which at least so much was not refunded yet';

create or replace function ledger.post_volume(
    p_operation ledger.operation, p_shard smallint, p_account bigint, p_epoch integer, p_balance text, p_volume bigint,
    p_unit text, p_contract text, p_service text, p_service_operation text, p_application integer, p_reference text,
    p_digest uuid, p_hold uuid, p_contra text, p_original text, p_unlinked boolean, p_code text, p_description text,
    p_max_amount bigint, p_hold_ttl interval,
    out o_outcome ledger.outcome, out o_request_id bigint, out o_journal_no bigint, out o_hold uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at constant timestamptz := ledger.lock_shard(p_shard);
    v_known boolean; v_refusal ledger.outcome; v_amount numeric := 0; v_before bigint := 0; v_result record;
    v_tariff integer; v_unit text; v_currency text; v_exponent smallint := 0; v_balance_no smallint;
    q record; h ledger.hold; v_charge ledger.request; c ledger.request_volume;
begin
    v_known := exists (select from ledger.request r
                        where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
                          and r.operation = p_operation and r.reference = p_reference);
    if p_operation = 'refund' then
        select x.* into v_charge
          from ledger.request x
         where x.shard = p_shard and x.account_id = p_account and x.application_id = p_application
           and x.operation in ('charge', 'capture', 'split') and x.reference = coalesce(p_original, p_reference)
         order by x.operation limit 1;
        select v.* into c from ledger.request_volume v where v.shard = p_shard and v.request_id = v_charge.request_id;
    elsif p_operation in ('extend', 'capture') then
        select * into h from ledger.hold x where x.shard = p_shard and x.hold_id = p_hold and x.account_id = p_account;
        v_unit := coalesce((select t.unit from ledger.tariff t where t.tariff_id = h.tariff_id), h.unit);
        v_tariff := h.tariff_id;
    end if;
    if v_known then
        v_amount := 1;  -- not posted: its first answer again, or a conflict
    elsif p_operation in ('extend', 'capture') then
        if h.volume is null then
            v_refusal := 'unknown_hold';
        elsif p_volume = 0 or p_volume < 0 and p_operation = 'capture' then
            v_refusal := 'not_positive';
        elsif p_operation = 'capture' then
            v_before := h.captured_volume;
            if p_volume > h.volume - h.captured_volume then
                v_refusal := 'beyond_hold';
            else
                v_amount := ledger.rate_by(h.tariff_id, h.captured_volume + p_volume)
                            - ledger.rate_by(h.tariff_id, h.captured_volume);
            end if;
        elsif p_volume < h.captured_volume - h.volume then
            v_refusal := 'excess_give_back';
        elsif p_volume > 9223372036854775807 - h.volume then
            v_refusal := 'too_large';
        else
            v_amount := ledger.rate_by(h.tariff_id, h.volume + p_volume) - ledger.rate_by(h.tariff_id, h.volume);
        end if;
    elsif c.volume is not null then
        v_unit := c.unit; v_tariff := c.tariff_id;
        if p_volume <= 0 then
            v_refusal := 'not_positive';
        elsif p_volume > c.volume - c.refunded then
            v_refusal := 'beyond_charge';
        else
            v_amount := ledger.refund_worth(v_charge, c, p_volume);
            select u.unit, u.exponent into v_currency, v_exponent
              from ledger.unit u
             where u.unit = coalesce((select t.currency from ledger.tariff t where t.tariff_id = c.tariff_id), c.unit);
        end if;
    else
        select * into q from ledger.quote_volume(p_shard, p_account, p_application, p_balance, p_volume, p_unit,
                                                 p_contract, p_service, p_service_operation, p_operation <> 'refund',
                                                 p_max_amount, v_at);
        v_tariff := q.o_tariff; v_unit := q.o_unit; v_balance_no := q.o_balance_no; v_amount := coalesce(q.o_amount, 0);
        if q.o_outcome <> 'posted' then
            v_refusal := q.o_outcome;
        else
            v_currency := q.o_currency; v_exponent := q.o_exponent;
        end if;
    end if;
    if p_operation in ('extend', 'capture') and h.volume is not null then
        select u.unit, u.exponent into v_currency, v_exponent from ledger.unit u where u.unit = h.unit;
    end if;
    if abs(v_amount) > p_max_amount then
        v_refusal := 'too_large';
    end if;
    if v_refusal is not null then
        v_amount := 0;
    end if;

    select * into v_result
      from ledger.post_batch(
               array[p_operation], array[p_shard], array[p_account], array[p_epoch], array[p_balance],
               array[v_amount::bigint], array[v_exponent], array[v_currency], array[p_application], array[p_reference],
               array[p_digest], null, array[p_hold], array[p_contra], array[p_original], array[p_unlinked], null,
               array[p_code], array[p_description], p_max_amount, p_hold_ttl);
    o_outcome := v_result.o_outcome[1];
    o_request_id := v_result.o_request_id[1];
    o_journal_no := v_result.o_journal_no[1];
    o_hold := v_result.o_hold[1];
    if o_outcome = 'not_positive' and not v_known then
        if v_refusal is not null then
            o_outcome := v_refusal;
            return;
        end if;
        o_outcome := 'posted';
        if p_operation = 'hold' then
            insert into ledger.hold (shard, hold_id, account_id, application_id, balance_type, unit, amount, description,
                                     placed_at, expires_at)
            values (p_shard, p_hold, p_account, p_application, p_balance, v_currency, 0, p_description, v_at,
                    v_at + p_hold_ttl);
            insert into ledger.hold_leg (shard, hold_id, leg_no, balance_no, amount)
            values (p_shard, p_hold, 1, v_balance_no, 0);
            update ledger.account set next_hold_expiry = least(next_hold_expiry, v_at + p_hold_ttl)
             where shard = p_shard and account_id = p_account;
        elsif p_operation = 'extend' then
            update ledger.hold set expires_at = v_at + p_hold_ttl where shard = p_shard and hold_id = p_hold;
        end if;
        o_hold := case when p_operation in ('hold', 'extend', 'capture') then p_hold end;
        o_request_id := ledger.post_nothing(p_operation, p_shard, p_account, p_application, p_reference, p_digest,
                                            v_balance_no, o_hold, v_at);
    end if;
    if o_outcome <> 'posted' then
        return;
    end if;

    if p_operation = 'hold' then
        update ledger.hold set volume = p_volume, captured_volume = 0, tariff_id = v_tariff
         where shard = p_shard and hold_id = p_hold;
    elsif p_operation = 'extend' then
        update ledger.hold set volume = volume + p_volume where shard = p_shard and hold_id = p_hold;
    elsif p_operation = 'capture' then
        update ledger.hold set captured_volume = captured_volume + p_volume
         where shard = p_shard and hold_id = p_hold;
    elsif c.volume is not null then
        update ledger.request_volume set refunded = refunded + p_volume
         where shard = c.shard and request_id = c.request_id;
    end if;
    insert into ledger.request_volume (shard, request_id, volume, unit, before, tariff_id)
    values (p_shard, o_request_id, p_volume, v_unit, v_before, v_tariff);
end $$;

-- A split is undone as a whole, if no share of it was refunded; then no share can be.
create or replace function ledger.reverse(
    p_shard smallint, p_account bigint, p_by integer, p_of integer, p_operation ledger.operation, p_reference text,
    p_reversal_reference text, p_digest uuid, p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_leg integer, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_of record; v_legs record; v_known boolean; v_given boolean;
begin
    -- A reversal that is known gets its first answer, were what it undid archived since.
    select r.request_id, r.journal_no into o_request_id, o_journal_no
      from ledger.request r
     where r.shard = p_shard and r.account_id = p_account and r.application_id = p_by and r.operation = 'reversal'
       and r.reference = p_reversal_reference and r.digest = p_digest;
    if found then
        o_outcome := 'replayed';
        return;
    end if;
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
    v_given := not exists (select from ledger.request r
                            where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of
                              and r.operation = p_operation and r.reference = p_reference and r.refunded = 0);
    if p_operation = 'split' then
        v_given := v_given or exists (
            select from unnest(v_legs.shards, v_legs.accounts) u(shard, account)
             cross join lateral (
                   select r.refunded from ledger.request r
                    where r.shard = u.shard and r.account_id = u.account and r.application_id = p_of
                      and r.operation = 'split' and r.reference = p_reference offset 0) s
             where s.refunded > 0);
    end if;
    if v_given and not v_known then
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
        if p_operation = 'split' then
            update ledger.request r set refunded = r.amount
              from (select distinct shard, account from unnest(v_legs.shards, v_legs.accounts) u(shard, account)) u
             where r.shard = u.shard and r.account_id = u.account and r.application_id = p_of
               and r.operation = 'split' and r.reference = p_reference;
        end if;
        insert into ledger.reversal (shard, group_id, of_application_id, of_shard, of_request_id)
        select distinct leg_shard, r.group_id, p_of, p_shard, v_of.request_id
          from unnest(v_legs.shards) leg_shard
          join ledger.request r on r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                               and r.operation = 'reversal' and r.reference = p_reversal_reference;
    end if;
end $$;

create or replace function ledger.requests_of(p_shard smallint, p_account bigint, p_application text, p_reference text)
returns table (operation ledger.operation, amount bigint, refunded bigint, unit text, exponent smallint,
               recorded_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    with found as (
        -- All operations by name: so each is one probe, however many requests the account has.
        select r.operation, r.amount, r.refunded, r.recorded_at, r.hold_id,
               coalesce(r.balance_no, (select l.balance_no from ledger.request_leg l
                                        where l.shard = r.shard and l.request_id = r.request_id
                                        order by l.leg_no limit 1)) as balance_no
          from ledger.application p
          join ledger.request r
            on r.shard = p_shard and r.account_id = p_account and r.application_id = p.application_id
           and r.operation = any (enum_range(null::ledger.operation)) and r.reference = p_reference
         where p.name = p_application)
    select f.operation, coalesce(f.amount, 0), f.refunded, u.unit, u.exponent, f.recorded_at
      from found f
      left join ledger.balance b
        on b.shard = p_shard and b.account_id = p_account and b.balance_no = f.balance_no
      left join ledger.hold h on h.shard = p_shard and h.hold_id = f.hold_id
      join ledger.unit u on u.unit = coalesce(b.unit, h.unit)
     order by f.recorded_at, f.operation;
end;

create or replace view finance.volumes as
select r.recorded_at, q.address, r.operation::text as kind, v.volume, v.unit, finance.major(r.amount, u.exponent) as amount,
       u.unit as amount_unit, t.name as tariff, t.version as tariff_version, a.name as application,
       r.reference as reference_code,
       case when r.operation <> 'split' then v.refunded
            else (select coalesce(sum(w.refunded), 0)::bigint
                    from (select distinct l.leg_shard, l.account_id from ledger.request_leg l
                           where l.shard = v.shard and l.request_id = v.request_id) l
                    join ledger.request s
                      on s.shard = l.leg_shard and s.account_id = l.account_id and s.application_id = r.application_id
                     and s.operation = 'split' and s.reference = r.reference
                    join ledger.request_volume w on w.shard = s.shard and w.request_id = s.request_id)
       end as refunded_volume,
       r.journal_no, r.shard, r.request_id, r.hold_id
  from ledger.request_volume v
  join ledger.request r on r.shard = v.shard and r.request_id = v.request_id
  join ledger.application a on a.application_id = r.application_id
  left join ledger.tariff t on t.tariff_id = v.tariff_id
  join ledger.unit u on u.unit = coalesce(t.currency, v.unit)
  left join ledger.account q on q.shard = r.shard and q.account_id = r.account_id
 where r.operation <> 'split' or r.account_id = 0;
comment on column finance.volumes.refunded_volume is 'how much of it was refunded since; of a split: by all its accounts';

-- Splits of before. How their volumes went by accounts was not kept: a refund of a volume of one is rated anew.
do $$
declare
    r record;
begin
    perform ledger.lock_shards(array(select s.shard from ledger.shard s));
    for r in select q.shard, q.request_id from ledger.request q where q.account_id = 0 and q.operation = 'split' loop
        perform ledger.keep_shares(r.shard, r.request_id);
    end loop;
end $$;

reset role;
