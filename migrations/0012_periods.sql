-- Finance looks back: statements, balances and trial balances at a time, and totals by day that are frozen as time goes
-- by, so that they cost the same however long the journal is.
--
-- Periods are half-open, [from, to). Within a balance the order is seq. A time names what was recorded until then,
-- itself included.

set local role ledgerline_owner;

-- A page range that is full is summarised at once; otherwise the newest part of the journal would be read by every look
-- at a period until the next vacuum.
alter index ledger.journal_time set (autosummarize = on);

-- Which day it is ---------------------------------------------------------------------------------------------------

create table ledger.calendar (
    id        boolean primary key default true check (id),
    time_zone text not null
);
comment on table ledger.calendar is 'one row: the time zone that cuts days ([finance] time_zone)';
insert into ledger.calendar (time_zone) values ('UTC');

create function ledger.set_time_zone(p_time_zone text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from ledger.calendar c where c.time_zone = p_time_zone) then
        return false;
    end if;
    if not exists (select from pg_timezone_names z where z.name = p_time_zone) then
        raise exception 'no time zone is called %', p_time_zone using errcode = 'invalid_parameter_value';
    end if;
    update ledger.calendar set time_zone = p_time_zone;
    return true;
end $$;
comment on function ledger.set_time_zone is
    'sets the time zone that cuts days; whether it was another one. Days whose totals are frozen stay as they were cut';
grant execute on function ledger.set_time_zone to ledgerline_service;

create function finance.time_zone() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.time_zone from ledger.calendar c;
end;
comment on function finance.time_zone is 'the time zone that cuts days and months';

-- One account -------------------------------------------------------------------------------------------------------

create function ledger.postings_before(p_shard smallint, p_account bigint, p_balance_no smallint, p_at timestamptz)
returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    v_low bigint := 0; v_high bigint; v_middle bigint; v_time timestamptz;
begin
    select b.seq into v_high from ledger.balance b
     where b.shard = p_shard and b.account_id = p_account and b.balance_no = p_balance_no;
    while v_low < v_high loop
        v_middle := (v_low + v_high + 1) / 2;
        select j.recorded_at into v_time from ledger.journal j
         where j.shard = p_shard and j.account_id = p_account and j.balance_no = p_balance_no and j.seq = v_middle;
        -- A row that is archived is older than all that are here.
        if v_time is null or v_time < p_at then
            v_low := v_middle;
        else
            v_high := v_middle - 1;
        end if;
    end loop;
    return coalesce(v_low, 0);
end $$;
comment on function ledger.postings_before is
    'how many of a balance''s rows were recorded before a time: the seq of the last one. Times rise with seq, so two dozen '
    'probes find it among millions';

create function finance.statement(p_address text, p_from timestamptz, p_to timestamptz)
returns table (recorded_at timestamptz, balance_type text, unit text, amount numeric, kind text, application text,
               reference_code text, description text, balance_after numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp rows 100
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    select j.recorded_at, b.balance_type, b.unit, finance.major(j.amount, b.exponent), j.kind::text, p.name, j.reference,
           j.description, finance.major(j.balance_after, b.exponent)
      from ledger.address h
      join ledger.account a on a.shard = h.shard and a.account_id = h.account_id
      join ledger.balance b on b.shard = h.shard and b.account_id = h.account_id
     cross join lateral (
           select greatest(coalesce(p_from, '-infinity'), h.since) as from_time,
                  least(coalesce(p_to, 'infinity'),
                        -- An account that closes gives up its addresses, then writes its funds off.
                        case when h.until < a.closed_at or a.closed_at is null
                             then h.until + interval '1 microsecond' end) as to_time) t
     cross join lateral (
           select ledger.postings_before(b.shard, b.account_id, b.balance_no, t.from_time) as first,
                  ledger.postings_before(b.shard, b.account_id, b.balance_no, t.to_time) as last
           offset 0) s
     cross join lateral (
           select x.* from ledger.journal x
            where x.shard = b.shard and x.account_id = b.account_id and x.balance_no = b.balance_no
              and x.seq > s.first and x.seq <= s.last
           offset 0) j
      join ledger.application p on p.application_id = j.application_id
     where h.address = p_address
     order by h.since, j.journal_no;
end;
comment on function finance.statement(text, timestamptz, timestamptz) is
    'every posting of the account that held the address at that time, recorded from p_from on and before p_to (null: no '
    'such bound), in the order in which they were booked: recorded_at, balance_type, unit, amount (negative: a debit), kind, '
    'application, reference_code, description, balance_after (of that balance)';

create function finance.balance_at(p_address text, p_balance_type text, p_at timestamptz) returns numeric
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    b record; v_seq bigint; v_minor numeric;
begin
    select y.* into b
      from ledger.address h
      join ledger.balance y on y.shard = h.shard and y.account_id = h.account_id
     where h.address = p_address and h.since <= p_at and (h.until > p_at or h.until is null)
       and y.balance_type = p_balance_type and y.created_at <= p_at
     order by h.since desc limit 1;
    if not found then
        return null;
    end if;
    v_seq := ledger.postings_before(b.shard, b.account_id, b.balance_no, p_at + interval '1 microsecond');
    if v_seq = b.seq then
        return finance.major(b.posted, b.exponent);
    end if;
    -- The next row tells what was there before it, even where the last one is archived.
    select j.balance_after::numeric - j.amount into v_minor from ledger.journal j
     where j.shard = b.shard and j.account_id = b.account_id and j.balance_no = b.balance_no and j.seq = v_seq + 1;
    return finance.major(v_minor, b.exponent);
end $$;
comment on function finance.balance_at(text, text, timestamptz) is
    'the posted amount of a balance at a time, postings of that very time included, in its unit; null: nobody held the '
    'address then, or the account had no such balance';

-- All accounts ------------------------------------------------------------------------------------------------------

-- From now backwards: what moved since is taken off again. So it costs what happened since, and does not depend on what
-- is archived.
create function finance.trial_balance_at(p_at timestamptz)
returns table (unit text, balances numeric, contra numeric, total numeric, funds numeric, overdrafts numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    with later as (
        select distinct on (j.shard, j.account_id, j.balance_no)
               j.shard, j.account_id, j.balance_no, j.balance_after - j.amount as posted
          from ledger.journal j
         where j.recorded_at > coalesce(p_at, 'infinity')
         order by j.shard, j.account_id, j.balance_no, j.seq),
    z as (
        select b.unit, greatest(coalesce(l.posted, b.posted), 0)::numeric as funds,
               least(coalesce(l.posted, b.posted), 0)::numeric as overdrafts, 0::numeric as contra
          from ledger.balance b
          left join later l on l.shard = b.shard and l.account_id = b.account_id and l.balance_no = b.balance_no
         union all
        select c.unit, 0, 0, sum(c.total) from ledger.contra c group by c.unit
         union all
        select j.unit, 0, 0, sum(j.amount) from ledger.journal j
         where j.recorded_at > coalesce(p_at, 'infinity') group by j.unit)
    select u.unit, finance.major(sum(z.funds + z.overdrafts), u.exponent), finance.major(sum(z.contra), u.exponent),
           finance.major(sum(z.funds + z.overdrafts + z.contra), u.exponent), finance.major(sum(z.funds), u.exponent),
           finance.major(sum(z.overdrafts), u.exponent)
      from z
      join ledger.unit u on u.unit = z.unit
     group by u.unit, u.exponent
     order by u.unit;
end $$;
comment on function finance.trial_balance_at(timestamptz) is
    'the trial balance at a time, postings of that very time included: unit, balances, contra, total (0, always), funds '
    '(balances above zero), overdrafts (below). Just before a period begins: its beginning - interval ''1 microsecond''';

create function finance.contra_at(p_at timestamptz) returns table (unit text, contra text, application text, amount numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select u.unit, z.contra, p.name, finance.major(sum(z.total), u.exponent)
      from (select c.unit, c.contra, c.application_id, c.total from ledger.contra c
             union all
            select j.unit, j.contra, j.application_id, sum(j.amount) from ledger.journal j
             where j.recorded_at > coalesce(p_at, 'infinity') group by 1, 2, 3) z
      join ledger.unit u on u.unit = z.unit
      join ledger.application p on p.application_id = z.application_id
     group by u.unit, u.exponent, z.contra, p.name
    having sum(z.total) <> 0
     order by u.unit, z.contra, p.name;
end $$;
comment on function finance.contra_at(timestamptz) is
    'the contra side of the trial balance at a time, by account and by the application that posted: unit, contra, '
    'application, amount (positive: revenue, negative: funds that came in)';

-- Whose revenue a reversal takes back -------------------------------------------------------------------------------

create table ledger.reversal (
    shard             smallint not null,
    group_id          uuid     not null,
    of_application_id integer  not null,
    primary key (shard, group_id)
);
comment on table ledger.reversal is
    'whose request a reversal undid, once for each shard that it has legs in. The journal names who asked for the reversal';

create or replace function ledger.reverse(
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
        insert into ledger.reversal (shard, group_id, of_application_id)
        select distinct leg_shard, r.group_id, p_of
          from unnest(v_legs.shards) leg_shard
          join ledger.request r on r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                               and r.operation = 'reversal' and r.reference = p_reversal_reference;
    end if;
end $$;

-- Totals by day: frozen slices, and what came since -----------------------------------------------------------------
--
-- A slice is a stretch of one day. Slices follow each other without gaps and overlaps; what is later than the last one
-- is summed when somebody looks. A slice is frozen when no row can be recorded in it any more: every shard is dated at
-- or behind its end, under its lock, so whoever posts later gets a later time, whatever the clock does.

create table ledger.slice (
    to_time   timestamptz primary key,
    from_time timestamptz not null unique check (from_time < to_time),
    day       date        not null,
    time_zone text        not null,
    frozen_at timestamptz not null default clock_timestamp()
);
comment on table ledger.slice is 'stretches of time whose totals are frozen, [from_time, to_time)';
comment on column ledger.slice.time_zone is 'which cut the day';

create table ledger.slice_total (
    day            date    not null,
    to_time        timestamptz not null references ledger.slice,
    application_id integer not null,
    unit           text    collate "C" not null,
    contra         text    collate "C" not null,
    kind           ledger.operation not null,
    postings       bigint  not null,
    amount         numeric not null,
    primary key (day, to_time, application_id, unit, contra, kind)
);
comment on table ledger.slice_total is 'sums of the journal''s rows of a slice, in minor units';
comment on column ledger.slice_total.application_id is 'who asked; of a reversal, whose request it undid';

create function ledger.refuse_thaw() returns trigger
language plpgsql as $$
begin
    raise exception 'frozen totals are immutable: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger slice_frozen before update or delete or truncate on ledger.slice
    for each statement execute function ledger.refuse_thaw();
create trigger slice_total_frozen before update or delete or truncate on ledger.slice_total
    for each statement execute function ledger.refuse_thaw();

create function ledger.totals_of(p_from timestamptz, p_to timestamptz, p_first_day date, p_time_zone text)
returns table (day date, application_id integer, unit text, contra text, kind ledger.operation, postings bigint,
               amount numeric)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
begin
    return query
    select greatest((j.recorded_at at time zone p_time_zone)::date, p_first_day),
           coalesce(r.of_application_id, j.application_id), j.unit, j.contra, j.kind, count(*), sum(j.amount)
      from ledger.journal j
      left join ledger.reversal r on j.kind = 'reversal' and r.shard = j.shard and r.group_id = j.group_id
     where j.recorded_at >= p_from and j.recorded_at < p_to
     group by 1, 2, 3, 4, 5;
end $$;
comment on function ledger.totals_of is
    'sums of the journal''s rows recorded in [p_from, p_to). No row belongs to a day before p_first_day, where the time '
    'zone was changed meanwhile';

create function ledger.last_frozen_day() returns date
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select case when s.to_time = (s.day + 1)::timestamp at time zone s.time_zone then s.day else s.day - 1 end
      from ledger.slice s order by s.to_time desc limit 1;
end;
comment on function ledger.last_frozen_day is 'the last day that is frozen as a whole; null: none';
grant execute on function ledger.last_frozen_day to ledgerline_finance, ledgerline_service;

create function ledger.live_totals()
returns table (day date, application_id integer, unit text, contra text, kind ledger.operation, postings bigint,
               amount numeric)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select t.*
      from ledger.calendar c
     cross join lateral ledger.totals_of(
               coalesce((select max(s.to_time) from ledger.slice s), '-infinity'), 'infinity',
               ledger.last_frozen_day() + 1, c.time_zone) t;
end;
comment on function ledger.live_totals is 'the totals of what is not frozen yet';
grant execute on function ledger.live_totals to ledgerline_finance, ledgerline_service;

create view ledger.total as
select t.day, t.application_id, t.unit, t.contra, t.kind, t.postings, t.amount from ledger.slice_total t
 union all
select l.day, l.application_id, l.unit, l.contra, l.kind, l.postings, l.amount from ledger.live_totals() l;

create function ledger.date_shard(p_shard smallint, p_until timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_until > clock_timestamp() then
        raise exception '% is in the future', p_until using errcode = 'invalid_parameter_value';
    end if;
    if exists (select from ledger.shard s where s.shard = p_shard and s.last_recorded_at >= p_until) then
        return;
    end if;
    perform ledger.lock_shard(p_shard);
    update ledger.shard set last_recorded_at = greatest(last_recorded_at, p_until) where shard = p_shard;
end $$;
comment on function ledger.date_shard is 'sees to it that nothing is recorded in this shard before that time any more';

create function ledger.freeze_totals(p_until timestamptz) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_zone text; v_from timestamptz; v_day date; v_start timestamptz; v_to timestamptz;
begin
    -- One at a time.
    select c.time_zone into v_zone from ledger.calendar c for update;
    v_from := (select max(s.to_time) from ledger.slice s);
    if v_from >= p_until then
        return null;
    end if;
    if exists (select from ledger.shard s where s.last_recorded_at < p_until) then
        raise exception 'a shard may still record before %', p_until using errcode = 'object_not_in_prerequisite_state';
    end if;
    v_start := coalesce(v_from, (select min(j.recorded_at) from ledger.journal j where j.recorded_at < p_until),
                        p_until - interval '1 microsecond');
    v_from := coalesce(v_from, '-infinity');
    v_day := greatest((v_start at time zone v_zone)::date, ledger.last_frozen_day() + 1);
    v_to := least(p_until, (v_day + 1)::timestamp at time zone v_zone);
    insert into ledger.slice (to_time, from_time, day, time_zone) values (v_to, v_from, v_day, v_zone);
    insert into ledger.slice_total (day, to_time, application_id, unit, contra, kind, postings, amount)
    select t.day, v_to, t.application_id, t.unit, t.contra, t.kind, t.postings, t.amount
      from ledger.totals_of(v_from, v_to, v_day, v_zone) t;
    return v_to;
end $$;
comment on function ledger.freeze_totals is
    'freezes the next slice: from the end of the last one until p_until, or until its day ends. Returns its end; null: '
    'all before p_until is frozen. Every shard must be dated (date_shard). Again, until it returns null';

create function ledger.freezing_due(p_interval interval) returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    select d.until
      from (select date_bin(p_interval, clock_timestamp(), timestamptz '2000-01-01 00:00:00Z') as until) d
     where not exists (select from ledger.slice s where s.to_time >= d.until);
end;
comment on function ledger.freezing_due is 'until when totals should be frozen by now, in whole intervals; null: they are';
grant execute on function ledger.date_shard, ledger.freeze_totals, ledger.freezing_due to ledgerline_service;

create view finance.control_totals as
select t.day, t.unit, t.contra, t.kind::text as kind, sum(t.postings)::bigint as count,
       finance.major(sum(t.amount), u.exponent) as amount,
       coalesce(t.day <= (select ledger.last_frozen_day()), false) as is_frozen
  from ledger.total t
  join ledger.unit u on u.unit = t.unit
 group by t.day, t.unit, u.exponent, t.contra, t.kind;
comment on view finance.control_totals is
    'what was posted, by day: frozen hour by hour, so that it costs the same however long the journal is';
comment on column finance.control_totals.day is 'by recorded_at, in the time zone finance.time_zone()';
comment on column finance.control_totals.unit is 'currency or service unit';
comment on column finance.control_totals.contra is 'the other side: revenue, funding, adjustment, clearing, expired, written_off';
comment on column finance.control_totals.kind is 'charge, refund, credit, capture, … as in finance.journal';
comment on column finance.control_totals.count is 'how many journal rows';
comment on column finance.control_totals.amount is 'their sum, from the subscribers'' side: negative is a debit';
comment on column finance.control_totals.is_frozen is 'whether the whole day is frozen: these figures never change again';

create view finance.revenue_daily as
select t.day, p.name as application, t.unit,
       finance.major(coalesce(-sum(t.amount) filter (where t.kind in ('charge', 'capture', 'split')), 0), u.exponent) as charged,
       finance.major(coalesce(sum(t.amount) filter (where t.kind not in ('charge', 'capture', 'split')), 0), u.exponent)
           as refunded,
       finance.major(-sum(t.amount), u.exponent) as net,
       sum(t.postings)::bigint as count
  from ledger.total t
  join ledger.unit u on u.unit = t.unit
  join ledger.application p on p.application_id = t.application_id
 where t.contra = 'revenue'
 group by t.day, p.name, t.unit, u.exponent;
comment on view finance.revenue_daily is
    'revenue by day and application. A reversal, whoever asked for it, counts with the application whose request it undid, '
    'on the day on which it was posted: so net is what an application earned, and days that are over do not change';
comment on column finance.revenue_daily.day is 'by recorded_at, in the time zone finance.time_zone()';
comment on column finance.revenue_daily.application is 'whose charges these are, and whose charges were given back';
comment on column finance.revenue_daily.unit is 'the unit of the amounts';
comment on column finance.revenue_daily.charged is 'charges, captures of holds and splits';
comment on column finance.revenue_daily.refunded is 'refunds and reversals of charges, less reversals of refunds';
comment on column finance.revenue_daily.net is 'charged - refunded';
comment on column finance.revenue_daily.count is 'how many journal rows these are, those that give back included';

-- Closing a month ---------------------------------------------------------------------------------------------------

create table ledger.closed_month (
    month      date    not null check (extract(day from month) = 1),
    unit       text    collate "C" not null,
    balances   numeric not null,
    contra     numeric not null,
    funds      numeric not null,
    overdrafts numeric not null,
    to_time    timestamptz not null,
    closed_at  timestamptz not null,
    closed_by  text    not null,
    primary key (month, unit)
);
comment on table ledger.closed_month is 'the trial balance with which a month was closed, in major units';
create trigger closed_month_frozen before update or delete or truncate on ledger.closed_month
    for each statement execute function ledger.refuse_thaw();

create function ledger.month_end(p_month date) returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(
        (select max(s.to_time) from ledger.slice s
          where s.day < p_month + interval '1 month' and ledger.last_frozen_day() >= p_month + interval '1 month - 1 day'),
        (p_month + interval '1 month') at time zone (select c.time_zone from ledger.calendar c));
end;
comment on function ledger.month_end is 'when a month ended or will end: as it was frozen, else in the time zone of now';

create function ledger.close_month(p_month date, p_by text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_to timestamptz := ledger.month_end(p_month); v_wrong record;
begin
    perform from ledger.calendar c for update;
    if exists (select from ledger.closed_month c where c.month = p_month) then
        return false;
    end if;
    if ledger.last_frozen_day() >= p_month + interval '1 month - 1 day' is not true then
        raise exception 'the month is not frozen' using errcode = 'object_not_in_prerequisite_state';
    end if;
    -- The frozen sums against the journal, once more, slice by slice.
    select s.to_time, x.unit, x.contra, x.kind into v_wrong
      from ledger.slice s
     cross join lateral (
           (select f.application_id, f.unit, f.contra, f.kind, f.postings, f.amount from ledger.slice_total f
             where f.day = s.day and f.to_time = s.to_time
            except
            select t.application_id, t.unit, t.contra, t.kind, t.postings, t.amount
              from ledger.totals_of(s.from_time, s.to_time, s.day, s.time_zone) t)
           union all
           (select t.application_id, t.unit, t.contra, t.kind, t.postings, t.amount
              from ledger.totals_of(s.from_time, s.to_time, s.day, s.time_zone) t
            except
            select f.application_id, f.unit, f.contra, f.kind, f.postings, f.amount from ledger.slice_total f
             where f.day = s.day and f.to_time = s.to_time)) x
     where s.day >= p_month and s.day < p_month + interval '1 month'
     order by s.to_time limit 1;
    if found then
        raise exception 'the journal differs from the totals frozen until %: unit %, contra %, kind %',
            v_wrong.to_time, v_wrong.unit, v_wrong.contra, v_wrong.kind using errcode = 'data_corrupted';
    end if;
    insert into ledger.closed_month (month, unit, balances, contra, funds, overdrafts, to_time, closed_at, closed_by)
    select p_month, t.unit, t.balances, t.contra, t.funds, t.overdrafts, v_to, clock_timestamp(), p_by
      from finance.trial_balance_at(v_to - interval '1 microsecond') t;
    if exists (select from ledger.closed_month c where c.month = p_month and c.balances + c.contra <> 0) then
        raise exception 'the trial balance is not 0' using errcode = 'data_corrupted';
    end if;
    return true;
end $$;
comment on function ledger.close_month is
    'closes a month whose days are frozen: compares the frozen totals with the journal and keeps the trial balance. False: '
    'it was closed before';
grant execute on function ledger.month_end, ledger.close_month to ledgerline_service;

create view finance.closed_months as
select c.month, c.unit, c.balances, c.contra, c.balances + c.contra as total, c.funds, c.overdrafts, c.to_time, c.closed_at,
       c.closed_by
  from ledger.closed_month c;
comment on view finance.closed_months is 'months that were closed, each with its closing trial balance, as it was then';
comment on column finance.closed_months.month is 'its first day';
comment on column finance.closed_months.unit is 'currency or service unit';
comment on column finance.closed_months.balances is 'sum of all balances at its end';
comment on column finance.closed_months.contra is 'sum of all contra accounts at its end';
comment on column finance.closed_months.total is 'balances + contra: 0';
comment on column finance.closed_months.funds is 'the balances above zero: what was owed to subscribers';
comment on column finance.closed_months.overdrafts is 'the balances below zero: what subscribers owed';
comment on column finance.closed_months.to_time is 'when it ended; itself not included';
comment on column finance.closed_months.closed_at is 'when it was closed';
comment on column finance.closed_months.closed_by is 'who closed it';

grant select on ledger.calendar, ledger.reversal, ledger.slice, ledger.slice_total, ledger.closed_month to ledgerline_service;
grant select on all tables in schema finance to ledgerline_finance, ledgerline_service;
grant execute on all functions in schema finance to ledgerline_finance, ledgerline_service;
reset role;
