-- Signal Rules: what accounts and domains want done with calls, as telephony/rules/rule.hpp explains it; and whether
-- an account's users may change the rules themselves.

set local role ledgerline_owner;

create schema rules;
comment on schema rules is 'Signal Rules of accounts and domains; written by its functions only';
grant usage on schema rules to ledgerline_service;

create table rules.rule (
    rule_id         bigint   generated always as identity primary key,
    account_id      bigint,
    domain          text     collate "C",
    origin          text     not null check (origin in ('operator', 'call-handling')),
    name            text     collate "C" not null check (name <> '' and name !~ '[[:cntrl:]]'),
    priority        smallint not null check (priority between 0 and 9),
    stage           text     not null
                    check (stage in ('immediately', 'after', 'busy', 'no-answer', 'error', 'answered', 'ended')),
    after_seconds   integer  not null default 0 check (after_seconds >= 0 and (after_seconds = 0 or stage = 'after')),
    kind            text     not null
                    check (kind in ('accept-list', 'block-list', 'forward-list', 'forward', 'other')),
    calling_in      boolean  not null default true,
    calling         text[]   check (array_to_string(calling, '', '') !~ '[[:cntrl:]]'),
    called_in       boolean  not null default true,
    called          text[]   check (array_to_string(called, '', '') !~ '[[:cntrl:]]'),
    calling_name_in boolean  not null default true,
    calling_name    text[]   check (array_to_string(calling_name, '', '') !~ '[[:cntrl:]]'),
    days            smallint check (days between 0 and 127),
    from_minute     smallint check (from_minute between 0 and 1439),
    until_minute    smallint check (until_minute between 0 and 1440),
    time_zone       text,
    authenticated   boolean,
    registered      boolean,
    action          text     not null check (action in ('reject', 'redirect', 'fork', 'stop')),
    status          smallint check (status between 400 and 699),
    reason          text     check (reason !~ '[[:cntrl:]]'),
    addresses       text[]   check (array_to_string(addresses, '', '') !~ '[[:cntrl:]]'),
    check (num_nonnulls(account_id, domain) = 1),
    check (num_nonnulls(days, from_minute, until_minute, time_zone) in (0, 4)),
    check ((action = 'reject') = (status is not null)),
    check (case action when 'redirect' then coalesce(cardinality(addresses), 0) = 1
                       when 'fork' then coalesce(cardinality(addresses), 0) > 0
                       else addresses is null end)
);
create unique index rule_of_account on rules.rule (account_id, origin, name) where account_id is not null;
create unique index rule_of_domain on rules.rule (domain, origin, name) where domain is not null;
comment on table rules.rule is
    'Signal Rules of accounts, and of whole domains: these come before the accounts'' own ones above priority 5, else '
    'after them. Of rules of one kind and priority the older one comes first';
comment on column rules.rule.origin is 'who made it: rules of one origin do not touch those of another';
comment on column rules.rule.calling_in is 'false: the caller is none of these';
comment on column rules.rule.days is 'a bit for each day of the week on which the hours begin, Sunday''s the lowest';

-- What a client of Call Handling set, to give it back as it was; rules.rule has what it means.
create table rules.call_handling (
    account_id   bigint  not null,
    position     integer not null,
    list         text    not null check (list in ('accept', 'block', 'forward-list', 'forward')),
    calling      text,
    forwarding   text,
    on_busy      text,
    on_no_answer text,
    primary key (account_id, position),
    check ((calling is null) = (list = 'forward')),
    check ((forwarding is null) = (list in ('accept', 'block')))
);
comment on table rules.call_handling is 'the elements that Parlay X Call Handling set for an account, as they came';

-- Nodes remember rules. A trigger, not the functions, tells them: whoever changes a row is heard.
create function rules.tell_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op <> 'INSERT' then
        perform pg_notify('rules_changed', coalesce(old.account_id::text, ''));
    end if;
    if tg_op <> 'DELETE' then
        perform pg_notify('rules_changed', coalesce(new.account_id::text, ''));
    end if;
    return null;
end $$;
comment on function rules.tell_changed is
    'drops what the nodes remember of an account''s rules; without an account, of everybody''s';
create trigger changed after insert or update or delete on rules.rule
    for each row execute function rules.tell_changed();

create type rules.loaded as (
    place text, origin text, name text, priority smallint, stage text, after_seconds integer, kind text,
    calling_in boolean, calling text, called_in boolean, called text, calling_name_in boolean, calling_name text,
    days smallint, from_minute smallint, until_minute smallint, time_zone text, authenticated boolean,
    registered boolean, action text, status smallint, reason text, addresses text, notification text
);
comment on type rules.loaded is
    'a rule as nodes read it; place: before, account or after; lists one element a line; notification: of actions ask '
    'and notify';

create function rules.load(p_account bigint, p_domain text) returns setof rules.loaded
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select case when r.account_id is not null then 'account' when r.priority > 5 then 'before' else 'after' end,
           r.origin, r.name, r.priority, r.stage, r.after_seconds, r.kind,
           r.calling_in, array_to_string(r.calling, E'\n'), r.called_in, array_to_string(r.called, E'\n'),
           r.calling_name_in, array_to_string(r.calling_name, E'\n'), r.days, r.from_minute, r.until_minute,
           r.time_zone, r.authenticated, r.registered, r.action, r.status, r.reason,
           array_to_string(r.addresses, E'\n'), null::text
      from (select * from rules.rule a where a.account_id = p_account
            union all
            select * from rules.rule d where d.domain = p_domain) r
     order by r.rule_id;
end;
comment on function rules.load is 'every rule that concerns calls to an account of that domain; no account: domain-wide';

-- p_whole: all rules of the owner and origin are replaced, else those with these names.
create function rules.write(p_account bigint, p_domain text, p_origin text, p_whole boolean, p_name text[],
                            p_priority smallint[], p_stage text[], p_after_seconds integer[], p_kind text[],
                            p_calling_in boolean[], p_calling text[], p_called_in boolean[], p_called text[],
                            p_calling_name_in boolean[], p_calling_name text[], p_days smallint[],
                            p_from_minute smallint[], p_until_minute smallint[], p_time_zone text[],
                            p_authenticated boolean[], p_registered boolean[], p_action text[], p_status smallint[],
                            p_reason text[], p_addresses text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Two writers at once would leave the rules of both.
    perform pg_advisory_xact_lock(hashtextextended(coalesce(p_account::text, p_domain) || ' rules', 0));
    delete from rules.rule r
     where (r.account_id = p_account or r.domain = p_domain) and r.origin = p_origin
       and (p_whole or r.name = any (p_name));
    insert into rules.rule (account_id, domain, origin, name, priority, stage, after_seconds, kind, calling_in, calling,
                            called_in, called, calling_name_in, calling_name, days, from_minute, until_minute,
                            time_zone, authenticated, registered, action, status, reason, addresses)
    select p_account, p_domain, p_origin, n.name, n.priority, n.stage, n.after_seconds, n.kind,
           n.calling_in, string_to_array(n.calling, E'\n'), n.called_in, string_to_array(n.called, E'\n'),
           n.calling_name_in, string_to_array(n.calling_name, E'\n'), n.days, n.from_minute, n.until_minute,
           n.time_zone, n.authenticated, n.registered, n.action, n.status, n.reason,
           string_to_array(n.addresses, E'\n')
      from unnest(p_name, p_priority, p_stage, p_after_seconds, p_kind, p_calling_in, p_calling, p_called_in, p_called,
                  p_calling_name_in, p_calling_name, p_days, p_from_minute, p_until_minute, p_time_zone,
                  p_authenticated, p_registered, p_action, p_status, p_reason, p_addresses)
           with ordinality
           n(name, priority, stage, after_seconds, kind, calling_in, calling, called_in, called, calling_name_in,
             calling_name, days, from_minute, until_minute, time_zone, authenticated, registered, action, status,
             reason, addresses, position)
     order by n.position;
end $$;
comment on function rules.write is
    'writes rules of an account, or of a domain, over those of the same origin; lists one element a line';

create function rules.remove(p_account bigint, p_domain text, p_origin text, p_name text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from rules.rule r
     where (r.account_id = p_account or r.domain = p_domain) and r.origin = p_origin and r.name = p_name;
    return found;
end $$;
comment on function rules.remove is 'false when there is no such rule';

create function rules.write_call_handling(p_account bigint, p_list text[], p_calling text[], p_forwarding text[],
                                          p_on_busy text[], p_on_no_answer text[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    delete from rules.call_handling c where c.account_id = p_account;
    insert into rules.call_handling (account_id, position, list, calling, forwarding, on_busy, on_no_answer)
    select p_account, n.position, n.list, n.calling, n.forwarding, n.on_busy, n.on_no_answer
      from unnest(p_list, p_calling, p_forwarding, p_on_busy, p_on_no_answer)
           with ordinality n(list, calling, forwarding, on_busy, on_no_answer, position);
end;
comment on function rules.write_call_handling is
    'what a client set, in place of what was set before; in the transaction of the rules.write that says what it means, '
    'and after it: that one excludes other writers';

create function rules.read_call_handling(p_account bigint, out list text, out calling text, out forwarding text,
                                         out on_busy text, out on_no_answer text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.list, c.calling, c.forwarding, c.on_busy, c.on_no_answer
      from rules.call_handling c where c.account_id = p_account order by c.position;
end;
comment on function rules.read_call_handling is 'what clients of Call Handling set for this account';

-- Whether an account's users may change its rules -------------------------------------------------------------------

create table auth.account_setting (
    account_id    bigint  primary key,
    rules_by_user boolean not null default false
);
comment on table auth.account_setting is 'what an account''s users may do themselves';
comment on column auth.account_setting.rules_by_user is 'change Signal Rules and notifications of the account';
create trigger changed after insert or update or delete on auth.account_setting
    for each statement execute function auth.tell_changed();

create function auth.set_rules_by_user(p_account bigint, p_on boolean) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into auth.account_setting as s (account_id, rules_by_user) values (p_account, p_on)
        on conflict (account_id) do update set rules_by_user = excluded.rules_by_user;
end;
comment on function auth.set_rules_by_user is 'whether subscribers may change the rules of their account';

create function auth.rules_by_user(p_account bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce((select s.rules_by_user from auth.account_setting s where s.account_id = p_account), false);
end;
comment on function auth.rules_by_user is 'off unless it was set';

-- Until now a subscriber was granted rules.change; the account's setting takes its place.
insert into auth.account_setting (account_id, rules_by_user)
select distinct a.account_id, true
  from auth.principal p
  join auth.principal_grant g using (principal_id)
  join auth.principal_address o using (principal_id)
  join ledger.address a on a.address = o.address and a.until is null
  join ledger.account c on c.shard = a.shard and c.account_id = a.account_id
 where p.kind = 'subscriber' and g.permission = 'rules.change' and g.domain in (c.domain, '*');
delete from auth.principal_grant g
 using auth.principal p
 where p.principal_id = g.principal_id and p.kind = 'subscriber' and g.permission = 'rules.change';

-- As before, with the addresses whose rules the subscriber may change.
drop function auth.find_login;
create function auth.find_login(p_domain text, p_name text, p_fingerprint text,
                                out principal_id bigint, out domain text, out name text, out application text,
                                out kind text, out enabled boolean, out password_hash text, out secret text,
                                out addresses text, out grants text, out limits text, out utc_offset_seconds integer,
                                out rule_addresses text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select d.principal_id, d.domain, d.name, d.application, d.kind, d.enabled, p.password_hash,
           encode(p.secret, 'hex'), d.addresses, d.grants,
           coalesce((select string_agg(l.name || ' ' || l.value || ' ' || l.item, E'\n' order by l.name, l.item)
                       from auth.principal_limit l where l.principal_id = p.principal_id), ''),
           extract(epoch from (now() at time zone finance.time_zone()) - (now() at time zone 'UTC'))::integer,
           coalesce((select string_agg(o.address, E'\n' order by o.address)
                       from auth.principal_address o
                       join ledger.address a on a.address = o.address and a.until is null
                       join auth.account_setting s on s.account_id = a.account_id and s.rules_by_user
                      where o.principal_id = p.principal_id), '')
      from auth.principal p join auth.description d using (principal_id)
     where case when p_fingerprint is null then p.domain = p_domain and p.name = p_name
                else p.principal_id = (select c.principal_id from auth.certificate c
                                        where c.fingerprint = p_fingerprint) end;
end;
comment on function auth.find_login is
    'the principal with this login, or with this certificate when one is given; limits one a line, "name value item"';

grant execute on function rules.load, rules.write, rules.remove, rules.write_call_handling, rules.read_call_handling,
    auth.set_rules_by_user, auth.rules_by_user, auth.find_login to ledgerline_service;

reset role;
