-- What things cost: codes with a price, tariffs that rate volumes, and the requests that are made of volumes.
--
-- Rating happens here and nowhere else (ledger.rate), because what a capture of a volume costs follows from what the
-- hold's earlier captures cost, which only the holder of the shard's lock knows. Requests of volumes are posted by
-- ledger.post_batch with the rated amount; what is kept of their volumes stands beside them.

set local role ledgerline_owner;

alter type ledger.outcome add value 'unknown_price';
alter type ledger.outcome add value 'no_tariff';

-- Prices and tariffs ------------------------------------------------------------------------------------------------

create table ledger.price (
    price_id       integer     generated always as identity primary key,
    code           text        collate "C" not null check (code <> ''),
    domain         text        collate "C" references ledger.domain,
    application_id integer     references ledger.application,
    unit           text        collate "C" not null references ledger.unit,
    amount         bigint      not null check (amount > 0),
    valid_from     timestamptz not null,
    valid_to       timestamptz check (valid_to >= valid_from),
    created_at     timestamptz not null default clock_timestamp()
);
create index price_by_code on ledger.price (code, unit);
comment on table ledger.price is
    'what a charging code costs from valid_from until before valid_to. Of several that hold, an application''s own comes '
    'first, then a domain''s own, then the one that began last: a new price needs no change of the old one';
comment on column ledger.price.application_id is 'null: for all applications';
comment on column ledger.price.domain is 'null: for accounts of all domains';
comment on column ledger.price.amount is 'minor units';

create table ledger.tariff (
    tariff_id      integer     generated always as identity primary key,
    name           text        collate "C" not null check (name <> ''),
    version        integer     not null,
    domain         text        collate "C" references ledger.domain,
    application_id integer     references ledger.application,
    unit           text        collate "C" not null check (unit <> ''),
    contract       text        collate "C",
    service        text        collate "C",
    operation      text        collate "C",
    currency       text        collate "C" not null references ledger.unit,
    step           bigint      not null check (step > 0),
    per            bigint      not null check (per > 0),
    minimum_volume bigint      not null check (minimum_volume >= 0),
    minimum        bigint      not null check (minimum >= 0),
    tier_from      bigint[]    not null check (tier_from[1] = 0),
    tier_price     numeric[]   not null check (cardinality(tier_price) = cardinality(tier_from) and 0 <= all (tier_price)),
    valid_from     timestamptz not null,
    valid_to       timestamptz check (valid_to >= valid_from),
    created_at     timestamptz not null default clock_timestamp(),
    unique (name, version)
);
create index tariff_by_unit on ledger.tariff (currency, unit);
comment on table ledger.tariff is
    'what volumes cost, a row a version. Nothing but valid_to ever changes, so a hold or charge that names its version is '
    'rated by it for ever';
comment on column ledger.tariff.unit is 'what the volume counts: requests select by it, and by contract, service and operation';
comment on column ledger.tariff.contract is 'null: any contract, or none named; service and operation likewise';
comment on column ledger.tariff.step is 'volumes are rounded up to whole steps';
comment on column ledger.tariff.per is 'prices are for so much volume';
comment on column ledger.tariff.minimum_volume is 'smaller volumes cost as much as this one';
comment on column ledger.tariff.minimum is 'minor units that any volume costs at least';
comment on column ledger.tariff.tier_from is 'where each tier begins; a volume pays for each part of it the price of the part''s tier';
comment on column ledger.tariff.tier_price is 'of each tier: minor units, with any decimals, for `per` of volume';

alter table ledger.hold
    add volume bigint check (volume >= 0),
    add captured_volume bigint check (captured_volume between 0 and volume),
    add tariff_id integer references ledger.tariff;
comment on column ledger.hold.volume is 'of a reservation of a volume: placed and extended so far. Null: it is one of an amount';
comment on column ledger.hold.captured_volume is 'of a reservation of a volume: captured so far';
comment on column ledger.hold.tariff_id is 'the version that rates the volume; null: the balance counts volumes itself';

create table ledger.request_volume (
    shard       smallint not null,
    request_id  bigint   not null,
    volume      bigint   not null,
    unit        text     collate "C" not null,
    before      bigint   not null,
    refunded    bigint   not null default 0 check (refunded >= 0),
    tariff_id   integer  references ledger.tariff,
    primary key (shard, request_id),
    check (refunded <= volume or refunded = 0)
);
comment on table ledger.request_volume is 'the volumes of requests that were made of one';
comment on column ledger.request_volume.volume is 'charged, refunded, held (negative: given back)';
comment on column ledger.request_volume.unit is 'of the volume';
comment on column ledger.request_volume.before is 'of a capture: what was captured before it';
comment on column ledger.request_volume.refunded is 'of a charge or capture: how much of it refunds gave back';
comment on column ledger.request_volume.tariff_id is 'the version that rated it; null: the balance counts volumes itself';
grant select on ledger.price, ledger.tariff, ledger.request_volume to ledgerline_service;

-- Rating ------------------------------------------------------------------------------------------------------------

create function ledger.rate(p_tariff ledger.tariff, p_volume numeric) returns numeric
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    v_volume numeric; v_sum numeric := 0; v_part numeric;
begin
    if p_volume <= 0 then
        return 0;
    end if;
    v_volume := greatest(p_volume, p_tariff.minimum_volume);
    v_volume := div(v_volume + p_tariff.step - 1, p_tariff.step) * p_tariff.step;
    for k in 1 .. cardinality(p_tariff.tier_from) loop
        v_part := least(v_volume, coalesce(p_tariff.tier_from[k + 1], v_volume)) - p_tariff.tier_from[k];
        exit when v_part <= 0;
        v_sum := v_sum + v_part * p_tariff.tier_price[k];
    end loop;
    -- Half up, on whole numbers: numeric's own division would cut an endless fraction somewhere.
    return greatest(div(2 * v_sum + p_tariff.per, 2 * p_tariff.per::numeric), p_tariff.minimum);
end $$;
comment on function ledger.rate is
    'what a volume costs in minor units: rounded up to whole steps, each part at its tier''s price, the sum rounded half up '
    'once, at least the minimum. Never falls when the volume rises; nothing for no volume';

create function ledger.rate_by(p_tariff integer, p_volume bigint) returns numeric
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_tariff ledger.tariff;
begin
    if p_tariff is null then
        return p_volume;
    end if;
    select * into strict v_tariff from ledger.tariff t where t.tariff_id = p_tariff;
    return ledger.rate(v_tariff, p_volume);
end $$;
comment on function ledger.rate_by is 'what a volume costs by a version of a tariff; by none, balances count volumes themselves';

create function ledger.select_tariff(
    p_domain text, p_application integer, p_currency text, p_unit text, p_contract text, p_service text,
    p_operation text, p_at timestamptz) returns integer
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select z.tariff_id
      from (select t.*, min(t.unit) over () = max(t.unit) over () as one_unit
              from ledger.tariff t
             where t.currency = p_currency and (t.unit = p_unit or p_unit is null)
               and (t.domain = p_domain or t.domain is null)
               and (t.application_id = p_application or t.application_id is null)
               and (t.contract = p_contract or t.contract is null)
               and (t.service = p_service or t.service is null)
               and (t.operation = p_operation or t.operation is null)
               and t.valid_from <= p_at and (t.valid_to > p_at or t.valid_to is null)) z
     where z.one_unit
     order by z.application_id is null, z.domain is null, num_nonnulls(z.contract, z.service, z.operation) desc,
              z.valid_from desc, z.tariff_id desc
     limit 1;
end;
comment on function ledger.select_tariff is
    'the tariff for a volume: an application''s own first, then a domain''s own, then the one that asks for most of '
    'contract, service and operation, then the one that began last. A volume without a unit has one where only one unit '
    'has tariffs';

create function ledger.price_of(
    p_code text, p_domain text, p_application integer, p_unit text, p_at timestamptz) returns bigint
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select p.amount
      from ledger.price p
     where p.code = p_code and p.unit = p_unit
       and (p.domain = p_domain or p.domain is null)
       and (p.application_id = p_application or p.application_id is null)
       and p.valid_from <= p_at and (p.valid_to > p_at or p.valid_to is null)
     order by p.application_id is null, p.domain is null, p.valid_from desc, p.price_id desc
     limit 1;
end;
comment on function ledger.price_of is 'what a code costs in a unit at a time, in minor units; null: it has no price';

create function ledger.split_shard(p_application integer, p_reference text) returns smallint
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select s.shard from ledger.shard s
     where s.slot = ('x' || left(md5(p_application || ' ' || p_reference), 7))::bit(28)::integer
                    % (select count(*) from ledger.shard);
end;
comment on function ledger.split_shard is 'where the key of a split lies: it belongs to no single subscriber';

-- How much a request that names only a code is about. A request that is known gets no price: posting it, with any
-- amount, gives its first answer again.
create function ledger.code_price(
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
           and r.operation in ('charge', 'capture') and r.reference = coalesce(p_original, p_reference)
         order by r.operation limit 1;
        v_at := coalesce(v_at, clock_timestamp());
    end if;
    o_amount := ledger.price_of(p_code, v_domain, p_application, v_unit, v_at);
    o_unit := v_unit;
    select u.exponent into o_exponent from ledger.unit u where u.unit = v_unit;
end $$;
comment on function ledger.code_price is 'how much a request that names only a code is about; null: the code has no price';

create function ledger.quote_volume(
    p_shard smallint, p_account bigint, p_application integer, p_balance text, p_volume bigint, p_unit text,
    p_contract text, p_service text, p_operation text, p_spend boolean, p_max_amount bigint, p_at timestamptz,
    out o_outcome ledger.outcome, out o_amount bigint, out o_currency text, out o_exponent smallint,
    out o_unit text, out o_balance_no smallint, out o_tariff integer)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_account record; v_balance record; v_amount numeric;
begin
    select a.domain, a.default_balance_no, a.spending_order into v_account
      from ledger.account a where a.shard = p_shard and a.account_id = p_account;
    if not found then
        o_outcome := 'unknown_account';
        return;
    end if;
    -- In spending order a volume draws on the balances that count its unit, where there are any.
    select b.balance_no, b.unit, b.exponent, u.kind into v_balance
      from ledger.balance b join ledger.unit u on u.unit = b.unit
     where b.shard = p_shard and b.account_id = p_account
       and (b.balance_type = p_balance
            or p_balance is null and (b.balance_no = v_account.default_balance_no
                                      or p_spend and v_account.spending_order and b.unit = p_unit and u.kind = 'service'
                                         and (b.expires_at > p_at or b.expires_at is null)))
     order by b.unit = p_unit desc, b.balance_no = v_account.default_balance_no desc, b.balance_no limit 1;
    if not found then
        o_outcome := 'unknown_balance';
        return;
    end if;
    o_balance_no := v_balance.balance_no; o_currency := v_balance.unit; o_exponent := v_balance.exponent;
    if p_volume <= 0 then
        o_outcome := 'not_positive';
        return;
    end if;
    if v_balance.kind = 'service' then
        o_unit := v_balance.unit;
        if p_unit <> v_balance.unit then
            o_outcome := 'no_tariff';
            return;
        end if;
    else
        o_tariff := ledger.select_tariff(v_account.domain, p_application, v_balance.unit, p_unit, p_contract, p_service,
                                         p_operation, p_at);
        if o_tariff is null then
            o_outcome := 'no_tariff';
            return;
        end if;
        select t.unit into o_unit from ledger.tariff t where t.tariff_id = o_tariff;
    end if;
    v_amount := ledger.rate_by(o_tariff, p_volume);
    if v_amount > p_max_amount then
        o_outcome := 'too_large';
        return;
    end if;
    o_amount := v_amount;
    o_outcome := 'posted';
end $$;
comment on function ledger.quote_volume is
    'what a volume would cost an account now, in minor units of its balance''s unit, and by which tariff; charges nothing';

-- Requests of volumes -----------------------------------------------------------------------------------------------

-- A request that was worth nothing: a free tier, or a capture whose part of a minor unit was charged before. It has
-- its key like any other. The caller holds the shard's lock.
create function ledger.post_nothing(
    p_operation ledger.operation, p_shard smallint, p_account bigint, p_application integer, p_reference text,
    p_digest uuid, p_balance_no smallint, p_hold uuid, p_at timestamptz) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_request_id bigint;
begin
    update ledger.shard s set next_request_id = s.next_request_id + 1, last_recorded_at = p_at
     where s.shard = p_shard returning s.next_request_id - 1 into v_request_id;
    insert into ledger.request (shard, account_id, application_id, operation, reference, request_id, digest, legs,
                                balance_no, amount, hold_id, recorded_at)
    values (p_shard, p_account, p_application, p_operation, p_reference, v_request_id, p_digest, 0, p_balance_no, 0,
            p_hold, p_at);
    return v_request_id;
end $$;
comment on function ledger.post_nothing is 'remembers a request that moves no money';

-- One request of a volume. Rated first, then posted as an amount; whoever may not post learns that from post_batch, for
-- which an amount of 0 is the last thing wrong with a request before its funds.
create function ledger.post_volume(
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
    q record; h ledger.hold; c ledger.request_volume;
begin
    v_known := exists (select from ledger.request r
                        where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
                          and r.operation = p_operation and r.reference = p_reference);
    if p_operation = 'refund' then
        select v.* into c
          from ledger.request r
          left join ledger.request_volume v on v.shard = r.shard and v.request_id = r.request_id
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
           and r.operation in ('charge', 'capture') and r.reference = coalesce(p_original, p_reference)
         order by r.operation limit 1;
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
        -- A refund goes down the way that the charge went up, so that all of it gives all back.
        v_unit := c.unit; v_tariff := c.tariff_id;
        if p_volume <= 0 then
            v_refusal := 'not_positive';
        elsif p_volume > c.volume - c.refunded then
            v_refusal := 'beyond_charge';
        else
            v_before := c.before + c.volume - c.refunded;
            v_amount := ledger.rate_by(c.tariff_id, v_before)
                        - ledger.rate_by(c.tariff_id, v_before - p_volume);
            v_before := 0;
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
comment on function ledger.post_volume is
    'posts a request of a volume: charge, refund, hold, extend or capture, at what the volume costs by then';

create function ledger.post_split_volume(
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
        insert into ledger.request_volume (shard, request_id, volume, unit, before, tariff_id)
        values (v_key_shard, o_request_id, p_volume, q.o_unit, 0, q.o_tariff);
    end if;
end $$;
comment on function ledger.post_split_volume is 'one charge of a volume over several accounts by percent of what it costs';

-- The operator's ----------------------------------------------------------------------------------------------------

create function ledger.set_price(
    p_code text, p_domain text, p_application text, p_unit text, p_amount bigint, p_from timestamptz, p_to timestamptz)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into ledger.price (code, domain, application_id, unit, amount, valid_from, valid_to)
    values (p_code, p_domain, case when p_application is not null then ledger.application_id(p_application) end, p_unit,
            p_amount, coalesce(p_from, clock_timestamp()), p_to);
end;
comment on function ledger.set_price is 'gives a code a price, in minor units, from now or the given time on';

create function ledger.end_price(p_code text, p_domain text, p_application text, p_unit text, p_at timestamptz)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with ended as (
        update ledger.price p set valid_to = greatest(p.valid_from, p_at)
         where p.code = p_code and p.unit = p_unit and p.domain is not distinct from p_domain
           and p.application_id is not distinct from
               (select a.application_id from ledger.application a where a.name = p_application)
           and (p.valid_to > p_at or p.valid_to is null)
        returning 1)
    select count(*) from ended;
end;
comment on function ledger.end_price is 'ends the prices of a code; how many held, or would have held later';

create function ledger.add_tariff(
    p_name text, p_domain text, p_application text, p_unit text, p_contract text, p_service text, p_operation text,
    p_currency text, p_step bigint, p_per bigint, p_minimum_volume bigint, p_minimum bigint, p_tier_from bigint[],
    p_tier_price numeric[], p_from timestamptz, p_to timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_version integer; v_application integer; v_exponent integer;
begin
    if p_application is not null then
        v_application := ledger.application_id(p_application);
    end if;
    lock table ledger.tariff in share row exclusive mode;
    if exists (select from ledger.tariff t
                where t.name = p_name
                  and (t.domain, t.application_id, t.unit, t.contract, t.service, t.operation, t.currency)
                      is distinct from
                      (p_domain, v_application, p_unit, p_contract, p_service, p_operation, p_currency)) then
        return null;
    end if;
    select coalesce(max(t.version), 0) + 1 into v_version from ledger.tariff t where t.name = p_name;
    select u.exponent into strict v_exponent from ledger.unit u where u.unit = p_currency;
    if exists (select from generate_series(2, cardinality(p_tier_from)) k where p_tier_from[k] <= p_tier_from[k - 1]) then
        raise exception 'the tiers of a tariff begin one after the other' using errcode = 'data_exception';
    end if;
    insert into ledger.tariff (name, version, domain, application_id, unit, contract, service, operation, currency, step,
                               per, minimum_volume, minimum, tier_from, tier_price, valid_from, valid_to)
    select p_name, v_version, p_domain, v_application, p_unit, p_contract, p_service, p_operation, p_currency, p_step,
           p_per, p_minimum_volume, p_minimum, p_tier_from,
           array(select price * ('1e' || v_exponent)::numeric
                   from unnest(p_tier_price) with ordinality u(price, i) order by i),
           coalesce(p_from, clock_timestamp()), p_to;
    return v_version;
end $$;
comment on function ledger.add_tariff is
    'adds a version of a tariff, prices in major units; its number. Null: earlier versions are for other requests, and a '
    'name means one kind of requests';

create function ledger.end_tariff(p_name text, p_at timestamptz) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with ended as (
        update ledger.tariff t set valid_to = greatest(t.valid_from, p_at)
         where t.name = p_name and (t.valid_to > p_at or t.valid_to is null)
        returning 1)
    select count(*) from ended;
end;
comment on function ledger.end_tariff is 'ends all versions of a tariff; how many held, or would have held later';

grant execute on function ledger.code_price, ledger.quote_volume, ledger.post_volume, ledger.post_split_volume,
    ledger.set_price, ledger.end_price, ledger.add_tariff, ledger.end_tariff to ledgerline_service;

-- What finance sees -------------------------------------------------------------------------------------------------

create view finance.prices as
select p.code, finance.major(p.amount, u.exponent) as amount, p.unit, a.name as application, p.domain, p.valid_from,
       p.valid_to, p.created_at
  from ledger.price p
  join ledger.unit u on u.unit = p.unit
  left join ledger.application a on a.application_id = p.application_id;
comment on view finance.prices is
    'what charging codes cost. Of several that hold, an application''s own comes first, then a domain''s own, then the one '
    'that began last';
comment on column finance.prices.code is 'the charging code';
comment on column finance.prices.amount is 'what it costs';
comment on column finance.prices.unit is 'the unit of the amount';
comment on column finance.prices.application is 'for whose charges; null: all applications''';
comment on column finance.prices.domain is 'for accounts of this domain; null: of all';
comment on column finance.prices.valid_from is 'from when on';
comment on column finance.prices.valid_to is 'until before when; null: for ever';
comment on column finance.prices.created_at is 'when it was entered';

create view finance.tariffs as
select t.name, t.version, t.unit, t.contract, t.service, t.operation, a.name as application, t.domain, t.currency,
       array(select round(price / power(10::numeric, u.exponent), u.exponent + 8)
               from unnest(t.tier_price) with ordinality x(price, i) order by i) as prices,
       t.tier_from as tiers, t.per, t.step, t.minimum_volume, finance.major(t.minimum, u.exponent) as minimum,
       t.valid_from, t.valid_to, t.created_at
  from ledger.tariff t
  join ledger.unit u on u.unit = t.currency
  left join ledger.application a on a.application_id = t.application_id;
comment on view finance.tariffs is 'what volumes cost, a row a version; the version that began last counts';
comment on column finance.tariffs.name is 'the tariff';
comment on column finance.tariffs.version is 'its version, numbered from 1';
comment on column finance.tariffs.unit is 'what the volume counts';
comment on column finance.tariffs.contract is 'for requests with this property; null: for all';
comment on column finance.tariffs.service is 'for requests with this property; null: for all';
comment on column finance.tariffs.operation is 'for requests with this property; null: for all';
comment on column finance.tariffs.application is 'for whose charges; null: all applications''';
comment on column finance.tariffs.domain is 'for accounts of this domain; null: of all';
comment on column finance.tariffs.currency is 'the unit of the amounts';
comment on column finance.tariffs.prices is 'of each tier, for `per` of volume';
comment on column finance.tariffs.tiers is 'where each tier begins';
comment on column finance.tariffs.per is 'the volume that a price is for';
comment on column finance.tariffs.step is 'volumes are rounded up to whole steps';
comment on column finance.tariffs.minimum_volume is 'smaller volumes cost as much as this one';
comment on column finance.tariffs.minimum is 'what any volume costs at least';
comment on column finance.tariffs.valid_from is 'from when on';
comment on column finance.tariffs.valid_to is 'until before when; null: for ever';
comment on column finance.tariffs.created_at is 'when it was entered';

create view finance.volumes as
select r.recorded_at, q.address, r.operation::text as kind, v.volume, v.unit, finance.major(r.amount, u.exponent) as amount,
       u.unit as amount_unit, t.name as tariff, t.version as tariff_version, a.name as application,
       r.reference as reference_code, v.refunded as refunded_volume, r.journal_no, r.shard, r.request_id, r.hold_id
  from ledger.request_volume v
  join ledger.request r on r.shard = v.shard and r.request_id = v.request_id
  join ledger.application a on a.application_id = r.application_id
  left join ledger.tariff t on t.tariff_id = v.tariff_id
  join ledger.unit u on u.unit = coalesce(t.currency, v.unit)
  left join ledger.account q on q.shard = r.shard and q.account_id = r.account_id;
comment on view finance.volumes is 'every request of a volume, with what it was rated to and by which tariff';
comment on column finance.volumes.recorded_at is 'when the ledger accepted it';
comment on column finance.volumes.address is 'the account''s first address; null: a split, over several accounts';
comment on column finance.volumes.kind is 'charge, refund, hold, extend, capture or split';
comment on column finance.volumes.volume is 'how much; negative: given back from a hold';
comment on column finance.volumes.unit is 'the unit of the volume';
comment on column finance.volumes.amount is 'what it was rated to; 0: it was free, or its part of a minor unit was charged before';
comment on column finance.volumes.amount_unit is 'the unit of the amount';
comment on column finance.volumes.tariff is 'the tariff; null: the balance counts volumes itself';
comment on column finance.volumes.tariff_version is 'the version of the tariff';
comment on column finance.volumes.application is 'who asked for it';
comment on column finance.volumes.reference_code is 'the reference that the application gave';
comment on column finance.volumes.refunded_volume is 'how much of it was refunded since';
comment on column finance.volumes.journal_no is 'its first journal row in this shard; null: it moved no money';
comment on column finance.volumes.shard is 'the part of the ledger that numbered it';
comment on column finance.volumes.request_id is 'its number within the shard';
comment on column finance.volumes.hold_id is 'the hold that it placed or used';
grant select on finance.prices, finance.tariffs, finance.volumes to ledgerline_finance, ledgerline_service;
reset role;
