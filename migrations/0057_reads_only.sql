-- Finance reads, and nothing else: what PostgreSQL lets everybody do by default could fill the disk that the ledger posts to.
-- Nothing of the ledger needs it either: its owner was granted temporary tables by name (archiving makes one), and large
-- objects it has none. Without the right to take these away, PostgreSQL warns here, and they are left as they are.
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
    revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
                               pg_catalog.lo_from_bytea(oid, bytea) from public;
exception when insufficient_privilege then
    raise warning 'this is left to a superuser: revoke temporary tables and large objects from public';
end $$;
