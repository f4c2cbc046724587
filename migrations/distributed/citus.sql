-- Spreads the ledger over the nodes of a Citus cluster, after all migrations and before the first posting.
--
-- What carries a shard is distributed by it, colocated with the accounts; what does not is small, and stands on every
-- node. Local stay the logins, the trail, the calls, contacts of telephones and finance's frozen totals: only the coordinator reads and writes
-- them. docs/operations.md says what this has been tried with.

do $$
begin
    if exists (select from pg_dist_partition p where p.logicalrelid = 'ledger.account'::regclass) then
        raise exception 'the ledger is distributed already' using errcode = 'duplicate_object';
    end if;
end $$;

set local citus.enable_local_reference_table_foreign_keys = off;
set local citus.multi_shard_modify_mode = 'sequential';  -- foreign keys between the tables of one transaction
set local citus.enable_unsafe_triggers = on;             -- the triggers that refuse changes: they only raise

-- A key over all shards can't be kept; slots were numbered once, by the first migration.
alter table ledger.shard drop constraint shard_slot_key;

select create_distributed_table('ledger.account', 'shard', colocate_with => 'none', shard_count => 32);

select create_reference_table('ledger.unit');
select create_reference_table('ledger.domain');
select create_reference_table('ledger.balance_type');
select create_reference_table('ledger.application');
select create_reference_table('ledger.address');
select create_reference_table('ledger.price');
select create_reference_table('ledger.tariff');
select create_reference_table('ledger.voucher_batch');
select create_reference_table('ledger.voucher');

select create_distributed_table('ledger.shard', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.balance', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request_leg', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request_volume', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.journal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.hold', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.hold_leg', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.contra', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.reversal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.voucher_tries', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.seal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.archive', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.opening', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.opening_contra', 'shard', colocate_with => 'ledger.account');

set local role ledgerline_owner;

-- Citus cannot plan distributed statements generically; everything else of these functions may stay as it is.
alter function ledger.post_batch reset plan_cache_mode;
alter function ledger.post_in_turn reset plan_cache_mode;

-- A call is sent to the node of its shard by one plain argument, not by an array.
create function ledger.post_shard(
    p_shard smallint, p_operation ledger.operation[], p_account bigint[], p_epoch integer[], p_balance text[],
    p_amount bigint[], p_scale smallint[], p_unit text[], p_application integer[], p_reference text[],
    p_digest uuid[], p_earlier integer[], p_hold uuid[], p_contra text[], p_original text[], p_unlinked boolean[],
    p_period integer[], p_code text[], p_description text[], p_max_amount bigint, p_hold_ttl interval,
    out o_outcome ledger.outcome[], out o_journal_no bigint[], out o_request_id bigint[], out o_hold uuid[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    select b.o_outcome, b.o_journal_no, b.o_request_id, b.o_hold into o_outcome, o_journal_no, o_request_id, o_hold
      from ledger.post_batch(
           p_operation, array_fill(p_shard, array[cardinality(p_operation)]), p_account, p_epoch, p_balance, p_amount,
           p_scale, p_unit, p_application, p_reference, p_digest, p_earlier, p_hold, p_contra, p_original, p_unlinked,
           p_period, p_code, p_description, p_max_amount, p_hold_ttl) b;
end $$;
comment on function ledger.post_shard is
    'post_batch for requests of one shard. Call it as SELECT o_outcome, … FROM ledger.post_shard(…) and in no other form: '
    'only that is sent to the shard''s node as a whole';
grant execute on function ledger.post_shard to ledgerline_service;
reset role;

select create_distributed_function(
    (select p.oid::regprocedure from pg_proc p where p.oid = 'ledger.post_shard'::regproc),
    distribution_arg_name => 'p_shard', colocate_with => 'ledger.balance', force_delegation => true);
