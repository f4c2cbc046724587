-- What finance may do, and one of the things that it sees.

-- It reads, and nothing else: what PostgreSQL lets everybody do by default could fill the disk that the ledger posts to.
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

-- A hold that is due is expired, swept or not; when it ended is known as well.
set local role ledgerline_owner;
create or replace view finance.holds as
select a.address, h.unit, finance.major(h.amount, u.exponent) as amount,
       finance.major(h.captured, u.exponent) as captured,
       finance.major(case when h.state = 'open' and h.expires_at > clock_timestamp()
                          then h.amount - h.captured else 0 end, u.exponent) as held,
       case when h.state = 'open' and h.expires_at <= clock_timestamp() then 'expired' else h.state::text end as state,
       array(select b.balance_type from ledger.hold_leg l
               join ledger.balance b on b.shard = l.shard and b.account_id = h.account_id
                                    and b.balance_no = l.balance_no
              where l.shard = h.shard and l.hold_id = h.hold_id order by l.leg_no) as balance_types,
       p.name as application, h.description, h.placed_at, h.expires_at,
       case when h.state = 'open' and h.expires_at <= clock_timestamp() then h.expires_at else h.ended_at end as ended_at,
       h.hold_id, h.shard, h.account_id
  from ledger.hold h
  join ledger.account a on a.shard = h.shard and a.account_id = h.account_id
  join ledger.unit u on u.unit = h.unit
  join ledger.application p on p.application_id = h.application_id;
reset role;
