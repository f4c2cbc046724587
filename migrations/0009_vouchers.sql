-- Vouchers: batches of secrets that are worth a credit, each once.
--
-- A voucher's code is kept as a SHA-256 only. Whoever redeems takes the account's shard first and the voucher's row
-- then, and who has the row waits for nothing more: so two accounts that try one voucher at once come one after
-- the other, and the second finds it redeemed.

set local role ledgerline_owner;

alter type ledger.outcome add value 'unknown_voucher';
alter type ledger.outcome add value 'voucher_redeemed';
alter type ledger.outcome add value 'voucher_expired';
alter type ledger.outcome add value 'voucher_blocked';
alter type ledger.outcome add value 'voucher_throttled';
alter type ledger.operation add value 'voucher';

create table ledger.voucher_batch (
    batch_id     integer     generated always as identity primary key,
    name         text        collate "C" not null unique check (name <> ''),
    domain       text        collate "C" not null,
    balance_type text        collate "C" not null,
    unit         text        collate "C" not null references ledger.unit,
    amount       bigint      not null check (amount > 0),
    period_days  integer     check (period_days > 0),
    valid_until  timestamptz,
    blocked_at   timestamptz,
    created_at   timestamptz not null default clock_timestamp(),
    foreign key (domain, balance_type) references ledger.balance_type
);
comment on table ledger.voucher_batch is 'what each voucher of a batch is worth, and to which balance';
comment on column ledger.voucher_batch.amount is 'minor units';
comment on column ledger.voucher_batch.period_days is 'the balance lives at least so long from the redemption; null: no change';
comment on column ledger.voucher_batch.valid_until is 'redeemed until before then; null: for ever';

create table ledger.voucher (
    batch_id       integer  not null references ledger.voucher_batch,
    serial         integer  not null,
    code_hash      bytea    not null unique,
    pin_hash       bytea,
    mask           text     not null,
    blocked_at     timestamptz,
    redeemed_at    timestamptz,
    shard          smallint,
    account_id     bigint,
    application_id integer,
    reference      text     collate "C",
    primary key (batch_id, serial),
    check ((redeemed_at is null) = (account_id is null))
);
create index voucher_by_account on ledger.voucher (account_id) where account_id is not null;
comment on table ledger.voucher is 'one row a voucher; who redeemed it, once somebody has';
comment on column ledger.voucher.code_hash is 'SHA-256 of the code, which has 100 random bits';
comment on column ledger.voucher.pin_hash is 'SHA-256 of code and PIN; null: the voucher has no PIN';
comment on column ledger.voucher.mask is 'the end of the code: what people may see of it';

create table ledger.voucher_tries (
    shard      smallint    not null,
    account_id bigint      not null,
    tries      integer     not null,
    since      timestamptz not null,
    primary key (shard, account_id)
);
comment on table ledger.voucher_tries is 'wrong vouchers that were tried on an account, and since when they are counted';

grant select on ledger.voucher_batch to ledgerline_service;
grant select (batch_id, serial, mask, blocked_at, redeemed_at, shard, account_id, application_id, reference)
    on ledger.voucher to ledgerline_service;

create function ledger.create_vouchers(
    p_name text, p_domain text, p_balance_type text, p_amount bigint, p_period integer, p_valid_until timestamptz,
    p_hash text[], p_pin_hash text[], p_mask text[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_batch integer;
begin
    insert into ledger.voucher_batch (name, domain, balance_type, unit, amount, period_days, valid_until)
    select p_name, p_domain, p_balance_type, t.unit, p_amount, p_period, p_valid_until
      from ledger.balance_type t
     where t.domain = p_domain and t.balance_type = p_balance_type
        on conflict (name) do nothing
    returning batch_id into v_batch;
    if v_batch is null then
        return null;
    end if;
    insert into ledger.voucher (batch_id, serial, code_hash, pin_hash, mask)
    select v_batch, u.serial, decode(u.hash, 'hex'), decode(u.pin_hash, 'hex'), u.mask
      from unnest(p_hash, p_pin_hash, p_mask) with ordinality u(hash, pin_hash, mask, serial);
    return v_batch;
end $$;
comment on function ledger.create_vouchers is
    'makes a batch of vouchers whose codes hash so; null when the name is taken or the domain knows no such balance type';

create function ledger.block_vouchers(p_batch text, p_serial integer, p_blocked boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count bigint;
begin
    if p_serial is null then
        update ledger.voucher_batch b
           set blocked_at = case when p_blocked then coalesce(b.blocked_at, clock_timestamp()) end
         where b.name = p_batch;
    else
        update ledger.voucher v
           set blocked_at = case when p_blocked then coalesce(v.blocked_at, clock_timestamp()) end
          from ledger.voucher_batch b
         where b.name = p_batch and v.batch_id = b.batch_id and v.serial = p_serial;
    end if;
    get diagnostics v_count = row_count;
    return v_count;
end $$;
comment on function ledger.block_vouchers is
    'blocks a batch or one of its vouchers, or lifts that; 0 when there is none. What was redeemed stays redeemed';

create function ledger.redeem(
    p_shard smallint, p_account bigint, p_epoch integer, p_application integer, p_reference text, p_digest uuid,
    p_hash bytea, p_pin_hash bytea, p_tries_max integer, p_window interval, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at constant timestamptz := ledger.lock_shard(p_shard);
    v_known record; v_account record; v record;
begin
    select a.state, a.epoch, a.domain into v_account
      from ledger.account a where a.shard = p_shard and a.account_id = p_account;
    if not found then
        o_outcome := 'unknown_account';
        return;
    elsif p_epoch <> v_account.epoch then
        o_outcome := 'stale_address';
        return;
    end if;
    select r.digest, r.request_id, r.journal_no into v_known
      from ledger.request r
     where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
       and r.operation = 'voucher' and r.reference = p_reference;
    if found then
        o_outcome := case when v_known.digest = p_digest then 'replayed' else 'reference_conflict' end;
        if o_outcome = 'replayed' then
            o_request_id := v_known.request_id; o_journal_no := v_known.journal_no;
        end if;
        return;
    end if;
    if v_account.state = 'closed' then
        o_outcome := 'account_closed';
        return;
    end if;
    if exists (select from ledger.voucher_tries t
                where t.shard = p_shard and t.account_id = p_account and t.tries >= p_tries_max
                  and t.since > v_at - p_window) then
        o_outcome := 'voucher_throttled';
        return;
    end if;

    select w.batch_id, w.serial, w.pin_hash, w.mask, w.blocked_at, w.redeemed_at into v
      from ledger.voucher w where w.code_hash = p_hash for update;
    if found and v.pin_hash is not distinct from p_pin_hash then
        o_outcome := ledger.credit_voucher(v.batch_id, v.serial, v_account.domain, p_shard, p_account, p_epoch,
                                           p_application, p_reference, p_digest, p_max_amount, v_at);
    else
        o_outcome := 'unknown_voucher';
    end if;
    if o_outcome = 'posted' then
        select r.request_id, r.journal_no into o_request_id, o_journal_no
          from ledger.request r
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
           and r.operation = 'voucher' and r.reference = p_reference;
    elsif o_outcome in ('unknown_voucher', 'voucher_redeemed', 'voucher_expired', 'voucher_blocked') then
        insert into ledger.voucher_tries as t (shard, account_id, tries, since)
        values (p_shard, p_account, 1, v_at)
            on conflict (shard, account_id) do update
           set tries = case when t.since > v_at - p_window then t.tries + 1 else 1 end,
               since = case when t.since > v_at - p_window then t.since else v_at end;
    end if;
end $$;
comment on function ledger.redeem is
    'credits an account with a voucher, once. Wrong tries are counted per account; after so many in the window all are '
    'refused until the window ends';

-- The voucher's and the shard's locks are held.
create function ledger.credit_voucher(
    p_batch integer, p_serial integer, p_domain text, p_shard smallint, p_account bigint, p_epoch integer,
    p_application integer, p_reference text, p_digest uuid, p_max_amount bigint, p_at timestamptz) returns ledger.outcome
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    b record; v_outcome ledger.outcome; v_exponent smallint;
begin
    select w.name, w.domain, w.balance_type, w.unit, w.amount, w.period_days, w.valid_until, v.mask, v.redeemed_at,
           coalesce(v.blocked_at, w.blocked_at) as blocked_at
      into b
      from ledger.voucher v join ledger.voucher_batch w on w.batch_id = v.batch_id
     where v.batch_id = p_batch and v.serial = p_serial;
    if b.domain <> p_domain then
        return 'unknown_voucher';
    elsif b.redeemed_at is not null then
        return 'voucher_redeemed';
    elsif b.blocked_at is not null then
        return 'voucher_blocked';
    elsif b.valid_until <= p_at then
        return 'voucher_expired';
    end if;
    if ledger.open_balance(p_shard, p_account, b.balance_type) is null then
        return 'unknown_balance';
    end if;
    select u.exponent into v_exponent from ledger.unit u where u.unit = b.unit;
    select g.o_outcome into v_outcome
      from ledger.post_group('voucher', p_shard, p_account, p_application, p_reference, p_digest, array[p_shard],
               array[p_account], array[p_epoch], array[b.balance_type], array[b.amount], array[v_exponent],
               array[b.unit], array['vouchers'], b.name, 'voucher …' || b.mask || ' of ' || b.name, null,
               p_max_amount) g;
    if v_outcome <> 'posted' then
        raise exception '%', v_outcome using errcode = 'LL001';
    end if;
    if b.period_days is not null then
        -- As a credit does: the first one dates a balance, later ones only ever prolong it.
        update ledger.balance
           set expires_at = greatest(expires_at, p_at + b.period_days * interval '24 hours')
         where shard = p_shard and account_id = p_account and balance_type = b.balance_type
           and (expires_at is not null or seq = 1);
    end if;
    update ledger.voucher
       set redeemed_at = p_at, shard = p_shard, account_id = p_account, application_id = p_application,
           reference = p_reference
     where batch_id = p_batch and serial = p_serial;
    return 'posted';
exception
    when sqlstate 'LL001' then
        -- The block's changes are undone: no empty balance stays behind a refused credit.
        return sqlerrm::ledger.outcome;
end $$;
comment on function ledger.credit_voucher is 'posts what a voucher is worth and marks it redeemed, or says why not';

grant execute on function ledger.create_vouchers, ledger.block_vouchers, ledger.redeem to ledgerline_service;

create view finance.vouchers as
select b.name as batch, v.serial, '…' || v.mask as voucher,
       case when v.redeemed_at is not null then 'redeemed'
            when coalesce(v.blocked_at, b.blocked_at) is not null then 'blocked'
            when b.valid_until <= clock_timestamp() then 'expired'
            else 'active' end as state,
       finance.major(b.amount, u.exponent) as amount, b.unit, b.balance_type, b.period_days, b.valid_until, b.created_at,
       v.redeemed_at, a.address, p.name as application, v.reference as reference_code, b.domain, v.account_id
  from ledger.voucher v
  join ledger.voucher_batch b on b.batch_id = v.batch_id
  join ledger.unit u on u.unit = b.unit
  left join ledger.account a on a.shard = v.shard and a.account_id = v.account_id
  left join ledger.application p on p.application_id = v.application_id;
comment on view finance.vouchers is 'every voucher, without its secret';
comment on column finance.vouchers.batch is 'the batch that it was made in';
comment on column finance.vouchers.serial is 'its number within the batch';
comment on column finance.vouchers.voucher is 'the end of its code';
comment on column finance.vouchers.state is 'active, redeemed, blocked or expired';
comment on column finance.vouchers.amount is 'what it is worth';
comment on column finance.vouchers.unit is 'the unit of the amount';
comment on column finance.vouchers.balance_type is 'the balance that it credits';
comment on column finance.vouchers.period_days is 'how many days the balance lives at least from the redemption; null: no change';
comment on column finance.vouchers.valid_until is 'redeemed until before then; null: for ever';
comment on column finance.vouchers.created_at is 'when the batch was made';
comment on column finance.vouchers.redeemed_at is 'when it was redeemed';
comment on column finance.vouchers.address is 'the first address of the account that redeemed it';
comment on column finance.vouchers.application is 'through whom it was redeemed';
comment on column finance.vouchers.reference_code is 'the reference of that request';
comment on column finance.vouchers.domain is 'whose accounts may redeem it';
comment on column finance.vouchers.account_id is 'the number of the account that redeemed it';
grant select on finance.vouchers to ledgerline_finance, ledgerline_service;

comment on column finance.journal.kind is
    'charge, refund, credit, voucher, capture, adjustment, transfer, split, reversal, expired, closing';
comment on column finance.journal.contra is
    'the other side: revenue, funding, vouchers, adjustment, clearing, expired, written_off';
reset role;
