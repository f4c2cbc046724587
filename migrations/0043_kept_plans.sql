-- What is asked with every request keeps its plan.
--
-- PostgreSQL plans a function in SQL anew each time that it is called, unless it can put the function's query into
-- the caller's, and it can't where the function has settings or its owner's rights. To find an account, to read
-- balances or a history, to set up and to record a call took half a millisecond each so, four fifths of it for the
-- plan. The same queries in PL/pgSQL are planned once a session. As in 0003_posting.sql the plans are generic and the
-- planner may not scan: what it makes of empty tables must be good for large ones.

set local role ledgerline_owner;

do $$
declare
    f record;
    v_setting text;
begin
    for f in
        select p.oid::regprocedure as signature,
               p.prorettype = 'void'::regtype as returns_nothing, p.proretset as returns_set,
               regexp_replace(pg_get_functiondef(p.oid), '\n(AS \$function\$|BEGIN ATOMIC).*$', '') as head,
               coalesce(regexp_replace(pg_get_function_sqlbody(p.oid), '^BEGIN ATOMIC\s+(.*);\s+END$', '\1'),
                        rtrim(p.prosrc, E' \n;')) as query
          from unnest('{ledger.find_accounts, ledger.balances_of, ledger.history_of, ledger.requests_of,
                        ledger.select_tariff, ledger.price_of, ledger.split_shard,
                        auth.is_disabled, auth.disabled_addresses, ledger.bindings, rules.load, notification.rules_of,
                        ledger.record_calls, ledger.recorded_call, ledger.taken_calls}'::regproc[]) name
          join pg_proc p on p.oid = name
    loop
        execute replace(f.head, ' LANGUAGE sql', ' LANGUAGE plpgsql') || E'\nAS '
            || quote_literal(E'\n#variable_conflict use_column\nbegin\n'
                             || case when f.returns_nothing then f.query
                                     when f.returns_set then 'return query ' || f.query
                                     else 'return (' || f.query || ')' end
                             || E';\nend\n');
        foreach v_setting in array
            '{enable_seqscan = off, enable_bitmapscan = off, enable_hashjoin = off, enable_mergejoin = off, jit = off,
              plan_cache_mode = force_generic_plan}'::text[]
        loop
            execute format('alter function %s set %s', f.signature, v_setting);
        end loop;
    end loop;
end $$;

reset role;
