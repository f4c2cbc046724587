-- What the services read of one account: its balances and its history. By index, whatever the plan was made on.

set local role ledgerline_owner;

create function ledger.balances_of(p_shard smallint, p_account bigint, p_epoch integer)
returns table (balance_type text, unit text, exponent smallint, posted bigint, held bigint, credit_limit bigint,
               available bigint, is_default boolean, priority smallint, expires_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    select b.balance_type, b.unit, b.exponent, b.posted, b.held - h.due, b.credit_limit,
           case when b.expires_at <= clock_timestamp() then 0
                else b.posted - (b.held - h.due) + b.credit_limit end,
           b.balance_no = a.default_balance_no, b.priority, b.expires_at
      from ledger.account a
      left join ledger.balance b on b.shard = a.shard and b.account_id = a.account_id
     cross join lateral (
           select coalesce(sum(l.amount - l.captured), 0)::bigint as due
             from ledger.hold o
             join ledger.hold_leg l on l.shard = o.shard and l.hold_id = o.hold_id and l.balance_no = b.balance_no
            where o.shard = p_shard and o.account_id = p_account and o.state = 'open'
              and o.expires_at <= clock_timestamp()) h
     where a.shard = p_shard and a.account_id = p_account and (a.epoch = p_epoch or p_epoch = 0)
     order by b.balance_no;
end;
comment on function ledger.balances_of is
    'an account''s balances as they stand now, in minor units; holds that are due count as ended. No row: the account''s '
    'addresses changed since that epoch (0: any); a row of nulls: it has no balances';

-- Within an account the journal's numbers are the order of time. The newest of each balance are enough to find the
-- newest of all, and what is older than p_from ends each of them.
create function ledger.history_of(p_shard smallint, p_account bigint, p_epoch integer, p_balance_type text,
                                  p_from timestamptz, p_entries integer)
returns table (balance_type text, exponent smallint, unit text, recorded_at timestamptz, effective_at timestamptz,
               kind ledger.operation, amount bigint, balance_after bigint, application text, reference text, code text,
               description text, journal_no bigint)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    select b.balance_type, b.exponent, b.unit, j.recorded_at, j.effective_at, j.kind, j.amount, j.balance_after, p.name,
           j.reference, j.code, j.description, j.journal_no
      from ledger.account a
      left join ledger.balance b
        on b.shard = a.shard and b.account_id = a.account_id
       and (b.balance_type = p_balance_type or p_balance_type is null)
      left join lateral (
           select x.* from ledger.journal x
            where x.shard = b.shard and x.account_id = b.account_id and x.balance_no = b.balance_no
            order by x.seq desc limit p_entries) j on j.recorded_at >= p_from or p_from is null
      left join ledger.application p on p.application_id = j.application_id
     where a.shard = p_shard and a.account_id = p_account and (a.epoch = p_epoch or p_epoch = 0)
     order by j.journal_no desc nulls last limit greatest(p_entries, 1);
end;
comment on function ledger.history_of is
    'the newest entries of an account (of one balance, or of all), newest first. No row: the account''s addresses changed '
    'since that epoch (0: any); a row without balance_type: no such balance; without journal_no: no entry';

grant execute on function ledger.balances_of, ledger.history_of to ledgerline_service;
reset role;
