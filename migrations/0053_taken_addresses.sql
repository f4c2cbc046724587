-- An address that is taken away from a login takes along what the login had by it: its notifications about the address rest,
-- as those of whoever may not start them any more do, and where no login is left that has one of the account's addresses,
-- its telephones' contacts go, as those of users who are disabled do.

set local role ledgerline_owner;

create or replace function notification.find(
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
              and not case when p.kind = 'subscriber'
                           then auth.rules_by_user(c.account_id)
                                and exists (select from auth.principal_address o
                                             where o.principal_id = p.principal_id and o.address = w.address)
                           else (p.kind = 'administrator' and c.domain = p.domain)
                                or exists (select from auth.principal_grant g
                                            where g.principal_id = p.principal_id and g.permission = 'rules.change'
                                              and g.domain in ('*', c.domain)) end);
end;

create function auth.drop_contacts_of_nobody() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from ledger.binding b
     using ledger.address a
     where a.address = old.address and a.until is null and b.account_id = a.account_id
       and not exists (select from ledger.address h join auth.principal_address o on o.address = h.address
                        where h.account_id = a.account_id and h.until is null);
    return null;
end $$;
comment on function auth.drop_contacts_of_nobody is
    'removes the contacts of an account whose last address was taken from the last login that had one';
create trigger contacts after delete on auth.principal_address
    for each row execute function auth.drop_contacts_of_nobody();

reset role;
