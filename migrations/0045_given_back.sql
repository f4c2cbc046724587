-- An address that its account gives up is no login's own any more. Until now whoever had it before saw the balances
-- and the history of the account that got it next, registered telephones under it and called at that account's cost.
--
-- And four of what is given back: a refund counts in the unit of what it gives back, not of the account's default
-- balance; the reversal of a reversal counts with whom the money was earned by, as the first one did; what was reserved
-- on another day leaves the limits of that day when it is refunded; and any number of refunds of one charge go in one
-- batch. One at a time, with the others taking up the batch's room meanwhile, some hundreds of them kept all that a lane
-- posts waiting for seconds. (A refund and its charge still come apart.)
--
-- And of what gives itself back: holds that are due end piece by piece, however many there are.
--
-- Of functions that are long only what is meant changes: each is taken as it is, and must have the one place.

set local role ledgerline_owner;

create function auth.disown(p_address text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    delete from auth.principal_address o where o.address = p_address;
end;
comment on function auth.disown is 'takes an address from all logins; the trail tells of each';

create function auth.set_address(p_domain text, p_name text, p_address text, p_own boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    select p.principal_id into v_id from auth.principal p where p.domain = p_domain and p.name = p_name;
    if v_id is null then
        return false;
    end if;
    if not p_own then
        delete from auth.principal_address o where o.principal_id = v_id and o.address = p_address;
        return found;
    end if;
    insert into auth.principal_address (principal_id, address) values (v_id, p_address) on conflict do nothing;
    return true;
end $$;
comment on function auth.set_address is
    'gives a subscriber''s login an address of its own, or takes it away; false: no such login, or it had none';

-- Which unit an amount is in that names none: its hold's, that of what is given back, or its balance's. Null: posting
-- tells what is missing.
create function ledger.unit_meant(p_operation ledger.operation, p_shard smallint, p_account bigint,
                                  p_application integer, p_reference text, p_original text, p_hold uuid, p_balance text)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_unit text;
begin
    if p_hold is not null then
        select h.unit into v_unit from ledger.hold h where h.shard = p_shard and h.hold_id = p_hold;
    elsif p_operation = 'refund' then
        select b.unit into v_unit
          from (select coalesce(r.balance_no, l.balance_no) as balance_no
                  from ledger.request r
                  left join ledger.request_leg l
                         on l.shard = r.shard and l.request_id = r.request_id and l.leg_no = 1
                 where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
                   and r.operation in ('charge', 'capture', 'split') and r.reference = coalesce(p_original, p_reference)
                 order by r.operation limit 1) c
          join ledger.balance b on b.shard = p_shard and b.account_id = p_account and b.balance_no = c.balance_no;
    end if;
    return coalesce(v_unit, (select b.unit
                               from ledger.account a
                               join ledger.balance b on b.shard = a.shard and b.account_id = a.account_id
                                and (b.balance_type = p_balance
                                     or p_balance is null and b.balance_no = a.default_balance_no)
                              where a.shard = p_shard and a.account_id = p_account));
end $$;
comment on function ledger.unit_meant is
    'the unit of an amount that names none: of its hold, of what it gives back, of its balance; null: there is none';

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

select pg_temp.change('ledger.release_address',
    E'    perform pg_notify(''ledger_address'', p_address);\n',
    E'    perform pg_notify(''ledger_address'', p_address);\n    perform auth.disown(p_address);\n');

select pg_temp.change('ledger.close_account',
    E'    perform pg_notify(''ledger_address'', a.address)\n',
    E'    perform pg_notify(''ledger_address'', a.address), auth.disown(a.address)\n');

select pg_temp.change('ledger.code_price',
    $from$    select a.domain, coalesce(p_unit, h.unit, b.unit) into v_domain, v_unit
      from ledger.account a
      left join ledger.hold h on h.shard = p_shard and h.hold_id = p_hold
      left join ledger.balance b on b.shard = p_shard and b.account_id = p_account
       and (b.balance_type = p_balance or p_balance is null and b.balance_no = a.default_balance_no)
     where a.shard = p_shard and a.account_id = p_account;
$from$,
    $to$    select a.domain, coalesce(p_unit, ledger.unit_meant(p_operation, p_shard, p_account, p_application,
                                                                p_reference, p_original, p_hold, p_balance))
      into v_domain, v_unit
      from ledger.account a
     where a.shard = p_shard and a.account_id = p_account;
$to$);

select pg_temp.change('ledger.reverse',
    E'        select distinct leg_shard, r.group_id, p_of, p_shard, v_of.request_id\n',
    $to$        select distinct leg_shard, r.group_id,
               coalesce((select x.of_application_id from ledger.reversal x
                          where p_operation = 'reversal' and x.shard = leg_shard and x.group_id = v_of.group_id), p_of),
               p_shard, v_of.request_id
$to$);

-- A second refund of a charge adds to what the first one of the batch has noted.
select pg_temp.change('ledger.post_in_turn', E' rf_amount bigint[]; rf integer := 0;\n',
                      E' rf_amount bigint[]; rf integer := 0;\n    rf_id bigint[]; rf_at integer;\n');
select pg_temp.change('ledger.post_in_turn', E'        elsif r.original_id is not null then\n',
    $to$        elsif r.original_id is not null then
            -- Numbers of requests are each shard's own.
            rf_at := array_position(rf_id, r.original_id);
            while p_shard[rf_op[rf_at]] <> p_shard[i] loop
                rf_at := array_position(rf_id, r.original_id, rf_at + 1);
            end loop;
            if rf_at is not null then
                r.refunded := r.refunded + rf_amount[rf_at]; r.refundable := r.refundable - rf_amount[rf_at];
            end if;
$to$);
select pg_temp.change('ledger.post_in_turn',
    E'                rf := rf + 1; rf_op[rf] := i; rf_operation[rf] := r.original_operation;\n',
    $to$                if rf_at is null then
                    rf := rf + 1; rf_at := rf;
                    rf_op[rf] := i; rf_operation[rf] := r.original_operation; rf_id[rf] := r.original_id;
                    rf_amount[rf] := 0;
                end if;
                rf_amount[rf_at] := rf_amount[rf_at] + a;
$to$);
select pg_temp.change('ledger.post_in_turn',
    E'        if v_op = ''refund'' and r.original_id is not null then rf_amount[rf] := a; end if;\n', '');
select pg_temp.change('ledger.post_in_turn',
    'post_batch: two refunds of one charge in a batch'' using errcode = ''data_exception''',
    'post_batch: a charge that is refunded is gone'' using errcode = ''data_corrupted''');

-- What was reserved counted on the day of that, so that is where it counts no more when its capture is refunded; in the
-- day of the capture it would make room for what was never taken in it.
select pg_temp.change('ledger.count_requests',
    E'                    select c.recorded_at at time zone finance.time_zone() into v_before\n',
    E'                    select coalesce(h.placed_at, c.recorded_at) at time zone finance.time_zone() into v_before\n');
select pg_temp.change('ledger.count_requests',
    E'                      from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of\n',
    $to$                      from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of
                      left join ledger.hold h on h.shard = c.shard and h.hold_id = c.hold_id
$to$);

-- Holds that are due end in pieces of so many. All of an account's at once, a million of them (a busy account, and a
-- server that was away for long) took longer than a statement may, was rolled back and tried again for ever, with the
-- shard's lock in hand; and the sweeps of other shards never came. What is due and not yet ended can't be used.
create function ledger.holds_at_once() returns integer
language sql immutable parallel safe
return 10000;
comment on function ledger.holds_at_once is 'how many holds end in one piece of work';

select pg_temp.change('ledger.expire_holds',
    $from$           set state = 'expired', ended_at = h.expires_at
         where h.shard = p_shard and h.account_id = p_account and h.state = 'open' and h.expires_at <= p_at
$from$,
    $to$           set state = 'expired', ended_at = h.expires_at
          from (select x.hold_id from ledger.hold x
                 where x.shard = p_shard and x.account_id = p_account and x.state = 'open' and x.expires_at <= p_at
                 order by x.expires_at limit ledger.holds_at_once()) d
         where h.shard = p_shard and h.hold_id = d.hold_id
$to$);
select pg_temp.change('ledger.sweep_holds',
    E'        v_ended := v_ended + ledger.expire_holds(p_shard, v_account, v_at);\n',
    E'        v_ended := v_ended + ledger.expire_holds(p_shard, v_account, v_at);\n'
    '        exit when v_ended >= ledger.holds_at_once();\n');
select pg_temp.change('ledger.post_in_turn', E'               or h_state[h] <> ''open'' then\n',
                      E'               or h_state[h] <> ''open'' or h_expires[h] <= v_at then\n');
select pg_temp.change('ledger.close_account', E'    perform ledger.expire_holds(p_shard, p_account, v_at);\n',
                      E'    while ledger.expire_holds(p_shard, p_account, v_at) > 0 loop null; end loop;\n');
comment on function ledger.expire_holds is
    'ends due holds of an account, a piece of them, and gives back what they held; how many';

drop function pg_temp.change(regproc, text, text);

-- Of logins that there are: what was given up since they were made, and did not come back to the same account, is
-- theirs no more.
delete from auth.principal_address o
 using auth.principal p
 where p.principal_id = o.principal_id
   and exists (select from ledger.address h
                where h.address = o.address and h.until > p.created_at
                  and not exists (select from ledger.address c
                                   where c.address = h.address and c.until is null and c.account_id = h.account_id));

grant execute on function auth.set_address, ledger.unit_meant to ledgerline_service;
reset role;
