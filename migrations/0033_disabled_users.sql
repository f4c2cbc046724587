-- Users who are disabled are not called either: their telephones' contacts go, and nobody looks for others.

set local role ledgerline_owner;

create index principal_address_by_address on auth.principal_address (address);

create function auth.is_disabled(p_account bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(bool_and(not p.enabled), false)
      from ledger.address a
      join auth.principal_address o on o.address = a.address
      join auth.principal p using (principal_id)
     where a.account_id = p_account and a.until is null;
end;
comment on function auth.is_disabled is 'whether an account has users, and all of them are disabled';

create function auth.disabled_addresses(p_addresses text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select distinct a.address from ledger.address a
     where a.address = any (p_addresses) and a.until is null and auth.is_disabled(a.account_id);
end;
comment on function auth.disabled_addresses is 'those of these addresses whose accounts'' users are all disabled';

create function auth.drop_contacts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from ledger.binding b
     where b.account_id in (select a.account_id from auth.principal_address o
                              join ledger.address a on a.address = o.address and a.until is null
                             where o.principal_id = new.principal_id)
       and auth.is_disabled(b.account_id);
    return null;
end $$;
comment on function auth.drop_contacts is
    'removes the contacts of an account whose last user was disabled: whoever is enabled again registers again';
create trigger contacts after update of enabled on auth.principal
    for each row when (old.enabled and not new.enabled) execute function auth.drop_contacts();

-- As before, without what somebody registered in the moment before.
create or replace function ledger.bindings(p_account bigint, out contact text, out address text, out path text,
                                           out node text, out flow bigint, out q integer, out seconds bigint)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select b.contact, b.address, b.path, b.node, b.flow, b.q::integer,
           ceil(extract(epoch from b.expires_at - clock_timestamp()))::bigint
      from ledger.binding b
     where b.account_id = p_account and b.expires_at > clock_timestamp() and not auth.is_disabled(p_account)
     order by b.q desc, b.registered_at desc;
end;
comment on function ledger.bindings is
    'the contacts of an account that are valid, the best first; seconds: for how long. None of users who are disabled';

grant execute on function auth.is_disabled, auth.disabled_addresses to ledgerline_service;
reset role;
