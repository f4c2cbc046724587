-- Which contacts make room is decided where they are written, one REGISTER of an account at a time: decided before, of two
-- that came at once the second one counted without the first, and was refused. And a telephone that registers on another
-- connection than before has left the old one, with all its calls.

set local role ledgerline_owner;

create or replace function ledger.register(p_account bigint, p_address text, p_call_id text, p_cseq bigint,
                                           p_contacts jsonb, p_every boolean, p_path text, p_node text, p_flow bigint,
                                           p_max bigint, out contact text, out q integer, out seconds bigint)
returns setof record
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_given text[] := array(select distinct c ->> 'contact' from jsonb_array_elements(p_contacts) c);
begin
    -- One at a time for an account: the checks below look at what others may be writing.
    perform pg_advisory_xact_lock(hashtextextended('ledger.binding ' || p_account, 0));
    delete from ledger.binding b where b.expires_at < clock_timestamp() - interval '1 hour';
    if exists (select from ledger.binding b
                where b.account_id = p_account and b.call_id = p_call_id and b.cseq >= p_cseq
                  and (p_every or b.contact = any (v_given))) then
        raise exception 'a later REGISTER was here before' using errcode = 'LR001';
    end if;
    delete from ledger.binding b
     where b.account_id = p_account
       and (p_every or b.expires_at <= clock_timestamp()
            or exists (select from jsonb_to_recordset(p_contacts) c(contact text, seconds bigint)
                        where c.contact = b.contact and c.seconds = 0));
    insert into ledger.binding as b (account_id, contact, address, q, path, call_id, cseq, node, flow, expires_at)
    select distinct on (c.contact) p_account, c.contact, p_address, c.q, p_path, p_call_id, p_cseq, p_node, p_flow,
           clock_timestamp() + c.seconds * interval '1 second'
      from jsonb_to_recordset(p_contacts) c(contact text, q smallint, seconds bigint)
     where c.seconds > 0
        on conflict (account_id, contact) do update
       set address = excluded.address, q = excluded.q, path = excluded.path, call_id = excluded.call_id,
           cseq = excluded.cseq, node = excluded.node, flow = excluded.flow, expires_at = excluded.expires_at;
    -- Telephones that restart, or change networks, leave contacts behind: where there are too many, those go that end
    -- first. One that lives registers again before that.
    delete from ledger.binding b
     where b.account_id = p_account
       and b.contact in (select o.contact from ledger.binding o
                          where o.account_id = p_account and o.contact <> all (v_given)
                          order by o.expires_at desc
                         offset greatest(p_max - (select count(*) from ledger.binding g
                                                   where g.account_id = p_account and g.contact = any (v_given)), 0));
    if (select count(*) from ledger.binding b where b.account_id = p_account) > p_max then
        raise exception 'too many contacts' using errcode = 'LR002';
    end if;
    return query select b.contact, b.q, b.seconds from ledger.bindings(p_account) b;
end $$;
comment on function ledger.register is
    'does what a REGISTER asks for, all of it or nothing, and gives all bindings; seconds 0 removes a contact; of other '
    'contacts, those that end first make room; raises LR001 when a later request of the same client was here before, LR002 '
    'when it asks for more than p_max contacts';

create function ledger.left_flows(p_account bigint, p_call_id text, p_contacts jsonb, p_node text, p_flow bigint,
                                  out flow bigint)
returns setof bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select distinct b.flow
      from ledger.binding b
     where b.account_id = p_account and b.node = p_node and b.flow <> 0 and b.flow <> p_flow
       and (b.call_id = p_call_id
            or exists (select from jsonb_to_recordset(p_contacts) c(contact text, seconds bigint)
                        where c.contact = b.contact and c.seconds > 0));
end $$;
comment on function ledger.left_flows is
    'connections of the node that the client of a REGISTER has left for this one: the same client by its Call-ID, or the '
    'same contact';
grant execute on function ledger.left_flows to ledgerline_service;

reset role;
