-- A reversal that is sent again is answered as it was, also when the rows that it undid have been archived meanwhile:
-- they were looked for before its own key was.

set local role ledgerline_owner;

create or replace function ledger.reverse(
    p_shard smallint, p_account bigint, p_by integer, p_of integer, p_operation ledger.operation, p_reference text,
    p_reversal_reference text, p_digest uuid, p_description text, p_max_amount bigint,
    out o_outcome ledger.outcome, out o_leg integer, out o_request_id bigint, out o_journal_no bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_of record; v_legs record; v_known boolean;
begin
    -- A reversal that is known gets its first answer, were what it undid archived since.
    select r.request_id, r.journal_no into o_request_id, o_journal_no
      from ledger.request r
     where r.shard = p_shard and r.account_id = p_account and r.application_id = p_by and r.operation = 'reversal'
       and r.reference = p_reversal_reference and r.digest = p_digest;
    if found then
        o_outcome := 'replayed';
        return;
    end if;
    -- The legs never change; their shards are locked before what is decided upon is read.
    select r.request_id, r.legs, r.balance_no, r.group_id into v_of from ledger.request r
     where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of and r.operation = p_operation
       and r.reference = p_reference;
    if not found or v_of.legs = 0 then
        o_outcome := 'unknown_charge';
        return;
    end if;
    select array_agg(j.shard order by j.shard, j.journal_no) as shards,
           array_agg(j.account_id order by j.shard, j.journal_no) as accounts,
           array_agg(b.balance_type order by j.shard, j.journal_no) as balances,
           array_agg(b.exponent order by j.shard, j.journal_no) as scales,
           array_agg(-j.amount order by j.shard, j.journal_no) as amounts,
           array_agg(j.contra order by j.shard, j.journal_no) as contras
      into v_legs
      from (select l.leg_shard as shard, l.account_id, l.balance_no from ledger.request_leg l
             where l.shard = p_shard and l.request_id = v_of.request_id
             union
            select p_shard, p_account, v_of.balance_no where v_of.balance_no is not null) d
     cross join lateral (
           select x.* from ledger.journal x
            where x.shard = d.shard and x.account_id = d.account_id and x.balance_no = d.balance_no
              and x.request_id = v_of.request_id and x.group_id is not distinct from v_of.group_id
           offset 0) j
     cross join lateral (
           select x.balance_type, x.exponent from ledger.balance x
            where x.shard = d.shard and x.account_id = d.account_id and x.balance_no = d.balance_no offset 0) b;
    -- Legs that are archived can't be undone, and those that are not must not be undone without them.
    if cardinality(v_legs.shards) is distinct from v_of.legs::integer then
        o_outcome := 'unknown_charge';
        return;
    end if;
    perform ledger.lock_shards(v_legs.shards || p_shard);
    v_known := exists (select from ledger.request r
                        where r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                          and r.operation = 'reversal' and r.reference = p_reversal_reference);
    perform from ledger.request r
      where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of and r.operation = p_operation
        and r.reference = p_reference and r.refunded = 0;
    if not found and not v_known then
        o_outcome := 'beyond_charge';
        return;
    end if;
    select g.o_outcome, g.o_leg, g.o_request_id, g.o_journal_no into o_outcome, o_leg, o_request_id, o_journal_no
      from ledger.post_group('reversal', p_shard, p_account, p_by, p_reversal_reference, p_digest, v_legs.shards,
               v_legs.accounts, null, v_legs.balances, v_legs.amounts, v_legs.scales, null, v_legs.contras, null,
               p_description, null, p_max_amount) g;
    if o_outcome = 'posted' then
        update ledger.request r set refunded = r.amount
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_of
           and r.operation = p_operation and r.reference = p_reference;
        insert into ledger.reversal (shard, group_id, of_application_id, of_shard, of_request_id)
        select distinct leg_shard, r.group_id, p_of, p_shard, v_of.request_id
          from unnest(v_legs.shards) leg_shard
          join ledger.request r on r.shard = p_shard and r.account_id = p_account and r.application_id = p_by
                               and r.operation = 'reversal' and r.reference = p_reversal_reference;
    end if;
end $$;

reset role;
