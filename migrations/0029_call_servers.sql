-- Servers that make calls say that they live; the calls of one that is silent are taken over by another.

set local role ledgerline_owner;

create table ledger.call_server (
    node        text        collate "C" primary key,
    incarnation uuid        not null,
    seen_at     timestamptz not null default clock_timestamp()
);
comment on table ledger.call_server is 'servers that make calls, as long as they say so; a clean stop leaves its row until others miss it';
comment on column ledger.call_server.node is 'as in ledger.call';

create function ledger.take_over_calls(p_node text, p_incarnation uuid, p_patience interval) returns bigint
language plpgsql security definer set search_path = ledger, pg_catalog, pg_temp as $$
declare
    v_silent text[];
    v_taken  bigint;
begin
    insert into ledger.call_server as s (node, incarnation) values (p_node, p_incarnation)
    on conflict (node) do update set incarnation = excluded.incarnation, seen_at = clock_timestamp();
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
grant execute on function ledger.take_over_calls to ledgerline_service;
reset role;
