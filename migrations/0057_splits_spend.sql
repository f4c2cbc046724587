-- A volume that is split is debited as its accounts spend. Accounts in spending order that were to share so many bytes
-- were refused, for there was no tariff for bytes, or paid by one although all of them have bytes: only their default
-- balances were asked. A volume of one account goes to the balances that count it all along; and so does a split amount
-- in a currency since 0048, which taught that to all that a split is posted by but this.
--
-- All shares are in one unit: where one of the accounts has no such balance, a tariff rates the volume as before.
--
-- Nothing else of the function changes: it is taken as it is, and must have the one place.

set local role ledgerline_owner;

create function ledger.all_spend(p_shard smallint[], p_account bigint[], p_unit text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    for x in 1 .. cardinality(p_shard) loop
        if not exists (select from ledger.account a
                         join ledger.balance b on b.shard = a.shard and b.account_id = a.account_id
                        where a.shard = p_shard[x] and a.account_id = p_account[x] and b.unit = p_unit
                          and (a.spending_order or b.balance_no = a.default_balance_no)
                          and (b.expires_at > clock_timestamp() or b.expires_at is null)) then
            return false;
        end if;
    end loop;
    return true;
end $$;
comment on function ledger.all_spend is
    'whether each of these accounts has a balance in the unit that a request draws on which names no balance';

do $$
declare
    c_before constant text := 'p_service, p_service_operation, false, p_max_amount, clock_timestamp()';
    c_after constant text := 'p_service, p_service_operation, ledger.all_spend(p_shard, p_account, p_unit),
                                             p_max_amount, clock_timestamp()';
    v_source constant text := pg_get_functiondef('ledger.post_split_volume'::regproc);
begin
    if cardinality(string_to_array(v_source, c_before)) <> 2 then
        raise exception 'ledger.post_split_volume is not what this migration knows';
    end if;
    execute replace(v_source, c_before, c_after);
end $$;

reset role;
