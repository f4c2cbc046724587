-- A server that was silent for longer than the others wait finds its calls taken, and by now perhaps closed: it must
-- hear of that, or it would go on with them.

set local role ledgerline_owner;

create function ledger.call_heartbeat(p_node text, p_incarnation uuid, p_patience interval, p_url text,
                                      out taken bigint, out missed boolean)
language plpgsql security definer set search_path = ledger, pg_catalog, pg_temp as $$
begin
    -- Locked: nobody misses it between the look and the sign of life.
    perform from ledger.call_server where node = p_node and incarnation = p_incarnation for update;
    missed := not found;
    taken := ledger.take_over_calls(p_node, p_incarnation, p_patience, p_url);
end
$$;
comment on function ledger.call_heartbeat is
    'take_over_calls; missed: others did not know that this server lives, and may have taken its calls';

create function ledger.taken_calls(p_node text, p_calls text[]) returns setof text
language sql stable security definer set search_path = ledger, pg_catalog, pg_temp as $$
    select call_id from ledger.call where call_id = any (p_calls) and node is distinct from p_node
$$;
comment on function ledger.taken_calls is 'those of these calls that other servers than this one end, or have ended';
grant execute on function ledger.call_heartbeat, ledger.taken_calls to ledgerline_service;
reset role;
