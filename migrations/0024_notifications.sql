-- Notifications: which applications are asked or told about calls to which addresses. Parlay X registers them; calls
-- see them as Signal Rules.

set local role ledgerline_owner;

create schema notification;
comment on schema notification is 'what applications want to be asked and told; written by its functions only';
grant usage on schema notification to ledgerline_service;

create table notification.live (
    notification_id uuid        primary key,
    principal_id    bigint      not null references auth.principal,
    manner          text        not null check (manner in ('ask', 'tell')),
    correlator      text        collate "C" not null check (correlator <> ''),
    endpoint        text        not null,
    interface_name  text        not null,
    major           smallint    not null,
    minor           smallint    not null,
    started_at      timestamptz not null default clock_timestamp(),
    unique (principal_id, manner, correlator)
);
comment on table notification.live is 'notifications that were started and not stopped';
comment on column notification.live.manner is 'ask: the application decides about calls (CallDirection); tell: it is informed';
comment on column notification.live.correlator is 'the application''s own name for it';
comment on column notification.live.major is 'with minor: the version of the manager''s interface that it was started by';

create table notification.watch (
    notification_id uuid   not null references notification.live on delete cascade,
    account_id      bigint not null,
    address         text   collate "C" not null,
    event           text   not null
                    check (event in ('Busy', 'NotReachable', 'NoAnswer', 'CalledNumber', 'Answer', 'Disconnected')),
    manner          text   not null check (manner in ('ask', 'tell')),
    primary key (notification_id, address, event)
);
-- Two applications can't both decide.
create unique index watch_decided on notification.watch (account_id, address, event) where manner = 'ask';
create index watch_by_account on notification.watch (account_id);
comment on table notification.watch is
    'the events of calls to an address, as long as the account has it, that a notification is about';

create function notification.tell_rules_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('rules_changed', coalesce(new.account_id, old.account_id)::text);
    return null;
end $$;
comment on function notification.tell_rules_changed is 'drops what the nodes remember of an account''s rules';
create trigger changed after insert or update or delete on notification.watch
    for each row execute function notification.tell_rules_changed();

create function notification.tell_stopped() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('notification_stopped', old.notification_id::text);
    return null;
end $$;
comment on function notification.tell_stopped is 'drops what the nodes remember of a notification';
create trigger stopped after update or delete on notification.live
    for each row execute function notification.tell_stopped();

create function notification.start(p_id uuid, p_principal bigint, p_manner text, p_correlator text, p_endpoint text,
                                   p_interface_name text, p_major smallint, p_minor smallint, p_accounts bigint[],
                                   p_addresses text[], p_events text[], p_limit bigint)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Of one principal one after the other, so that the limit holds.
    perform pg_advisory_xact_lock(hashtextextended(p_principal::text || ' notifications', 0));
    if exists (select from notification.live l
                where l.principal_id = p_principal and l.manner = p_manner and l.correlator = p_correlator) then
        return 'duplicate';
    end if;
    if (select count(*) from notification.live l where l.principal_id = p_principal) >= p_limit then
        return 'too-many';
    end if;
    begin
        insert into notification.live (notification_id, principal_id, manner, correlator, endpoint, interface_name,
                                       major, minor)
        values (p_id, p_principal, p_manner, p_correlator, p_endpoint, p_interface_name, p_major, p_minor);
        -- In one order, so that two that overlap wait for each other and do not lock each other out.
        insert into notification.watch (notification_id, account_id, address, event, manner)
        select p_id, a.account_id, a.address, e.event, p_manner
          from unnest(p_accounts, p_addresses) a(account_id, address) cross join unnest(p_events) e(event)
         order by a.account_id, a.address, e.event;
    exception when unique_violation then
        return 'overlapping';
    end;
    return 'started';
end $$;
comment on function notification.start is
    'a new notification: started, or nothing is changed: duplicate (correlator), too-many (of the principal), '
    'overlapping (another one decides about one of the events already)';

create function notification.stop(p_principal bigint, p_manner text, p_correlator text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from notification.live l
     where l.principal_id = p_principal and l.manner = p_manner and l.correlator = p_correlator;
    return found;
end $$;
comment on function notification.stop is 'false when this principal has no such notification';

-- p_principal null: whoever started them.
create function notification.stop_events(p_principal bigint, p_manner text, p_accounts bigint[], p_addresses text[],
                                         p_events text[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_ids uuid[]; v_stopped bigint;
begin
    -- A stop at the same time must see the events that are left.
    select array_agg(q.notification_id), count(*) into v_ids, v_stopped
      from (select l.notification_id from notification.live l
             where l.manner = p_manner and (p_principal is null or l.principal_id = p_principal)
               and exists (select from notification.watch w
                             join unnest(p_accounts, p_addresses) a(account_id, address) using (account_id, address)
                            where w.notification_id = l.notification_id and w.event = any (p_events))
             order by l.notification_id for update) q;
    delete from notification.watch w
     using unnest(p_accounts, p_addresses) a(account_id, address)
     where w.notification_id = any (v_ids) and w.account_id = a.account_id and w.address = a.address
       and w.event = any (p_events);
    delete from notification.live l
     where l.notification_id = any (v_ids)
       and not exists (select from notification.watch w where w.notification_id = l.notification_id);
    return v_stopped;
end $$;
comment on function notification.stop_events is
    'takes events of calls to addresses from notifications, and stops those of which nothing is left; how many were '
    'concerned';

create function notification.find(p_id uuid, out manner text, out endpoint text, out correlator text,
                                  out major smallint, out minor smallint, out login text, out application text,
                                  out payer text, out charge_domains text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select l.manner, l.endpoint, l.correlator, l.major, l.minor, p.name || '@' || p.domain, p.application,
           case when p.kind = 'subscriber'
                then coalesce((select min(o.address) from auth.principal_address o
                                where o.principal_id = p.principal_id), '') else '' end,
           case when p.kind = 'application'
                then coalesce((select string_agg(g.domain, E'\n' order by g.domain) from auth.principal_grant g
                                where g.principal_id = p.principal_id and g.permission = 'call.charge'), '')
                else '' end
      from notification.live l join auth.principal p using (principal_id)
     where l.notification_id = p_id and p.enabled;
end;
comment on function notification.find is
    'what is needed to call the application of a notification; nothing when who started it was disabled. payer: the '
    'address of a subscriber, who pays for what the application charges; charge_domains: else, one a line, where the '
    'calling party may be made to pay';

create function notification.rules_of(p_account bigint, out notification text, out kind text, out name text,
                                      out stage text, out called text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select l.notification_id::text, case l.manner when 'ask' then 'ask' else 'notify' end,
           'notification ' || l.correlator || ' of ' || p.application,
           case w.event when 'CalledNumber' then 'immediately' when 'Busy' then 'busy' when 'NoAnswer' then 'no-answer'
                        when 'NotReachable' then 'error' when 'Answer' then 'answered' else 'ended' end,
           w.address
      from notification.watch w
      join notification.live l using (notification_id)
      join auth.principal p using (principal_id)
     where w.account_id = p_account and p.enabled
     order by l.started_at, l.notification_id, w.address, w.event;
end;
comment on function notification.rules_of is
    'notifications as Signal Rules (telephony/rules/rule.hpp) of the called account: one for each event, for '
    'calls to this address';

-- As before, with what the notifications of an account stand for.
create or replace function rules.load(p_account bigint, p_domain text) returns setof rules.loaded
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select * from (
        select case when r.account_id is not null then 'account' when r.priority > 5 then 'before' else 'after' end,
               r.origin, r.name, r.priority, r.stage, r.after_seconds, r.kind,
               r.calling_in, array_to_string(r.calling, E'\n'), r.called_in, array_to_string(r.called, E'\n'),
               r.calling_name_in, array_to_string(r.calling_name, E'\n'), r.days, r.from_minute, r.until_minute,
               r.time_zone, r.authenticated, r.registered, r.action, r.status, r.reason,
               array_to_string(r.addresses, E'\n'), null::text
          from (select * from rules.rule a where a.account_id = p_account
                union all
                select * from rules.rule d where d.domain = p_domain) r
         order by r.rule_id) own
    union all
    select 'account', 'notification', n.name, 5::smallint, n.stage, 0, n.kind, true, null, true, n.called, true, null,
           null, null, null, null, null, null, n.kind, null, null, null, n.notification
      from notification.rules_of(p_account) n;
end;

grant execute on function notification.start, notification.stop, notification.stop_events, notification.find,
    notification.rules_of to ledgerline_service;

reset role;
