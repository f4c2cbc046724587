-- Archiving a month takes all that is older with it, so whatever of that was posted must have been closed. Until now an open
-- month went along unseen: its trial balance could not be had any more, and whoever closed it then was told that the journal
-- differs from the frozen totals, as if somebody had changed it.
--
-- Nothing else of these functions changes: each is taken as it is, and must have the one place.

set local role ledgerline_owner;

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

-- All that is before a closed month is frozen: by its totals it is known where something was posted.
select pg_temp.change('ledger.archive_month', E'v_wrong record;\n', E'v_wrong record; v_open date;\n');
select pg_temp.change('ledger.archive_month',
    E'    if exists (select from ledger.journal j where j.recorded_at < v_until\n',
    $to$    v_open := (select min(t.day) from ledger.slice_total t
                where t.day < p_month and t.to_time > coalesce((select max(a.until) from ledger.archive a), '-infinity')
                  and not exists (select from ledger.closed_month c
                                   where c.month = date_trunc('month', t.day::timestamp)::date));
    if v_open is not null then
        raise exception '% is not closed, and would be archived with it', to_char(v_open, 'YYYY-MM')
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    if exists (select from ledger.journal j where j.recorded_at < v_until
$to$);

select pg_temp.change('ledger.close_month',
    E'    -- The frozen sums against the journal, once more, slice by slice.\n',
    $to$    if v_to <= (select max(a.until) from ledger.archive a) then
        raise exception 'the journal of this month is archived: it can''t be closed any more'
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    -- The frozen sums against the journal, once more, slice by slice.
$to$);

drop function pg_temp.change(regproc, text, text);
reset role;
