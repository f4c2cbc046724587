-- The ledger's tables, roles and directories. Every table is written by the functions of later migrations only.
--
-- Read in this order: roles, units, shards, directories (domain, application, address), account, balance, request,
-- journal, hold, contra totals.

do $$
begin
    if not exists (select from pg_roles where rolname = 'ledgerline_owner') then
        create role ledgerline_owner nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'ledgerline_service') then
        create role ledgerline_service login;
    end if;
    if not exists (select from pg_roles where rolname = 'ledgerline_finance') then
        create role ledgerline_finance login;
    end if;
    execute format('grant ledgerline_owner to %I', current_user);
    execute format('grant create, temporary on database %I to ledgerline_owner', current_database());
end $$;

comment on role ledgerline_owner is 'owns schemas, tables and functions; nobody logs in as it';
comment on role ledgerline_service is 'the server: may call functions and read, writes no table itself';
comment on role ledgerline_finance is 'finance staff: reads the views of schema finance and nothing else';

set local role ledgerline_owner;

create schema ledger;
create schema finance;
comment on schema ledger is 'the ledger''s tables and functions; written by its functions only';
comment on schema finance is 'read-only views for finance staff; amounts in major units with the unit beside them';
grant usage on schema ledger to ledgerline_service;
grant usage on schema finance to ledgerline_finance, ledgerline_service;
alter default privileges revoke execute on functions from public;

-- Units ---------------------------------------------------------------------------------------------------------

create table ledger.unit (
    unit     text collate "C" primary key,
    exponent smallint not null check (exponent between 0 and 6),
    kind     text     not null check (kind in ('currency', 'service')),
    name     text     not null
);
comment on table ledger.unit is 'what balances are counted in: ISO 4217 currencies and service units';
comment on column ledger.unit.exponent is 'decimals of the minor unit: 2 for EUR, so 1.50 is stored as 150';

-- ISO 4217 list one, without the codes that have no minor unit (XAU, XDR, XTS, XXX …).
insert into ledger.unit (unit, exponent, kind, name)
select code, 2, 'currency', code
  from unnest(string_to_array(
       'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE '
       'CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL '
       'HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR '
       'MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK '
       'SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD '
       'XCG YER ZAR ZMW ZWG', ' ')) as code
union all
select code, 0, 'currency', code
  from unnest(string_to_array(
       'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', ' ')) as code
union all
select code, 3, 'currency', code
  from unnest(string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')) as code
union all
select code, 4, 'currency', code
  from unnest(string_to_array('CLF UYW', ' ')) as code
union all
values ('bytes', 0, 'service', 'data volume in bytes'),
       ('seconds', 0, 'service', 'time in seconds'),
       ('messages', 0, 'service', 'number of messages');

-- Shards --------------------------------------------------------------------------------------------------------

create table ledger.shard (
    shard            smallint    primary key,
    slot             smallint    not null unique,
    next_journal_no  bigint      not null default 1,
    next_request_id  bigint      not null default 1,
    last_recorded_at timestamptz not null default '-infinity'
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
comment on table ledger.shard is
    'one row a shard. Whoever writes takes its rows FOR UPDATE, in ascending order, before anything else: they are the '
    'ledger''s locks, number its journal without gaps and date it';
comment on column ledger.shard.shard is
    'chosen so that PostgreSQL''s hash of the values spreads them evenly over any power of two of nodes';
comment on column ledger.shard.slot is 'the hash slot of account ids that live here (ledger.slot_of)';
comment on column ledger.shard.last_recorded_at is 'recorded times never go back within a shard, whatever the clock does';

-- The smallest value that hashes into each slot: consecutive values would leave some nodes empty.
insert into ledger.shard (shard, slot)
select min(n)::smallint, slot::smallint
  from (select n,
               (hashint2(n::smallint)::bigint + 2147483648)
               / (4294967296 / current_setting('ledgerline.shards')::bigint) as slot
          from generate_series(0, 32767) n) as hashed
 where slot < current_setting('ledgerline.shards')::bigint
 group by slot;

create function ledger.slot_of(p_account_id bigint, p_slots bigint) returns smallint
language sql immutable strict parallel safe
return ((((p_account_id % 2147483647) * 1103515245 + 12345) % 4294967296) >> 16) % p_slots;
comment on function ledger.slot_of is
    'hash slot of an account id: one step of a linear congruential generator, its high bits. ledger/shards.cpp has the '
    'same formula; a test holds one against the other. An account''s shard is for ever';

create function ledger.shard_of(p_account_id bigint) returns smallint
language sql stable strict parallel safe
begin atomic
    select s.shard
      from ledger.shard s
     where s.slot = ledger.slot_of(p_account_id, (select count(*) from ledger.shard));
end;

comment on function ledger.shard_of is 'where an account lives';

-- Directories: small or cached, without a shard -------------------------------------------------------------------

create table ledger.domain (
    domain     text collate "C" primary key,
    created_at timestamptz not null default clock_timestamp()
);
comment on table ledger.domain is 'whose accounts these are; grants and balance types are per domain';

create table ledger.balance_type (
    domain       text     collate "C" not null references ledger.domain,
    balance_type text     collate "C" not null check (balance_type <> ''),
    unit         text     collate "C" not null references ledger.unit,
    priority     smallint not null,
    primary key (domain, balance_type)
);
comment on table ledger.balance_type is 'what a balance that is created on first credit looks like';
comment on column ledger.balance_type.priority is 'spending order: lower is spent first';

create table ledger.application (
    application_id integer generated always as identity primary key,
    name           text    collate "C" not null unique
);
comment on table ledger.application is 'who posts: charging systems, and the operator''s own tools';

create table ledger.address (
    address    text     collate "C" not null,
    account_id bigint   not null,
    shard      smallint not null,
    since      timestamptz not null,
    until      timestamptz,
    check (until >= since)
);
create unique index address_current on ledger.address (address) where until is null;
create index address_history on ledger.address (address, since);
create index address_account on ledger.address (account_id);
comment on table ledger.address is
    'which account an address names, and when. A released number may be given to another account; the old one keeps its '
    'history';

-- Accounts and balances -------------------------------------------------------------------------------------------

create type ledger.account_state as enum ('active', 'suspended', 'closed');

create sequence ledger.account_id as bigint;

create table ledger.account (
    shard              smallint not null,
    account_id         bigint   not null,
    domain             text     collate "C" not null references ledger.domain,
    address            text     collate "C" not null,
    state              ledger.account_state not null default 'active',
    spending_order     boolean  not null default false,
    default_balance_no smallint not null default 1,
    balances           smallint not null default 0,
    epoch              integer  not null default 1,
    next_hold_expiry   timestamptz,
    opened_at          timestamptz not null,
    closed_at          timestamptz,
    primary key (shard, account_id)
) with (fillfactor = 90);
create index account_by_address on ledger.account (address);
comment on column ledger.account.address is 'the first of the account''s addresses: how people name it';
comment on column ledger.account.spending_order is
    'whether a charge without a balance type draws on all balances in its unit, by priority';
comment on column ledger.account.balances is 'how many balances it has: they are numbered from 1 without gaps';
comment on column ledger.account.epoch is
    'rises whenever an address is added or taken away, so that a node that cached the address learns it under the lock';
comment on column ledger.account.next_hold_expiry is 'no open hold of this account expires before this';

create table ledger.balance (
    shard        smallint not null,
    account_id   bigint   not null,
    balance_no   smallint not null,
    balance_type text     collate "C" not null,
    unit         text     collate "C" not null references ledger.unit,
    exponent     smallint not null,
    posted       bigint   not null default 0 check (posted between -4000000000000000000 and 4000000000000000000),
    held         bigint   not null default 0 check (held >= 0),
    credit_limit bigint   not null default 0 check (credit_limit between 0 and 4000000000000000000),
    seq          bigint   not null default 0,
    priority     smallint not null,
    expires_at   timestamptz,
    created_at   timestamptz not null,
    primary key (shard, account_id, balance_no)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.2);
create unique index balance_by_type on ledger.balance (shard, account_id, balance_type);
create index balance_expiry on ledger.balance (shard, expires_at) where expires_at is not null;
comment on table ledger.balance is
    'available = posted - held + credit_limit. No index holds posted, held or seq, and pages keep room, so that a posting '
    'is a heap-only update';
comment on column ledger.balance.exponent is 'the unit''s, kept here so that a posting needs no second probe';
comment on column ledger.balance.seq is 'number of its journal rows, and the last one''s seq';

-- Requests: the only idempotency store ------------------------------------------------------------------------------

create type ledger.operation as enum
    ('charge', 'refund', 'credit', 'hold', 'extend', 'capture', 'release',
     'adjustment', 'transfer', 'split', 'reversal', 'expired', 'closing');

create table ledger.request (
    shard          smallint not null,
    account_id     bigint   not null,
    application_id integer  not null,
    operation      ledger.operation not null,
    reference      text     collate "C" not null,
    request_id     bigint   not null,
    digest         uuid     not null,
    journal_no     bigint,
    legs           smallint not null,
    balance_no     smallint,
    amount         bigint,
    refunded       bigint   not null default 0,
    hold_id        uuid,
    group_id       uuid,
    recorded_at    timestamptz not null,
    primary key (shard, account_id, application_id, operation, reference),
    check (refunded between 0 and amount)
) with (fillfactor = 100);
comment on table ledger.request is
    'every accepted request, by its key: the first five columns. A refused request is not remembered';
comment on column ledger.request.request_id is 'numbers the shard''s accepted requests in the order they took effect';
comment on column ledger.request.digest is 'BLAKE2b-128 over the money-relevant fields: same key, other digest is refused';
comment on column ledger.request.journal_no is 'its first journal row; its legs follow without gaps. Null: it moved no money';
comment on column ledger.request.legs is 'how many journal rows it made';
comment on column ledger.request.balance_no is 'the balance of its only leg; several legs stand in request_leg';
comment on column ledger.request.amount is 'minor units charged, refunded, credited or held, all legs together';
comment on column ledger.request.refunded is 'of a charge or capture: how much linked refunds gave back';

create table ledger.request_leg (
    shard      smallint not null,
    request_id bigint   not null,
    leg_no     smallint not null,
    leg_shard  smallint not null,
    account_id bigint   not null,
    balance_no smallint not null,
    amount     bigint   not null check (amount > 0),
    primary key (shard, request_id, leg_no)
);
comment on table ledger.request_leg is 'the legs of requests that moved several balances, in their order; amounts without sign';

-- Journal -----------------------------------------------------------------------------------------------------------

create table ledger.journal (
    shard          smallint not null,
    journal_no     bigint   not null,
    account_id     bigint   not null,
    balance_no     smallint not null,
    seq            bigint   not null,
    amount         bigint   not null check (amount <> 0),
    balance_after  bigint   not null,
    unit           text     collate "C" not null,
    contra         text     collate "C" not null,
    kind           ledger.operation not null,
    application_id integer  not null,
    reference      text     collate "C" not null,
    request_id     bigint   not null,
    group_id       uuid,
    hold_id        uuid,
    refund_of      bigint,
    recorded_at    timestamptz not null,
    effective_at   timestamptz,
    code           text,
    description    text
) with (fillfactor = 100);
create unique index journal_balance_seq on ledger.journal (shard, account_id, balance_no, seq);
create index journal_time on ledger.journal using brin (recorded_at, journal_no);
comment on table ledger.journal is
    'one row a posting: amount moved from (negative) or to (positive) a balance, the opposite on the contra account. '
    'Nothing is ever changed or removed here';
comment on column ledger.journal.journal_no is 'numbers the shard''s rows without gaps';
comment on column ledger.journal.refund_of is 'journal number, in the same shard, of the leg that it gives back';
comment on column ledger.journal.effective_at is 'when it happened in the world, where that differs; never an order';

create function ledger.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'the journal is immutable: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger journal_immutable before update or delete on ledger.journal
    for each row execute function ledger.refuse_change();
create trigger journal_not_truncated before truncate on ledger.journal
    for each statement execute function ledger.refuse_change();

-- Holds -------------------------------------------------------------------------------------------------------------

create type ledger.hold_state as enum ('open', 'released', 'expired');

create table ledger.hold (
    shard          smallint not null,
    hold_id        uuid     not null,
    account_id     bigint   not null,
    application_id integer  not null,
    balance_type   text     collate "C",
    unit           text     collate "C" not null,
    amount         bigint   not null check (amount >= 0),
    captured       bigint   not null default 0 check (captured between 0 and amount),
    state          ledger.hold_state not null default 'open',
    description    text,
    placed_at      timestamptz not null,
    expires_at     timestamptz not null,
    ended_at       timestamptz,
    primary key (shard, hold_id),
    check ((state = 'open') = (ended_at is null))
) with (fillfactor = 70);
create index hold_open on ledger.hold (shard, account_id, expires_at) where state = 'open';
create index hold_due on ledger.hold (shard, expires_at) where state = 'open';
comment on table ledger.hold is
    'a reservation: takes from the available funds, makes no journal row until it is captured. Fully captured, it stays '
    'open until it is released or expires, so that it can be extended';
comment on column ledger.hold.balance_type is 'the balance that the request named; null: default or spending order';
comment on column ledger.hold.amount is 'placed and extended so far, what was given back taken off';

create table ledger.hold_leg (
    shard      smallint not null,
    hold_id    uuid     not null,
    leg_no     smallint not null,
    balance_no smallint not null,
    amount     bigint   not null check (amount >= 0),
    captured   bigint   not null default 0 check (captured between 0 and amount),
    primary key (shard, hold_id, leg_no),
    foreign key (shard, hold_id) references ledger.hold
) with (fillfactor = 70);
comment on table ledger.hold_leg is
    'what each balance contributes, in spending order. A balance''s held is the sum of amount - captured over the legs of '
    'its open holds';

-- Contra totals -----------------------------------------------------------------------------------------------------

create table ledger.contra (
    shard          smallint not null,
    contra         text     collate "C" not null,
    application_id integer  not null,
    unit           text     collate "C" not null,
    total          numeric  not null,
    primary key (shard, contra, application_id, unit)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
comment on table ledger.contra is
    'the other side of every posting, in minor units, totalled once a batch: revenue (charges), funding (credits), '
    'adjustment, clearing (transfers), expired, written_off. All balances plus all of these is 0 per unit, always';

grant select on all tables in schema ledger to ledgerline_service;
reset role;
