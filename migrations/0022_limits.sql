-- Limits of applications: on money, counted in the transaction that posts it; on access, checked before a request is
-- looked at.

set local role ledgerline_owner;

-- Money ---------------------------------------------------------------------------------------------------------------

create table ledger.application_limit (
    application_id integer not null references ledger.application,
    name           text    collate "C" not null
                   check (name in ('amount_per_request', 'amount_per_day', 'credit_per_day', 'requests_per_day',
                                   'subscriber_amount_per_day', 'subscriber_amount_per_month', 'balance_type')),
    item           text    collate "C" not null,
    value          bigint  not null check (value >= 0),
    primary key (application_id, name, item)
);
comment on table ledger.application_limit is
    'what applications may post. item: the unit of an amount, or a balance type (all that are named are allowed); value: '
    'minor units, or a number of requests';

create table ledger.limit_use (
    application_id integer not null,
    name           text    collate "C" not null,
    item           text    collate "C" not null,
    account_id     bigint  not null,
    since          date    not null,
    used           bigint  not null check (used >= 0),
    primary key (application_id, name, item, account_id, since)
);
comment on table ledger.limit_use is
    'how much of a limit is used in the day or month that began on `since`; account_id 0: by all accounts together. Only '
    'limits that are set are counted';

create function ledger.tell_limits_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('ledger_limits', '');
    return null;
end $$;
comment on function ledger.tell_limits_changed is 'drops what the nodes remember about applications';
create trigger changed after insert or update or delete on ledger.application_limit
    for each statement execute function ledger.tell_limits_changed();

create function ledger.is_limited(p_application integer) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (select from ledger.application_limit l where l.application_id = p_application);
end;
comment on function ledger.is_limited is 'whether an application''s requests must be counted';

-- The caller holds the lock of the application.
create function ledger.use_limit(p_limit ledger.application_limit, p_account bigint, p_since date, p_amount bigint)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    v_used bigint; v_fresh boolean;
begin
    insert into ledger.limit_use as u (application_id, name, item, account_id, since, used)
    values (p_limit.application_id, p_limit.name, p_limit.item, p_account, p_since, greatest(p_amount, 0))
        on conflict (application_id, name, item, account_id, since)
        do update set used = greatest(u.used + p_amount, 0)
    returning used, xmax = 0 into v_used, v_fresh;
    if p_amount > 0 and v_used > p_limit.value then
        raise exception 'over limit: %', p_limit.name using errcode = 'LL002';
    end if;
    if v_fresh then
        delete from ledger.limit_use u
         where u.application_id = p_limit.application_id and u.name = p_limit.name and u.item = p_limit.item
           and u.account_id = p_account and u.since < p_since;
    end if;
end $$;
comment on function ledger.use_limit is
    'counts an amount against a limit, or takes it off again when negative; raises LL002 when that is too much. Earlier '
    'periods are forgotten';

-- Called in the transaction that posted the request, behind the posting: whatever was posted is exactly what is counted,
-- and what is too much is rolled back with it. Locks come in one order: shards, then the application.
create function ledger.count_request(p_operation ledger.operation, p_shard smallint, p_account bigint,
                                     p_application integer, p_reference text, p_gives_back boolean)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    c_takes constant boolean := p_operation in ('charge', 'split', 'hold', 'extend') and not p_gives_back;
    q ledger.request; l ledger.application_limit; part record;
    v_now timestamp; v_before timestamp; v_since date; v_sign integer; v_types text[]; v_allowed text[];
    v_accounts bigint[]; v_units text[]; v_amounts bigint[]; v_total bigint;
begin
    perform from ledger.application a where a.application_id = p_application for no key update;
    select r.* into strict q
      from (select s.shard from ledger.shard s where s.shard = p_shard or p_shard is null) s
     cross join lateral (select * from ledger.request y
                          where y.shard = s.shard and y.account_id = p_account and y.application_id = p_application
                            and y.operation = p_operation and y.reference = p_reference offset 0) r;
    v_now := clock_timestamp() at time zone finance.time_zone();

    -- What it moved, by account, and in which balances.
    if p_operation in ('hold', 'extend', 'release') then
        select array[q.account_id], array[h.unit], array[coalesce(q.amount, 0)],
               h.placed_at at time zone finance.time_zone(),
               array(select b.balance_type from ledger.hold_leg g
                       join ledger.balance b on b.shard = g.shard and b.account_id = q.account_id
                                            and b.balance_no = g.balance_no
                      where g.shard = h.shard and g.hold_id = h.hold_id)
          into v_accounts, v_units, v_amounts, v_before, v_types
          from ledger.hold h where h.shard = q.shard and h.hold_id = q.hold_id;
    else
        select array_agg(z.account_id), array_agg(z.unit), array_agg(z.amount),
               array(select distinct u from unnest(string_to_array(string_agg(z.types, E'\n'), E'\n')) u)
          into v_accounts, v_units, v_amounts, v_types
          from (select g.account_id, b.unit, sum(g.amount)::bigint as amount,
                       string_agg(distinct b.balance_type, E'\n') as types
                  from (select y.leg_shard, y.account_id, y.balance_no, y.amount from ledger.request_leg y
                         where y.shard = q.shard and y.request_id = q.request_id
                        union all
                        select q.shard, q.account_id, q.balance_no, q.amount where q.balance_no is not null) g
                  join ledger.balance b on b.shard = g.leg_shard and b.account_id = g.account_id
                                       and b.balance_no = g.balance_no
                 group by g.account_id, b.unit) z;
        if p_operation = 'refund' then
            select c.recorded_at at time zone finance.time_zone() into v_before
              from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of
             where j.shard = q.shard and j.journal_no = q.journal_no;
        end if;
    end if;
    v_sign := case when c_takes then 1 when p_operation in ('refund', 'extend', 'release') then -1 else 0 end;

    for l in select * from ledger.application_limit y where y.application_id = p_application order by y.name, y.item
    loop
        v_since := date_trunc(case when l.name like '%_per_month' then 'month' else 'day' end, v_now)::date;
        v_total := coalesce((select sum(u.amount) from unnest(v_units, v_amounts) u(unit, amount)
                              where u.unit = l.item), 0);
        if l.name = 'balance_type' then
            v_allowed := v_allowed || l.item;
        elsif l.name = 'amount_per_request' then
            if v_total > l.value and p_operation <> 'release' then
                raise exception 'over limit: %', l.name using errcode = 'LL002';
            end if;
        elsif l.name = 'requests_per_day' then
            if c_takes or p_operation = 'credit' then
                perform ledger.use_limit(l, 0, v_since, 1);
            end if;
        elsif l.name = 'credit_per_day' then
            if p_operation = 'credit' then
                perform ledger.use_limit(l, 0, v_since, v_total);
            end if;
        -- What is given back counts no more in the period in which it was taken.
        elsif v_sign > 0
              or v_sign < 0 and v_since = date_trunc(case when l.name like '%_per_month' then 'month' else 'day' end,
                                                     v_before)::date then
            if l.name = 'amount_per_day' then
                perform ledger.use_limit(l, 0, v_since, v_sign * v_total);
            else
                for part in
                    select u.account, u.amount from unnest(v_accounts, v_units, v_amounts) u(account, unit, amount)
                     where u.unit = l.item
                loop
                    perform ledger.use_limit(l, part.account, v_since, v_sign * part.amount);
                end loop;
            end if;
        end if;
    end loop;
    if v_allowed is not null and not coalesce(v_types, '{}') <@ v_allowed then
        raise exception 'over limit: balance_type' using errcode = 'LL002';
    end if;
end $$;
comment on function ledger.count_request is
    'counts a request that was posted in this transaction against the limits of its application; raises LL002 when it is '
    'too much. p_shard null: the request is a split. p_gives_back: an extension by a negative amount';

-- A null value takes the limit away.
create function ledger.set_limit(p_application text, p_name text, p_item text, p_value bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id constant integer := ledger.application_id(p_application);
begin
    if p_value is null then
        delete from ledger.application_limit l where l.application_id = v_id and l.name = p_name and l.item = p_item;
        return found;
    end if;
    insert into ledger.application_limit (application_id, name, item, value) values (v_id, p_name, p_item, p_value)
        on conflict (application_id, name, item) do update set value = excluded.value;
    return true;
end $$;
comment on function ledger.set_limit is 'sets a limit of an application, or takes it away (null); whether there is one now, or was';

-- Access --------------------------------------------------------------------------------------------------------------

create table auth.principal_limit (
    principal_id bigint not null references auth.principal,
    name         text   collate "C" not null
                 check (name in ('requests_per_second', 'address_prefix', 'method', 'hours')),
    item         text   collate "C" not null check (item !~ '[[:cntrl:]]'),
    value        bigint not null check (value >= 0),
    primary key (principal_id, name, item)
);
comment on table auth.principal_limit is
    'what a principal may ask for, when and how often. item: a prefix of addresses, a method (Interface.operation) or hours '
    'of the week; those of one name are alternatives. value: a number of requests, else 0';
create trigger changed after insert or update or delete on auth.principal_limit
    for each statement execute function auth.tell_changed();
create trigger trail after insert or update or delete on auth.principal_limit
    for each row execute function auth.trail_part('user.limit', 'user.limit_removed');

create function ledger.trail_limit() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_row constant ledger.application_limit := case when tg_op = 'DELETE' then old else new end;
begin
    perform trail.add(case when tg_op = 'DELETE' then 'user.limit_removed' else 'user.limit' end,
                      (select coalesce(p.name || '@' || p.domain, a.name)
                         from ledger.application a left join auth.principal p on p.application = a.name
                        where a.application_id = v_row.application_id),
                      concat_ws(' ', nullif(v_row.item, ''), v_row.name, v_row.value));
    return null;
end $$;
comment on function ledger.trail_limit is 'limits of money in the trail';
create trigger trail after insert or update or delete on ledger.application_limit
    for each row execute function ledger.trail_limit();

create function auth.set_limit(p_domain text, p_name text, p_limit text, p_item text, p_value bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    select p.principal_id into v_id from auth.principal p where p.domain = p_domain and p.name = p_name;
    if p_value is null then
        delete from auth.principal_limit l where l.principal_id = v_id and l.name = p_limit and l.item = p_item;
        return found;
    end if;
    insert into auth.principal_limit (principal_id, name, item, value)
    select v_id, p_limit, p_item, p_value where v_id is not null
        on conflict (principal_id, name, item) do update set value = excluded.value;
    return found;
end $$;
comment on function auth.set_limit is
    'sets a limit of a principal, or takes it away (null); false when there is no such login, or limit to take away';

-- Every limit on one row each, with what is used of it.
create view auth.limit_list as
select p.domain, p.name as login, l.name, l.item, l.value, ''::text as unit, 0::smallint as exponent,
       null::bigint as used
  from auth.principal_limit l join auth.principal p using (principal_id)
union all
select p.domain, p.name, l.name, l.item, l.value, coalesce(u.unit, ''), coalesce(u.exponent, 0::smallint),
       case when l.name like 'subscriber%' or l.name in ('amount_per_request', 'balance_type') then null
            else coalesce((select y.used from ledger.limit_use y
                            where y.application_id = l.application_id and y.name = l.name and y.item = l.item
                              and y.account_id = 0
                              and y.since = (clock_timestamp() at time zone (select c.time_zone from ledger.calendar c))::date), 0)
            end
  from ledger.application_limit l
  join ledger.application a using (application_id)
  join auth.principal p on p.application = a.name
  left join ledger.unit u on u.unit = l.item and l.name <> 'balance_type';
comment on view auth.limit_list is 'limits of money and of access by login; used: today, where one number says it';
grant select on auth.limit_list to ledgerline_service;

-- Requests a second are counted by the database's clock, for all nodes together. What a crash loses is worth a second.
create unlogged table auth.request_rate (
    principal_id bigint primary key,
    second       bigint not null,
    used         bigint not null
);
comment on table auth.request_rate is 'requests of the present second, of principals that have a limit of them';

create function auth.take_request(p_principal bigint, p_limit bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    v_now constant numeric := extract(epoch from clock_timestamp());
    v_second constant bigint := floor(v_now);
begin
    if p_limit > 0 then
        insert into auth.request_rate as r (principal_id, second, used) values (p_principal, v_second, 1)
            on conflict (principal_id) do update
               set second = greatest(r.second, excluded.second),
                   used = case when r.second < excluded.second then 1 else r.used + 1 end
             where r.second < excluded.second or r.used < p_limit;
        if found then
            return 0;
        end if;
    end if;
    return greatest(1, ceil((v_second + 1 - v_now) * 1000));
end $$;
comment on function auth.take_request is
    '0: one more request is within the limit of this second, and was counted; else how many milliseconds are left of it';

-- Nonces of UsernameToken, so that none is taken at two nodes, or again after a restart. ----------------------------------

create table auth.used_nonce (
    digest text        collate "C" primary key,
    until  timestamptz not null
);
create index used_nonce_until on auth.used_nonce (until);
comment on table auth.used_nonce is 'SHA-256 of login, nonce and Created, as long as they could be sent again';

create function auth.use_nonce(p_digest text, p_seconds bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    -- A crash of the database may lose the last half second; nobody waits for the disk.
    perform set_config('synchronous_commit', 'off', true);
    delete from auth.used_nonce n
     where n.digest = any (array(select o.digest from auth.used_nonce o where o.until < clock_timestamp()
                                  order by o.until limit 4 for update skip locked));
    insert into auth.used_nonce (digest, until) values (p_digest, clock_timestamp() + p_seconds * interval '1 second')
        on conflict (digest) do nothing;
    return found;
end $$;
comment on function auth.use_nonce is 'false when it was used before; forgets a few that are too old to be sent again';

-- As before, with limits, and how far local time is from UTC now: hours of the week are local.
drop function auth.find_login;
create function auth.find_login(p_domain text, p_name text, p_fingerprint text,
                                out principal_id bigint, out domain text, out name text, out application text,
                                out kind text, out enabled boolean, out password_hash text, out secret text,
                                out addresses text, out grants text, out limits text, out utc_offset_seconds integer)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select d.principal_id, d.domain, d.name, d.application, d.kind, d.enabled, p.password_hash,
           encode(p.secret, 'hex'), d.addresses, d.grants,
           coalesce((select string_agg(l.name || ' ' || l.value || ' ' || l.item, E'\n' order by l.name, l.item)
                       from auth.principal_limit l where l.principal_id = p.principal_id), ''),
           extract(epoch from (now() at time zone finance.time_zone()) - (now() at time zone 'UTC'))::integer
      from auth.principal p join auth.description d using (principal_id)
     where case when p_fingerprint is null then p.domain = p_domain and p.name = p_name
                else p.principal_id = (select c.principal_id from auth.certificate c
                                        where c.fingerprint = p_fingerprint) end;
end;
comment on function auth.find_login is
    'the principal with this login, or with this certificate when one is given; limits one a line, "name value item"';

grant execute on function ledger.is_limited, ledger.count_request, ledger.set_limit, auth.set_limit, auth.take_request, auth.use_nonce,
    auth.find_login to ledgerline_service;

reset role;
