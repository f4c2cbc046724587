-- Notifications about calls by an address, not to it (addressDirection Calling of Call Notification's v3_8).

set local role ledgerline_owner;

alter table notification.watch add column direction text not null default 'called'
    check (direction in ('called', 'calling') and (direction = 'called' or manner = 'tell'));
comment on column notification.watch.direction is 'called: calls to the address; calling: those that it makes';
comment on table notification.watch is
    'the events of calls to or by an address, as long as the account has it, that a notification is about';

drop function notification.start;
create function notification.start(p_id uuid, p_principal bigint, p_manner text, p_correlator text, p_endpoint text,
                                   p_interface_name text, p_major smallint, p_minor smallint, p_accounts bigint[],
                                   p_addresses text[], p_events text[], p_limit bigint, p_direction text)
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
        insert into notification.watch (notification_id, account_id, address, event, manner, direction)
        select p_id, a.account_id, a.address, e.event, p_manner, p_direction
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

-- As before; place says whose calls: those to the account, or those by it.
drop function rules.load;
drop function notification.rules_of;
create function notification.rules_of(p_account bigint, out place text, out notification text, out kind text,
                                      out name text, out stage text, out address text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select case w.direction when 'called' then 'account' else 'caller' end, l.notification_id::text,
           case l.manner when 'ask' then 'ask' else 'notify' end,
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
    'notifications as Signal Rules (telephony/rules/rule.hpp) of an account: one for each event, for calls to this '
    'address, or in place caller for calls by it';

create function rules.load(p_account bigint, p_domain text) returns setof rules.loaded
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
    select n.place, 'notification', n.name, 5::smallint, n.stage, 0, n.kind,
           true, case n.place when 'caller' then n.address end, true, case n.place when 'account' then n.address end,
           true, null, null, null, null, null, null, null, n.kind, null, null, null, n.notification
      from notification.rules_of(p_account) n;
end;
comment on function rules.load is
    'every rule that concerns calls to an account of that domain, and in place caller those of calls by it; no account: '
    'domain-wide';
comment on type rules.loaded is
    'a rule as nodes read it; place: before, account or after, caller: of calls by the account; lists one element a line; '
    'notification: of actions ask and notify';

grant execute on function notification.start, notification.rules_of, rules.load to ledgerline_service;

reset role;
