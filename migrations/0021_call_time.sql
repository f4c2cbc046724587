-- Calls that are paid by time: what they cost stands with their hold.

set local role ledgerline_owner;
create or replace view finance.calls as
select c.created_at, c.owner as requested_by, c.calling as calling_party, c.called as called_party, c.state,
       c.started_at, c.ended_at, c.seconds, c.cause,
       case when c.started_at is null then null
            when h.volume is not null then finance.major(h.captured, u.exponent)
            else coalesce(round(c.amount, u.exponent), c.amount) end as charge,
       coalesce(c.unit, h.unit) as unit, substr(c.hold, 5)::uuid as hold_id, c.parties, c.call_id
  from ledger.call c
  left join ledger.hold h on h.shard = ('x' || left(c.hold, 4))::bit(16)::integer::smallint
                         and h.hold_id = substr(c.hold, 5)::uuid
  left join ledger.unit u on u.unit = h.unit;
comment on column finance.calls.charge is 'what it cost, once it was connected; by time: once it has ended, and 0 before';
comment on column finance.calls.unit is 'the unit of the charge';
reset role;
