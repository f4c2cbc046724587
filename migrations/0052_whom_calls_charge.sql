-- An application that is limited to addresses charges the calls that it decides about to callers with such addresses only,
-- as it may charge nobody else in any other way.

set local role ledgerline_owner;

drop function notification.find;
create function notification.find(
    p_id uuid, out manner text, out endpoint text, out correlator text, out major smallint, out minor smallint,
    out login text, out application text, out payer text, out charge_domains text, out charge_prefixes text)
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
                else '' end,
           coalesce((select string_agg(m.item, E'\n' order by m.item) from auth.principal_limit m
                      where m.principal_id = p.principal_id and m.name = 'address_prefix'), '')
      from notification.live l join auth.principal p using (principal_id)
     where l.notification_id = p_id and p.enabled
       and not exists (
           select from notification.watch w
             join ledger.address a on a.address = w.address and a.account_id = w.account_id and a.until is null
             join ledger.account c on c.shard = a.shard and c.account_id = a.account_id
            where w.notification_id = l.notification_id
              and not case when p.kind = 'subscriber' then auth.rules_by_user(c.account_id)
                           else (p.kind = 'administrator' and c.domain = p.domain)
                                or exists (select from auth.principal_grant g
                                            where g.principal_id = p.principal_id and g.permission = 'rules.change'
                                              and g.domain in ('*', c.domain)) end);
end;
comment on function notification.find is
    'what is needed to call the application of a notification; nothing when who started it was disabled, or may not start '
    'it any more. payer: the address of a subscriber, who pays for what the application charges; charge_domains: else, one '
    'a line, where the calling party may be made to pay; charge_prefixes: how its address must begin then, none: anyhow';
grant execute on function notification.find to ledgerline_service;

reset role;
