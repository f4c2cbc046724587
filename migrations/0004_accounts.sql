-- Accounts, addresses and balances: how they come, change and go. Callers are the operator's tools and loaders.
-- Every writing function takes its shard's lock first.

set local role ledgerline_owner;

create function ledger.lock_shard(p_shard smallint) returns timestamptz
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_last timestamptz;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'ledger functions need READ COMMITTED' using errcode = 'invalid_transaction_state';
    end if;
    select s.last_recorded_at into strict v_last from ledger.shard s where s.shard = p_shard for update;
    return greatest(clock_timestamp(), v_last);
end $$;
comment on function ledger.lock_shard is 'takes a shard''s lock and returns the time to record under it';

create function ledger.application_id(p_name text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id integer;
begin
    loop
        select a.application_id into v_id from ledger.application a where a.name = p_name;
        exit when found;
        insert into ledger.application (name) values (p_name) on conflict do nothing;
    end loop;
    return v_id;
end $$;
comment on function ledger.application_id is 'the number of an application; a new name gets one';

create function ledger.create_domain(p_domain text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into ledger.domain (domain) values (p_domain) on conflict do nothing;
end;
comment on function ledger.create_domain is 'makes a domain, unless it is there';

create function ledger.define_balance_type(p_domain text, p_balance_type text, p_unit text, p_priority integer)
returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into ledger.balance_type as t (domain, balance_type, unit, priority)
    values (p_domain, p_balance_type, p_unit, p_priority::smallint)
        on conflict (domain, balance_type) do update set priority = excluded.priority where t.unit = excluded.unit;
end;
comment on function ledger.define_balance_type is
    'defines a balance type of a domain, or changes its priority; the unit of a type is for ever';

create function ledger.add_address(p_shard smallint, p_account bigint, p_address text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz := ledger.lock_shard(p_shard);
begin
    insert into ledger.address (address, account_id, shard, since)
    values (p_address, p_account, p_shard, v_at) on conflict do nothing;
    if not found then
        return false;
    end if;
    update ledger.account set epoch = epoch + 1 where shard = p_shard and account_id = p_account;
    perform pg_notify('ledger_address', p_address);
    return true;
end $$;
comment on function ledger.add_address is 'gives an account one more address; false when somebody has it';

create function ledger.release_address(p_address text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_shard smallint; v_account bigint; v_at timestamptz;
begin
    select a.shard, a.account_id into v_shard, v_account
      from ledger.address a where a.address = p_address and a.until is null;
    if not found then
        return false;
    end if;
    v_at := ledger.lock_shard(v_shard);
    update ledger.address set until = v_at
     where address = p_address and account_id = v_account and until is null;
    if not found then
        return false;
    end if;
    update ledger.account set epoch = epoch + 1 where shard = v_shard and account_id = v_account;
    perform pg_notify('ledger_address', p_address);
    return true;
end $$;
comment on function ledger.release_address is
    'takes an address from its account, so that another may get it; false when nobody has it';

create function ledger.find_accounts(p_addresses text[])
returns table (address text, account_id bigint, shard smallint, epoch integer, domain text)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
begin atomic
    select d.address, a.account_id, a.shard, a.epoch, a.domain
      from ledger.address d
      join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
     where d.address = any (p_addresses) and d.until is null;
end;
comment on function ledger.find_accounts is 'the accounts that these addresses name now; one row an address that somebody has';

create function ledger.open_account(p_domain text, p_addresses text[], p_spending_order boolean default false,
                                    out o_shard smallint, out o_account bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz; v_address text;
begin
    if coalesce(cardinality(p_addresses), 0) = 0 then
        raise exception 'an account needs an address' using errcode = 'invalid_parameter_value';
    end if;
    o_account := nextval('ledger.account_id');
    o_shard := ledger.shard_of(o_account);
    v_at := ledger.lock_shard(o_shard);
    insert into ledger.account (shard, account_id, domain, address, spending_order, opened_at)
    values (o_shard, o_account, p_domain, p_addresses[1], p_spending_order, v_at);
    foreach v_address in array p_addresses loop
        if not ledger.add_address(o_shard, o_account, v_address) then
            raise exception 'the address % belongs to an account already', v_address using errcode = 'unique_violation';
        end if;
    end loop;
end $$;
comment on function ledger.open_account is 'opens an account under its addresses; the first one is how people name it';

create function ledger.open_balance(p_shard smallint, p_account bigint, p_balance_type text,
                                    p_credit_limit bigint default 0) returns smallint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    v_at timestamptz := ledger.lock_shard(p_shard);
    v_no smallint; v_type record;
begin
    select b.balance_no into v_no from ledger.balance b
     where b.shard = p_shard and b.account_id = p_account and b.balance_type = p_balance_type;
    if found then
        return v_no;
    end if;
    select t.unit, t.priority, u.exponent into v_type
      from ledger.account a
      join ledger.balance_type t on t.domain = a.domain and t.balance_type = p_balance_type
      join ledger.unit u on u.unit = t.unit
     where a.shard = p_shard and a.account_id = p_account;
    if not found then
        return null;
    end if;
    update ledger.account set balances = balances + 1
     where shard = p_shard and account_id = p_account returning balances into v_no;
    insert into ledger.balance (shard, account_id, balance_no, balance_type, unit, exponent, credit_limit, priority,
                                created_at)
    values (p_shard, p_account, v_no, p_balance_type, v_type.unit, v_type.exponent, p_credit_limit, v_type.priority,
            v_at);
    return v_no;
end $$;
comment on function ledger.open_balance is
    'the number of an account''s balance, made when it is missing; null when the domain knows no such balance type';

create function ledger.set_spending_order(p_shard smallint, p_account bigint, p_on boolean) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    perform ledger.lock_shard(p_shard);
    update ledger.account set spending_order = p_on where shard = p_shard and account_id = p_account;
    return found;
end $$;
comment on function ledger.set_spending_order is
    'whether charges that name no balance draw on several; false when there is no such account';

create function ledger.set_default_balance(p_shard smallint, p_account bigint, p_balance_type text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    perform ledger.lock_shard(p_shard);
    update ledger.account a set default_balance_no = b.balance_no
      from ledger.balance b
     where a.shard = p_shard and a.account_id = p_account
       and b.shard = p_shard and b.account_id = p_account and b.balance_type = p_balance_type;
    return found;
end $$;
comment on function ledger.set_default_balance is
    'which balance requests without a balance type use; false when the account has no such balance';

create function ledger.set_credit_limit(p_shard smallint, p_account bigint, p_balance_type text, p_limit bigint)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    perform ledger.lock_shard(p_shard);
    update ledger.balance set credit_limit = p_limit
     where shard = p_shard and account_id = p_account and balance_type = p_balance_type;
    return found;
end $$;
comment on function ledger.set_credit_limit is
    'how far below zero a balance may go, in minor units; a lower limit than is used stops further charges only. False '
    'when the account has no such balance';

create function ledger.set_priority(p_shard smallint, p_account bigint, p_balance_type text, p_priority integer)
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    perform ledger.lock_shard(p_shard);
    update ledger.balance set priority = p_priority
     where shard = p_shard and account_id = p_account and balance_type = p_balance_type;
    return found;
end $$;
comment on function ledger.set_priority is
    'a balance''s place in the spending order, lower first; false when the account has no such balance';

grant execute on function ledger.application_id, ledger.create_domain, ledger.define_balance_type,
    ledger.add_address, ledger.release_address, ledger.find_accounts, ledger.open_account, ledger.open_balance,
    ledger.set_spending_order, ledger.set_default_balance, ledger.set_credit_limit, ledger.set_priority to ledgerline_service;
reset role;
