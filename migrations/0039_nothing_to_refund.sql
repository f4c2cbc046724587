-- A refund by amount of a volume that was free is beyond what was charged; that it names no balance is not the reason.
-- (For nothing, as a refund of the volume itself asks, post_volume knows the answer: 0037.)
--
-- Nothing else of the function changes: it is taken as it is, and must have the one place that is meant.

set local role ledgerline_owner;

do $$
declare
    c_place constant text := E'        elsif r.original_id is not null then\n';
    c_check constant text :=
        E'            if r.original_legs = 0 and p_amount[i] > 0 then o_outcome[i] := ''beyond_charge''; continue; end if;\n';
    v_source constant text := pg_get_functiondef('ledger.post_in_turn'::regproc);
begin
    if cardinality(string_to_array(v_source, c_place)) <> 2 then
        raise exception 'ledger.post_in_turn is not what this migration knows';
    end if;
    execute replace(v_source, c_place, c_place || c_check);
end $$;

reset role;
