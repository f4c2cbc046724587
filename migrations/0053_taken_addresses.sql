-- An address that is taken away from a login takes along what the login had by it: where no login is left that has one of
-- the account's addresses, its telephones' contacts go, as those of users who are disabled do.

set local role ledgerline_owner;

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
