-- The server looks whether the database has what its program needs.
grant usage on schema ledger_migration to ledgerline_service;
grant select on ledger_migration.applied to ledgerline_service;
