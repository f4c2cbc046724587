-- What a server needs that starts after one was killed: the dialogs of its calls, and the keys of their charges.

set local role ledgerline_owner;

alter table ledger.call
    add node        text collate "C",
    add incarnation uuid,
    add dialogs     jsonb not null default '[]',
    add settled     boolean not null default true,
    add reference   text collate "C",
    add description text,
    add code        text;
comment on column ledger.call.node is 'the server that has the call; one name is of one running server at a time';
comment on column ledger.call.incarnation is 'which run of that server';
comment on column ledger.call.dialogs is 'of the parties that are there: opaque, for whoever has to end them';
comment on column ledger.call.settled is 'no charge of it is to be posted any more';
comment on column ledger.call.reference is 'the key of its postings';
create index call_unfinished on ledger.call (node) where ended_at is null or not settled;

drop function ledger.record_calls(jsonb);
create function ledger.record_calls(p_calls jsonb, p_settled text[], p_node text, p_incarnation uuid) returns void
language sql security definer set search_path = ledger, pg_catalog, pg_temp as $$
    insert into ledger.call as c (call_id, owner, calling, called, parties, state, created_at, started_at, ended_at,
                                  seconds, cause, hold, amount, unit, node, incarnation, dialogs, settled, reference,
                                  description, code)
    select r.call_id, r.owner, r.calling, r.called, r.parties, r.state, r.created_at, r.started_at, r.ended_at,
           r.seconds, r.cause, r.hold, r.amount, r.unit, p_node, p_incarnation, r.dialogs, r.hold is null,
           r.reference, r.description, r.code
      from jsonb_to_recordset(p_calls) r(call_id text, owner text, calling text, called text, parties jsonb, state text,
                                         created_at timestamptz, started_at timestamptz, ended_at timestamptz,
                                         seconds bigint, cause text, hold text, amount numeric, unit text,
                                         dialogs jsonb, reference text, description text, code text)
    on conflict (call_id) do update
       set called = excluded.called, parties = excluded.parties, state = excluded.state,
           started_at = excluded.started_at, ended_at = excluded.ended_at, seconds = excluded.seconds,
           cause = excluded.cause, dialogs = excluded.dialogs, recorded_at = clock_timestamp()
     -- A batch that is sent again after its answer was lost does not take an ended call back.
     where c.ended_at is null;
    update ledger.call set settled = true where call_id = any (p_settled);
$$;
comment on function ledger.record_calls is
    'writes call records, each as it is now, and whose charges are posted; a call is in a batch once';

-- Calls of earlier runs of this server. Those of no server are older than this migration.
create function ledger.lost_dialogs(p_node text, p_incarnation uuid) returns setof text
language sql stable security definer set search_path = ledger, pg_catalog, pg_temp as $$
    select d.dialog
      from ledger.call c
     cross join lateral jsonb_array_elements_text(c.dialogs) d(dialog)
     where (c.node = p_node or c.node is null) and c.incarnation is distinct from p_incarnation and c.ended_at is null
$$;
comment on function ledger.lost_dialogs is 'the dialogs that earlier runs of a server left';

-- A call is connected when the second of two parties has answered: its server writes that before it lets them talk,
-- and charges after it has.
create function ledger.call_start(p_call ledger.call) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_call.started_at,
                    (select max((p.party ->> 'started_at')::timestamptz)
                       from jsonb_array_elements(p_call.parties) p(party)
                      where p_call.ended_at is null and p.party ? 'started_at' and not p.party ? 'ended_at'
                     having count(*) > 1))
$$;
comment on function ledger.call_start is 'when two parties of a call were connected, also where its server did not come to say so';

create function ledger.lost_calls(
    p_node text, p_incarnation uuid,
    out call_id text, out answered boolean, out seconds bigint, out hold text, out amount numeric, out unit text,
    out reference text, out description text, out code text)
returns setof record
language sql stable security definer set search_path = ledger, pg_catalog, pg_temp as $$
    select c.call_id, s.started_at is not null,
           -- Nobody knows when the parties hung up: no more than what was held for.
           least(ceil(extract(epoch from coalesce(c.ended_at, clock_timestamp()) - s.started_at)), h.volume)::bigint,
           case when not c.settled then c.hold end, c.amount, c.unit, c.reference, c.description, c.code
      from ledger.call c
     cross join lateral ledger.call_start(c) s(started_at)
      left join ledger.hold h on h.shard = ('x' || left(c.hold, 4))::bit(16)::integer::smallint
                             and h.hold_id = substr(c.hold, 5)::uuid
     where (c.node = p_node or c.node is null) and c.incarnation is distinct from p_incarnation
       and (c.ended_at is null or not c.settled)
$$;
comment on function ledger.lost_calls is
    'calls that earlier runs of a server left without an end or a charge; hold: what is to be charged or given back';

create function ledger.close_lost_call(p_call_id text) returns void
language sql security definer set search_path = ledger, pg_catalog, pg_temp as $$
    update ledger.call c
       set state = 'terminated', started_at = s.started_at, ended_at = coalesce(c.ended_at, n.at),
           seconds = coalesce(c.seconds, round(extract(epoch from n.at - s.started_at)), 0),
           cause = coalesce(c.cause, 'aborted'), settled = true, dialogs = '[]', recorded_at = n.at,
           parties = (select jsonb_agg(case when p.party ? 'ended_at' then p.party
                                            else p.party || jsonb_build_object(
                                                     'state', 'terminated', 'cause', 'aborted', 'ended_at',
                                                     to_char(n.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'))
                                       end order by p.i)
                        from jsonb_array_elements(c.parties) with ordinality p(party, i))
      from (select clock_timestamp() as at) n, ledger.call o, ledger.call_start(o) s(started_at)
     where c.call_id = p_call_id and o.call_id = c.call_id
$$;
comment on function ledger.close_lost_call is 'ends the record of a call whose server is gone, once its charge is posted';
grant execute on function ledger.record_calls, ledger.lost_dialogs, ledger.lost_calls, ledger.close_lost_call
    to ledgerline_service;
comment on column finance.calls.ended_at is
    'when it ended; null: it has not, or its server stopped before it could say so and has not started again';
reset role;
