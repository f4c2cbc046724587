-- Spreads the ledger over the nodes of a Citus cluster, after all migrations and before the first posting.
--
-- What carries a shard is distributed by it, colocated with the accounts; what does not is small, and stands on every
-- node. Local stay the logins, the trail, the calls, contacts of telephones, limits and finance's frozen totals: only the
-- coordinator reads and writes them. docs/operations.md says what this has been tried with.

do $$
begin
    if exists (select from pg_dist_partition p where p.logicalrelid = 'ledger.account'::regclass) then
        raise exception 'the ledger is distributed already' using errcode = 'duplicate_object';
    end if;
end $$;

-- Citus cannot plan the parameters of SQL functions, and takes a view that calls one for a circle of dependencies: their
-- bodies become PL/pgSQL's.
do $do$
declare
    f record;
begin
    for f in
        select d.definition, b.body, regexp_replace(b.body, '^BEGIN ATOMIC\s(.*);\s*END$', '\1') as statement,
               case when p.proretset then 'set' when p.prorettype = 'void'::regtype then 'nothing'
                    when o.names is null then 'value' else 'row' end as result,
               o.names, p.prorettype::regtype as type
          from pg_proc p
         cross join lateral (select pg_get_functiondef(p.oid) as definition) d
         cross join lateral (select pg_get_function_sqlbody(p.oid) as body) b
         cross join lateral (select string_agg(u.name, ', ' order by u.i) as names
                               from unnest(p.proargnames, p.proargmodes) with ordinality u(name, mode, i)
                              where u.mode in ('o', 't')) o
         where b.body like 'BEGIN ATOMIC%'
           and p.pronamespace = any ('{ledger,finance,auth,rules,notification,trail}'::regnamespace[])
    loop
        execute replace(replace(f.definition, ' LANGUAGE sql', ' LANGUAGE plpgsql'), f.body,
            'AS $body$' || E'\n#variable_conflict use_column\n' || case f.result
                when 'set' then format(E'begin\nreturn query %s;\nend', f.statement)
                when 'nothing' then format(E'begin\n%s;\nend', f.statement)
                when 'row' then format(E'begin\nfor %s in %s loop\nreturn;\nend loop;\nend', f.names, f.statement)
                else format(E'declare\nv_value %s;\nbegin\nfor v_value in %s loop\nreturn v_value;\nend loop;\nreturn null;\nend',
                            f.type, f.statement)
            end || ' $body$');
    end loop;
end $do$;

set local citus.enable_local_reference_table_foreign_keys = off;
set local citus.multi_shard_modify_mode = 'sequential';  -- foreign keys between the tables of one transaction
set local citus.enable_unsafe_triggers = on;             -- the triggers that refuse changes: they only raise

-- A trigger's statements can't leave the node that it runs on. Nothing here reads what these tell: charges take their turn.
drop trigger balance_told on ledger.balance;
drop trigger balances_told on ledger.account;
update ledger.balance set account_epoch = null, takes_unnamed = false;
alter table ledger.balance alter column room drop default;

-- A key over all shards can't be kept; slots were numbered once, by the first migration.
alter table ledger.shard drop constraint shard_slot_key;

-- Views show them beside what is distributed. Those are made anew for it, without what was said of them.
create temporary table said on commit drop as
select c.relname as name, a.attname as "column", d.description
  from pg_description d
  join pg_class c on c.oid = d.objoid and c.relnamespace = 'finance'::regnamespace
  left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
 where d.classoid = 'pg_class'::regclass;
select citus_add_local_table_to_metadata('ledger.slice', cascade_via_foreign_keys => true);
select citus_add_local_table_to_metadata('ledger.calendar');
select citus_add_local_table_to_metadata('ledger.closed_month');

select create_reference_table('ledger.unit');
select create_reference_table('ledger.domain');
select create_reference_table('ledger.balance_type');
select create_reference_table('ledger.application');
select create_reference_table('ledger.address');
select create_reference_table('ledger.price');
select create_reference_table('ledger.tariff');
select create_reference_table('ledger.voucher_batch');
select create_reference_table('ledger.voucher');

select create_distributed_table('ledger.account', 'shard', colocate_with => 'none', shard_count => 32);
select create_distributed_table('ledger.shard', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.balance', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request_leg', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.request_volume', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.journal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.hold', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.hold_leg', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.contra', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.reversal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.voucher_tries', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.seal', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.archive', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.opening', 'shard', colocate_with => 'ledger.account');
select create_distributed_table('ledger.opening_contra', 'shard', colocate_with => 'ledger.account');

-- Only one shard's row can be locked by one statement.
create or replace function ledger.lock_shards(p_shards smallint[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_shard smallint;
begin
    foreach v_shard in array array(select distinct s from unnest(p_shards) s order by s)
    loop
        perform from ledger.shard s where s.shard = v_shard for update;
    end loop;
end $$;

-- Added up before it is joined with the units, it is one statement for each shard.
create or replace view finance.trial_balance as
select z.unit, finance.major(z.funds + z.overdrafts, u.exponent) as balances, finance.major(z.contra, u.exponent) as contra,
       finance.major(z.funds + z.overdrafts + z.contra, u.exponent) as total, finance.major(z.funds, u.exponent) as funds,
       finance.major(z.overdrafts, u.exponent) as overdrafts
  from (select y.unit, sum(y.funds) as funds, sum(y.overdrafts) as overdrafts, sum(y.contra) as contra
          from (select b.shard, b.unit, greatest(b.posted, 0)::numeric as funds, least(b.posted, 0)::numeric as overdrafts,
                       0::numeric as contra
                  from ledger.balance b
                 union all
                select c.shard, c.unit, 0, 0, c.total from ledger.contra c) y
         group by y.unit) z
  join ledger.unit u on u.unit = z.unit;

-- Nodes ask for the caller's own rights, whoever owns a view: what finance reads comes out of functions. A filter on such
-- a view is applied behind them, so statements read what the view was before.
do $do$
declare
    v record;
begin
    for v in
        select c.relname::text as name, pg_get_viewdef(c.oid) as query,
               string_agg(case when a.attcollation = '"C"'::regcollation then format('%1$I collate "C" as %1$I', a.attname)
                               else format('%I', a.attname) end, ', ' order by a.attnum) as names,
               string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum) as columns
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace = 'finance'::regnamespace and c.relkind = 'v'
         group by c.oid, c.relname
    loop
        execute format('create view ledger.%I as %s', 'finance_' || v.name, v.query);
        execute format('
            create function ledger.%I() returns table (%s)
            language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $body$
            #variable_conflict use_column
            begin
                return query select * from ledger.%I;
            end $body$', 'read_' || v.name, v.columns, 'finance_' || v.name);
        execute format('create or replace view finance.%I as select %s from ledger.%I()', v.name, v.names, 'read_' || v.name);
        execute format('alter view ledger.%I owner to ledgerline_owner', 'finance_' || v.name);
        execute format('alter function ledger.%I() owner to ledgerline_owner', 'read_' || v.name);
        execute format('revoke execute on function ledger.%I() from public', 'read_' || v.name);
        execute format('grant execute on function ledger.%I() to ledgerline_finance, ledgerline_service', 'read_' || v.name);
    end loop;
    for v in select * from pg_temp.said loop
        execute format('comment on %s finance.%I%s is %L', case when v."column" is null then 'view' else 'column' end, v.name,
                       '.' || quote_ident(v."column"), v.description);
    end loop;
    execute replace(pg_get_functiondef('finance.journal_of'::regproc), 'from finance.journal j', 'from ledger.finance_journal j');
end $do$;
grant usage on schema ledger to ledgerline_finance;
grant select on all tables in schema finance to ledgerline_finance, ledgerline_service;

-- A call is sent to the node of its shard by one plain argument, and there each statement has to name that shard. What
-- posts in turn is that, but for its generic plans, which Citus does not make, and for the legs of groups: those lie on
-- the shard of the group. Charges by sets stay at home: one statement writes to several tables, which Citus does not plan.
do $do$
declare
    v_definition text := pg_get_functiondef('ledger.post_in_turn'::regproc);
begin
    v_definition := replace(v_definition, 'ledger.post_in_turn(', 'ledger.post_shard(p_shard smallint, ');
    v_definition := replace(v_definition, ' p_shard smallint[]', ' p_shards smallint[]');
    v_definition := regexp_replace(v_definition, '\n SET plan_cache_mode TO [^\n]*', '');
    v_definition := regexp_replace(v_definition, '\m([a-z]+[.]shard) = (any [(]p_shard[)]|[a-z]+[.]shard|[a-z_]+\[[^]]*\])',
                                   '\1 = p_shard', 'g');
    v_definition := regexp_replace(v_definition, '\mp_shard(?=[[,)])', 'p_shards', 'g');
    v_definition := replace(v_definition, 'if rl > 0 then', 'if rl > 0 and p_group is null then');
    execute v_definition;
end $do$;
comment on function ledger.post_shard is
    'post_batch for requests of one shard. Call it as SELECT o_outcome, … FROM ledger.post_shard(…) and in no other form: '
    'only that is sent to the shard''s node as a whole';
alter function ledger.post_shard owner to ledgerline_owner;
revoke execute on function ledger.post_shard from public;
grant execute on function ledger.post_shard to ledgerline_service;

-- What is not sent to one shard's node as a whole: one such call for each shard, all or nothing for a group.
create or replace function ledger.post_batch(
    p_operation ledger.operation[], p_shard smallint[], p_account bigint[], p_epoch integer[], p_balance text[],
    p_amount bigint[], p_scale smallint[], p_unit text[], p_application integer[], p_reference text[],
    p_digest uuid[], p_earlier integer[], p_hold uuid[], p_contra text[], p_original text[], p_unlinked boolean[],
    p_period integer[], p_code text[], p_description text[], p_max_amount bigint, p_hold_ttl interval,
    p_group uuid default null, p_group_shard smallint default null, p_group_request bigint default null,
    p_effective_at timestamptz default null, p_new boolean default false,
    out o_outcome ledger.outcome[], out o_journal_no bigint[], out o_request_id bigint[], out o_hold uuid[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    n constant integer := cardinality(p_shard);
    v_first integer := 1; v_last integer; v_shard smallint; v_leg smallint := 0; t record; leg record;
begin
    o_outcome := array_fill(null::ledger.outcome, array[n]); o_hold := array_fill(null::uuid, array[n]);
    o_journal_no := array_fill(null::bigint, array[n]); o_request_id := o_journal_no;
    while v_first <= n loop
        v_shard := p_shard[v_first];
        v_last := v_first;
        while p_shard[v_last + 1] = v_shard loop
            v_last := v_last + 1;
        end loop;
        select s.o_outcome, s.o_journal_no, s.o_request_id, s.o_hold into t
          from ledger.post_shard(
               v_shard, p_operation[v_first:v_last], p_shard[v_first:v_last], p_account[v_first:v_last],
               p_epoch[v_first:v_last], p_balance[v_first:v_last], p_amount[v_first:v_last], p_scale[v_first:v_last],
               p_unit[v_first:v_last], p_application[v_first:v_last], p_reference[v_first:v_last],
               p_digest[v_first:v_last],
               array(select e - v_first + 1 from unnest(p_earlier[v_first:v_last]) with ordinality u(e, i) order by u.i),
               p_hold[v_first:v_last], p_contra[v_first:v_last], p_original[v_first:v_last], p_unlinked[v_first:v_last],
               p_period[v_first:v_last], p_code[v_first:v_last], p_description[v_first:v_last], p_max_amount, p_hold_ttl,
               p_group, p_group_shard, p_group_request, p_effective_at) s;
        for i in v_first .. v_last loop
            o_outcome[i] := t.o_outcome[i - v_first + 1]; o_journal_no[i] := t.o_journal_no[i - v_first + 1];
            o_request_id[i] := t.o_request_id[i - v_first + 1]; o_hold[i] := t.o_hold[i - v_first + 1];
        end loop;
        if p_group is not null and 'posted' = all (t.o_outcome) then
            for leg in
                select l.account_id, l.balance_no, abs(l.amount) as amount from ledger.journal l
                 where l.shard = v_shard and l.journal_no >= t.o_journal_no[1] and l.group_id = p_group
                 order by l.journal_no
            loop
                v_leg := v_leg + 1;
                insert into ledger.request_leg (shard, request_id, leg_no, leg_shard, account_id, balance_no, amount)
                values (p_group_shard, p_group_request, v_leg, v_shard, leg.account_id, leg.balance_no, leg.amount);
            end loop;
        end if;
        v_first := v_last + 1;
    end loop;
    if p_group is not null and 'posted' <> any (o_outcome) then
        raise exception 'not all of a group' using errcode = 'LL003';
    end if;
exception
    when sqlstate 'LL003' then
        null;  -- what was posted of it is undone; the outcomes stay, and say why
end $$;

-- What is not sent away runs on the coordinator as this role, which reaches the nodes by itself.
alter role ledgerline_owner login;

select create_distributed_function(
    (select p.oid::regprocedure from pg_proc p where p.oid = 'ledger.post_shard'::regproc),
    distribution_arg_name => 'p_shard', colocate_with => 'ledger.balance', force_delegation => true);
