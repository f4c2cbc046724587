-- What became of a reference: for clients that lost the answer.

set local role ledgerline_owner;

create function ledger.requests_of(p_shard smallint, p_account bigint, p_application text, p_reference text)
returns table (operation ledger.operation, amount bigint, refunded bigint, unit text, exponent smallint,
               recorded_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    with found as (
        -- All operations by name: so each is one probe, however many requests the account has.
        select r.operation, r.amount, r.refunded, r.recorded_at, r.hold_id,
               coalesce(r.balance_no, (select l.balance_no from ledger.request_leg l
                                        where l.shard = r.shard and l.request_id = r.request_id
                                        order by l.leg_no limit 1)) as balance_no
          from ledger.application p
          join ledger.request r
            on r.shard = p_shard and r.account_id = p_account and r.application_id = p.application_id
           and r.operation = any (enum_range(null::ledger.operation)) and r.reference = p_reference
         where p.name = p_application
        union all
        -- A split lies where its reference says; this account's share is its amount here.
        select r.operation, l.amount, 0, r.recorded_at, null, l.balance_no
          from ledger.application p
          join ledger.shard s
            on s.slot = ('x' || left(md5(p.application_id || ' ' || p_reference), 7))::bit(28)::integer
                        % (select count(*) from ledger.shard)
          join ledger.request r
            on r.shard = s.shard and r.account_id = 0 and r.application_id = p.application_id
           and r.operation = 'split' and r.reference = p_reference
          join ledger.request_leg l
            on l.shard = r.shard and l.request_id = r.request_id and l.leg_shard = p_shard and l.account_id = p_account
         where p.name = p_application)
    select f.operation, coalesce(f.amount, 0), f.refunded, u.unit, u.exponent, f.recorded_at
      from found f
      left join ledger.balance b
        on b.shard = p_shard and b.account_id = p_account and b.balance_no = f.balance_no
      left join ledger.hold h on h.shard = p_shard and h.hold_id = f.hold_id
      join ledger.unit u on u.unit = coalesce(b.unit, h.unit)
     order by f.recorded_at, f.operation;
end;
comment on function ledger.requests_of is
    'what an application did to an account under a reference, in the order of time; amounts in minor units';

grant execute on function ledger.requests_of to ledgerline_service;
reset role;
