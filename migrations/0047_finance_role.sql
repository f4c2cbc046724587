-- Who may take which role, and finance's look back: a statement of a time whose journal is archived is an error also where
-- it says only when it ends.

-- `ledgerline psql` and `export` take finance's role, which whoever logged in as the service could not; and the server
-- takes the service's, which an owner of the ledger who is no superuser could not. Where roles may not be granted any more,
-- that is left to a superuser: the ledger itself does without.
do $$
declare
    r record;
begin
    for r in values ('ledgerline_finance', 'ledgerline_service'), ('ledgerline_finance', current_user::text),
                    ('ledgerline_service', current_user::text)
    loop
        continue when r.column1 = r.column2;
        begin
            execute format('grant %I to %I', r.column1, r.column2);
        exception when insufficient_privilege or invalid_grant_operation then
            raise warning 'this is left to a superuser: grant % to %', r.column1, r.column2;
        end;
    end loop;
end $$;

set local role ledgerline_owner;

-- Of functions that are long only what is meant changes: each is taken as it is, and must have the one place.
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

select pg_temp.change('finance.journal_of',
    $from$        if p_from > '-infinity' then
            perform ledger.refuse_archived_of(h.shard, h.account_id, h.from_time);
        end if;
$from$,
    $to$        -- Without a first time it begins behind the archive: what ends before that has no row here.
        perform ledger.refuse_archived_of(h.shard, h.account_id, case when p_from > '-infinity' then h.from_time
                                                                      else p_to - interval '1 microsecond' end);
$to$);
select pg_temp.change('finance.opening_of',
    E'        perform ledger.refuse_archived_of(h.shard, h.account_id, h.from_time);\n',
    E'        perform ledger.refuse_archived_of(h.shard, h.account_id, least(h.from_time, p_to - interval ''1 microsecond''));\n');
comment on function finance.journal_of(text, timestamptz, timestamptz) is
    'the rows of finance.journal that a statement is made of: of the account that held the address at that time, recorded '
    'from p_from on (null: from the first one that is not archived) and before p_to (null: no such bound), in the order in '
    'which they were booked. An error where p_from, or without it all until p_to, lies in what is archived';
comment on function finance.opening_of(text, timestamptz, timestamptz) is
    'what a statement from p_from on (null: from what is archived on, or since the address was given) begins with: address '
    '(the account''s first one), balance_type, unit, amount, as_of; balances that began with nothing are not listed. An '
    'error where p_from, or without it all until p_to, lies in what is archived';

drop function pg_temp.change(regproc, text, text);
reset role;
