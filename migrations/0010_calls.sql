-- Call records: one row a call, written again at each change of its state.

set local role ledgerline_owner;

create table ledger.call (
    call_id      text        collate "C" primary key,
    owner        text        collate "C" not null,
    calling      text        collate "C" not null,
    called       text        collate "C",
    parties      jsonb       not null,
    state        text        not null check (state in ('initial', 'connected', 'terminated')),
    created_at   timestamptz not null,
    started_at   timestamptz,
    ended_at     timestamptz,
    seconds      bigint,
    cause        text,
    hold         text        collate "C",
    amount       numeric,
    unit         text        collate "C",
    recorded_at  timestamptz not null default clock_timestamp()
);
comment on table ledger.call is 'call records; times are the recording server''s';
create index on ledger.call (created_at);

create function ledger.record_calls(p_calls jsonb) returns void
language sql security definer set search_path = ledger, pg_catalog, pg_temp as $$
    insert into ledger.call as c (call_id, owner, calling, called, parties, state, created_at, started_at, ended_at,
                                  seconds, cause, hold, amount, unit)
    select r.call_id, r.owner, r.calling, r.called, r.parties, r.state, r.created_at, r.started_at, r.ended_at,
           r.seconds, r.cause, r.hold, r.amount, r.unit
      from jsonb_to_recordset(p_calls) r(call_id text, owner text, calling text, called text, parties jsonb, state text,
                                         created_at timestamptz, started_at timestamptz, ended_at timestamptz,
                                         seconds bigint, cause text, hold text, amount numeric, unit text)
    on conflict (call_id) do update
       set called = excluded.called, parties = excluded.parties, state = excluded.state,
           started_at = excluded.started_at, ended_at = excluded.ended_at, seconds = excluded.seconds,
           cause = excluded.cause, recorded_at = clock_timestamp()
     -- A batch that is sent again after its answer was lost does not take an ended call back.
     where c.ended_at is null;
$$;
comment on function ledger.record_calls is 'writes call records, each as it is now; a call is in a batch once';
grant execute on function ledger.record_calls to ledgerline_service;

create view finance.calls as
select c.created_at, c.owner as requested_by, c.calling as calling_party, c.called as called_party, c.state,
       c.started_at, c.ended_at, c.seconds, c.cause,
       case when c.started_at is not null then c.amount end as charge, c.unit,
       substr(c.hold, 5)::uuid as hold_id, c.parties, c.call_id
  from ledger.call c;
comment on view finance.calls is 'every call that was asked for, as it is now';
comment on column finance.calls.created_at is 'when it was asked for';
comment on column finance.calls.requested_by is 'the user who asked for it';
comment on column finance.calls.calling_party is 'the address that was called first';
comment on column finance.calls.called_party is 'the address that it was connected to';
comment on column finance.calls.state is 'initial, connected or terminated';
comment on column finance.calls.started_at is 'when two parties were connected; null: they never were';
comment on column finance.calls.ended_at is 'when it ended; null: it has not, or its server stopped before it could say so';
comment on column finance.calls.seconds is 'how long it was connected, once ended';
comment on column finance.calls.cause is 'why it ended: no-answer, busy, not-reachable, hang-up or aborted';
comment on column finance.calls.charge is 'what it cost, once it was connected';
comment on column finance.calls.unit is 'the unit of the charge; null: the balance''s own';
comment on column finance.calls.hold_id is 'the hold that it was charged from, as in finance.journal and finance.holds';
comment on column finance.calls.parties is 'every party: address, state, times and cause';
comment on column finance.calls.call_id is 'the callIdentifier';
grant select on finance.calls to ledgerline_finance, ledgerline_service;
reset role;
