-- An application that is limited in whom it may have called is so in the calls that it decides about, too. And a login's
-- notifications about an address that was taken away from it rest, as those of whoever may not start them any more do.

set local role ledgerline_owner;

drop function notification.find;
create function notification.find(
    p_id uuid, out manner text, out endpoint text, out correlator text, out major smallint, out minor smallint,
    out login text, out application text, out payer text, out charge_domains text, out charge_prefixes text, out call_allow text,
    out call_deny text)
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
           coalesce(m.address_prefix, ''), coalesce(m.call_allow, ''), coalesce(m.call_deny, '')
      from notification.live l join auth.principal p using (principal_id)
     cross join lateral (
           select string_agg(x.item, E'\n' order by x.item) filter (where x.name = 'address_prefix') as address_prefix,
                  string_agg(x.item, E'\n' order by x.item) filter (where x.name = 'call_allow') as call_allow,
                  string_agg(x.item, E'\n' order by x.item) filter (where x.name = 'call_deny') as call_deny
             from auth.principal_limit x
            where x.principal_id = p.principal_id) m
     where l.notification_id = p_id and p.enabled
       and not exists (
           select from notification.watch w
             join ledger.address a on a.address = w.address and a.account_id = w.account_id and a.until is null
             join ledger.account c on c.shard = a.shard and c.account_id = a.account_id
            where w.notification_id = l.notification_id
              and not case when p.kind = 'subscriber'
                           then auth.rules_by_user(c.account_id)
                                and exists (select from auth.principal_address o
                                             where o.principal_id = p.principal_id and o.address = w.address)
                           else (p.kind = 'administrator' and c.domain = p.domain)
                                or exists (select from auth.principal_grant g
                                            where g.principal_id = p.principal_id and g.permission = 'rules.change'
                                              and g.domain in ('*', c.domain)) end);
end;
comment on function notification.find is
    'what is needed to call the application of a notification; nothing when who started it was disabled, or may not start '
    'it any more. payer: the address of a subscriber, who pays for what the application charges; charge_domains: else, one '
    'a line, where the calling party may be made to pay; charge_prefixes: how its address must begin then, none: anyhow; call_allow and call_deny: '
    'how addresses must and may not begin that it has called';
grant execute on function notification.find to ledgerline_service;

reset role;
