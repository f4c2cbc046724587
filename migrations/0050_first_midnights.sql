-- A day begins when its date does. Where the clock goes back over midnight (Havana, the Azores) there are two midnights of
-- one date, and what PostgreSQL takes for the beginning is the second: what was posted between the two counted in the new
-- day and was frozen with the old one, whose month could then never be closed.
--
-- And a reversal finds the rows that it undoes by index, not among all that their balances ever had: with some millions of
-- them a request of that account could not be undone within the time that a statement has.
--
-- And what a call cost is what was taken for it: until now what it was to cost, also where the account had no funds for it
-- when its hold was gone, and nothing where a call by time was charged without its hold.
--
-- Of functions that are long only what is meant changes: each is taken as it is, and must have the one place.

set local role ledgerline_owner;

create function finance.day_begins(p_day date, p_time_zone text default finance.time_zone()) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select case when ((m.last - interval '1 hour') at time zone p_time_zone)::date = p_day then m.last - interval '1 hour'
                else m.last end
      from (select p_day::timestamp at time zone p_time_zone as last) m;
end;
comment on function finance.day_begins is
    'when a day begins, as days are cut: where the clock goes back over midnight, at the first of the two';

create or replace function ledger.last_frozen_day() returns date
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select case when s.to_time = finance.day_begins(s.day + 1, s.time_zone) then s.day else s.day - 1 end
      from ledger.slice s order by s.to_time desc limit 1;
end;

create or replace function ledger.month_end(p_month date) returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(
        (select max(s.to_time) from ledger.slice s
          where s.day < p_month + interval '1 month' and ledger.last_frozen_day() >= p_month + interval '1 month - 1 day'),
        finance.day_begins((p_month + interval '1 month')::date));
end;

create function pg_temp.change(p_function regproc, p_from text, p_to text) returns void
language plpgsql as $$
declare
    v_source constant text := pg_get_functiondef(p_function);
begin
    if cardinality(string_to_array(v_source, p_from)) <> 2 then
        raise exception '% is not what this migration knows', p_function;
    end if;
    execute replace(v_source, p_from, p_to);
end $$;

select pg_temp.change('ledger.freeze_totals', '(v_day + 1)::timestamp at time zone v_zone',
                      'finance.day_begins(v_day + 1, v_zone)');

-- Rows are never younger than their request. On a cluster each shard has its own time, and the request the last one's.
select pg_temp.change('ledger.reverse', E'    select r.request_id, r.legs, r.balance_no, r.group_id into v_of from',
                      $to$    select r.request_id, r.legs, r.balance_no, r.group_id, r.recorded_at,
           not exists (select from ledger.request_leg l
                        where l.shard = r.shard and l.request_id = r.request_id and l.leg_shard <> r.shard) as one_time
      into v_of from$to$);
select pg_temp.change('ledger.reverse',
    $from$              and x.request_id = v_of.request_id and x.group_id is not distinct from v_of.group_id
$from$,
    $to$              and x.seq > case when v_of.one_time then ledger.postings_before(d.shard, d.account_id, d.balance_no,
                                                                              v_of.recorded_at) else 0 end
              and x.seq <= ledger.postings_before(d.shard, d.account_id, d.balance_no,
                                                  v_of.recorded_at + interval '1 microsecond')
              and x.request_id = v_of.request_id and x.group_id is not distinct from v_of.group_id
$to$);

drop function pg_temp.change(regproc, text, text);

create or replace view finance.calls as
select c.created_at, c.owner as requested_by, c.calling as calling_party, c.called as called_party, c.state,
       c.started_at, c.ended_at, c.seconds, c.cause,
       case when c.started_at is not null
            then finance.major(h.captured + coalesce(
                     -- A hold that expired while its server was away is charged for all the same, by a charge of its own.
                     (select r.amount from ledger.request r
                       where r.shard = h.shard and r.account_id = h.account_id and r.application_id = h.application_id
                         and r.operation = 'charge' and r.reference = c.reference), 0), u.exponent) end as charge,
       coalesce(c.unit, h.unit) as unit, substr(c.hold, 5)::uuid as hold_id, c.parties, c.call_id, c.direction
  from ledger.call c
  left join ledger.hold h on h.shard = ('x' || left(c.hold, 4))::bit(16)::integer::smallint
                         and h.hold_id = substr(c.hold, 5)::uuid
  left join ledger.unit u on u.unit = h.unit;
comment on column finance.calls.charge is
    'what was taken for it, once it was connected; of a call by time once it has ended, and 0 before';

grant execute on function finance.day_begins to ledgerline_finance, ledgerline_service;
reset role;
