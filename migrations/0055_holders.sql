-- Whether an address ever was an account's: who exports the statement of a mistyped one must not take its empty page for that
-- of a customer without postings.

set local role ledgerline_owner;

create function finance.holders_of(p_address text)
returns table (address text, domain text, since timestamptz, until timestamptz, account_id bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select a.address, a.domain, h.since, h.until, h.account_id
      from ledger.address h
      join ledger.account a on a.shard = h.shard and a.account_id = h.account_id
     where h.address = p_address
     order by h.since;
end;
comment on function finance.holders_of(text) is
    'the accounts that had an address, the first one first: address (the account''s first one), domain, since, until (null: it '
    'has the address now), account_id. No row: it never was an account''s';
grant execute on function finance.holders_of(text) to ledgerline_finance, ledgerline_service;

reset role;
