-- A node that starts reads addresses ahead.
--
-- With ten million accounts nine of ten requests asked for an address that their node did not remember, hours after its
-- start, and each look-up reads four pages that are in nobody's memory. As in 0043_kept_plans.sql, the plan is kept,
-- generic, and made for large tables.

set local role ledgerline_owner;

create function ledger.accounts_after(p_address text, p_limit bigint)
returns table (address text, account_id bigint, shard smallint, epoch integer, domain text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
    select d.address, a.account_id, a.shard, a.epoch, a.domain
      from ledger.address d
      join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
     where d.address > p_address and d.until is null
     order by d.address
     limit p_limit;
end $$;
comment on function ledger.accounts_after is
    'what find_accounts says of the first addresses after this one, in the order of their bytes';

grant execute on function ledger.accounts_after to ledgerline_service;

reset role;
