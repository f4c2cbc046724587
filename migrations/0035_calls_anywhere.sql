-- A request about a call may come to any server: where the one that has the call is, and what the record says when
-- nobody has it any more.

set local role ledgerline_owner;

alter table ledger.call_server add column url text not null default '';
comment on column ledger.call_server.url is 'where other servers ask it about its calls; empty: it has none any more';

-- A server of the release before does not name its URL.
drop function ledger.take_over_calls(text, uuid, interval);
create function ledger.take_over_calls(p_node text, p_incarnation uuid, p_patience interval, p_url text default '')
returns bigint
language plpgsql security definer set search_path = ledger, pg_catalog, pg_temp as $$
declare
    v_silent text[];
    v_taken  bigint;
begin
    insert into ledger.call_server as s (node, incarnation, url) values (p_node, p_incarnation, p_url)
    on conflict (node) do update set incarnation = excluded.incarnation, url = excluded.url, seen_at = clock_timestamp();
    -- Whoever deletes the row has the calls: two that are at it at once do not both find it.
    with silent as (
        delete from ledger.call_server s
         where s.node <> p_node and s.seen_at < clock_timestamp() - p_patience
        returning s.node)
    select coalesce(array_agg(node), '{}') into v_silent from silent;
    if v_silent = '{}' then
        return 0;
    end if;
    -- They are calls of an earlier run of this server from now on.
    update ledger.call c set node = p_node
     where c.node = any (v_silent) and (c.ended_at is null or not c.settled);
    get diagnostics v_taken = row_count;
    return v_taken;
end
$$;
comment on function ledger.take_over_calls is
    'says that this server lives, and takes the unfinished calls of those that have been silent for p_patience; how many';

create function ledger.leave_calls(p_node text, p_incarnation uuid) returns void
language sql security definer set search_path = ledger, pg_catalog, pg_temp as $$
    update ledger.call_server set url = '' where node = p_node and incarnation = p_incarnation
$$;
comment on function ledger.leave_calls is 'says that this server has stopped and knows of no call any more';

create function ledger.call_server_url(p_run text) returns text
language sql stable security definer set search_path = ledger, pg_catalog, pg_temp as $$
    select url from ledger.call_server where starts_with(replace(incarnation::text, '-', ''), p_run) and url <> ''
$$;
comment on function ledger.call_server_url is 'of the server whose incarnation begins with these digits; null: it is gone';

create function ledger.microseconds(p_at timestamptz) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select (extract(epoch from p_at) * 1000000)::bigint
$$;
comment on function ledger.microseconds is 'since 1970';

create function ledger.recorded_call(
    p_call_id text, p_linger interval,
    out owner text, out created_at bigint, out started_at bigint, out ended_at bigint, out cause text,
    out address text, out party_started_at bigint, out party_ended_at bigint, out party_cause text)
returns setof record
language sql stable security definer set search_path = ledger, pg_catalog, pg_temp as $$
    with one as (
        select c.owner, c.created_at, s.started_at, coalesce(c.ended_at, clock_timestamp()) as ended_at,
               coalesce(c.cause, 'aborted') as cause, c.parties
          from ledger.call c
         cross join lateral ledger.call_start(c) s(started_at)
         where c.call_id = p_call_id and c.direction = 'third-party'
           and (c.ended_at is null or c.ended_at > clock_timestamp() - p_linger))
    select o.owner, ledger.microseconds(o.created_at), ledger.microseconds(o.started_at), ledger.microseconds(o.ended_at),
           o.cause, p.party ->> 'address', ledger.microseconds((p.party ->> 'started_at')::timestamptz),
           ledger.microseconds(coalesce((p.party ->> 'ended_at')::timestamptz, o.ended_at)),
           coalesce(p.party ->> 'cause', 'aborted')
      from one o
     cross join lateral jsonb_array_elements(o.parties) with ordinality p(party, i)
     order by p.i
$$;
comment on function ledger.recorded_call is
    'a call that no server has any more, a row each party: as it ended, or as it ends now; nothing p_linger after its end';
grant execute on function ledger.take_over_calls, ledger.leave_calls, ledger.call_server_url, ledger.recorded_call
    to ledgerline_service;
reset role;
