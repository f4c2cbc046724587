-- A volume that was free, or a part of one that cost nothing more, is given back as it was charged: for nothing.
--
-- Nothing else of the function changes: it is taken as it is, and must have the one place that is meant.

set local role ledgerline_owner;

do $$
declare
    c_before constant text := 'if o_outcome = ''not_positive'' and not v_known then';
    c_after constant text :=
        'if (o_outcome = ''not_positive'' or o_outcome = ''unknown_balance'' and v_charge.legs = 0) and not v_known then';
    v_source constant text := pg_get_functiondef('ledger.post_volume'::regproc);
begin
    if cardinality(string_to_array(v_source, c_before)) <> 2 then
        raise exception 'ledger.post_volume is not what this migration knows';
    end if;
    execute replace(v_source, c_before, c_after);
end $$;

reset role;
