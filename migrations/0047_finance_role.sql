-- Who may take which role.

-- `ledgerline psql` and `export` take finance's role, which whoever logged in as the service could not; and the server
-- takes the service's, which an owner of the ledger who is no superuser could not. Where roles may not be granted any more,
-- that is left to a superuser: the ledger itself does without.
do $$
declare
    r record;
begin
    for r in values ('ledgerline_finance', 'ledgerline_service'), ('ledgerline_finance', current_user::text),
                    ('ledgerline_service', current_user::text)
    loop
        continue when r.column1 = r.column2;
        begin
            execute format('grant %I to %I', r.column1, r.column2);
        exception when insufficient_privilege or invalid_grant_operation then
            raise warning 'this is left to a superuser: grant % to %', r.column1, r.column2;
        end;
    end loop;
end $$;
