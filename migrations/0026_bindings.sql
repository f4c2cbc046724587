-- Where registered SIP users are: bindings of accounts to contacts (RFC 3261, 10).

set local role ledgerline_owner;

create table ledger.binding (
    account_id    bigint      not null,
    contact       text        collate "C" not null check (contact <> '' and contact !~ '[[:cntrl:]]'),
    address       text        collate "C" not null,
    q             smallint    not null check (q between 0 and 1000),
    path          text        not null default '',
    call_id       text        collate "C" not null,
    cseq          bigint      not null,
    node          text        collate "C" not null,
    flow          bigint      not null,
    registered_at timestamptz not null default clock_timestamp(),
    expires_at    timestamptz not null,
    primary key (account_id, contact)
);
comment on table ledger.binding is 'contacts of registered SIP users; all addresses of an account share them';
comment on column ledger.binding.address is 'the address that was registered, as the client wrote it';
comment on column ledger.binding.q is 'preference in thousandths';
comment on column ledger.binding.path is 'proxies on the way to the contact (RFC 3327); empty: there are none';
comment on column ledger.binding.call_id is 'of the REGISTER, whose later requests have higher cseq';
comment on column ledger.binding.node is 'the server that the client is connected to';
comment on column ledger.binding.flow is 'that server''s number of the connection; 0: there is none';
create index on ledger.binding (expires_at);

create function ledger.tell_binding() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('ledger_binding', (case when tg_op = 'DELETE' then old else new end).account_id::text);
    return null;
end $$;
comment on function ledger.tell_binding is 'drops what the nodes remember of an account''s contacts';
create trigger changed after insert or update or delete on ledger.binding
    for each row execute function ledger.tell_binding();

create function ledger.bindings(p_account bigint, out contact text, out address text, out path text, out node text,
                                out flow bigint, out q integer, out seconds bigint)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select b.contact, b.address, b.path, b.node, b.flow, b.q::integer,
           ceil(extract(epoch from b.expires_at - clock_timestamp()))::bigint
      from ledger.binding b
     where b.account_id = p_account and b.expires_at > clock_timestamp()
     order by b.q desc, b.registered_at desc;
end;
comment on function ledger.bindings is 'the contacts of an account that are valid, the best first; seconds: for how long';

create function ledger.register(p_account bigint, p_address text, p_call_id text, p_cseq bigint, p_contacts jsonb,
                                p_every boolean, p_path text, p_node text, p_flow bigint, p_max bigint,
                                out contact text, out q integer, out seconds bigint)
returns setof record
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    -- One at a time for an account: the checks below look at what others may be writing.
    perform pg_advisory_xact_lock(hashtextextended('ledger.binding ' || p_account, 0));
    delete from ledger.binding b where b.expires_at < clock_timestamp() - interval '1 hour';
    if exists (select from ledger.binding b
                where b.account_id = p_account and b.call_id = p_call_id and b.cseq >= p_cseq
                  and (p_every or b.contact in (select c ->> 'contact' from jsonb_array_elements(p_contacts) c))) then
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
    if (select count(*) from ledger.binding b where b.account_id = p_account) > p_max then
        raise exception 'too many contacts' using errcode = 'LR002';
    end if;
    return query select b.contact, b.q, b.seconds from ledger.bindings(p_account) b;
end $$;
comment on function ledger.register is
    'does what a REGISTER asks for, all of it or nothing, and gives all bindings; seconds 0 removes a contact; raises LR001 '
    'when a later request of the same client was here before, LR002 when there would be more than p_max contacts';
grant execute on function ledger.bindings, ledger.register to ledgerline_service;

-- Calls that came from outside are recorded too. -------------------------------------------------------------------------

alter table ledger.call add column direction text not null default 'third-party'
    check (direction in ('third-party', 'inbound'));
comment on column ledger.call.direction is 'third-party: an application asked for it; inbound: somebody called';

drop function ledger.record_calls(jsonb, text[], text, uuid);
create function ledger.record_calls(p_calls jsonb, p_settled text[], p_node text, p_incarnation uuid) returns void
language sql security definer set search_path = ledger, pg_catalog, pg_temp as $$
    insert into ledger.call as c (call_id, owner, calling, called, parties, state, created_at, started_at, ended_at,
                                  seconds, cause, hold, amount, unit, node, incarnation, dialogs, settled, reference,
                                  description, code, direction)
    select r.call_id, r.owner, r.calling, r.called, r.parties, r.state, r.created_at, r.started_at, r.ended_at,
           r.seconds, r.cause, r.hold, r.amount, r.unit, p_node, p_incarnation, r.dialogs, r.hold is null,
           r.reference, r.description, r.code, coalesce(r.direction, 'third-party')
      from jsonb_to_recordset(p_calls) r(call_id text, owner text, calling text, called text, parties jsonb, state text,
                                         created_at timestamptz, started_at timestamptz, ended_at timestamptz,
                                         seconds bigint, cause text, hold text, amount numeric, unit text,
                                         dialogs jsonb, reference text, description text, code text, direction text)
    on conflict (call_id) do update
       set called = excluded.called, parties = excluded.parties, state = excluded.state,
           started_at = excluded.started_at, ended_at = excluded.ended_at, seconds = excluded.seconds,
           cause = excluded.cause, dialogs = excluded.dialogs, recorded_at = clock_timestamp(),
           -- What an inbound call costs is known later than the call itself.
           hold = coalesce(c.hold, excluded.hold), amount = coalesce(c.amount, excluded.amount),
           unit = coalesce(c.unit, excluded.unit), reference = coalesce(c.reference, excluded.reference),
           description = coalesce(c.description, excluded.description), code = coalesce(c.code, excluded.code),
           settled = c.settled and (c.hold is not null or excluded.hold is null)
     -- A batch that is sent again after its answer was lost does not take an ended call back.
     where c.ended_at is null;
    update ledger.call set settled = true where call_id = any (p_settled);
$$;
comment on function ledger.record_calls is
    'writes call records, each as it is now, and whose charges are posted; a call is in a batch once';
grant execute on function ledger.record_calls to ledgerline_service;

create or replace view finance.calls as
select c.created_at, c.owner as requested_by, c.calling as calling_party, c.called as called_party, c.state,
       c.started_at, c.ended_at, c.seconds, c.cause,
       case when c.started_at is null then null
            when h.volume is not null then finance.major(h.captured, u.exponent)
            else coalesce(round(c.amount, u.exponent), c.amount) end as charge,
       coalesce(c.unit, h.unit) as unit, substr(c.hold, 5)::uuid as hold_id, c.parties, c.call_id, c.direction
  from ledger.call c
  left join ledger.hold h on h.shard = ('x' || left(c.hold, 4))::bit(16)::integer::smallint
                         and h.hold_id = substr(c.hold, 5)::uuid
  left join ledger.unit u on u.unit = h.unit;
comment on view finance.calls is 'every call that was asked for, or that came from outside, as it is now';
comment on column finance.calls.requested_by is
    'the user who asked for it; of an inbound call the caller, when it is one of our users, or the peer that it came from';
comment on column finance.calls.calling_party is 'the address that was called first; of an inbound call the caller''s';
comment on column finance.calls.called_party is
    'the address that it was connected to; of an inbound call the one that the caller called';
comment on column finance.calls.direction is 'third-party: asked for by an application or user; inbound: somebody called';
reset role;
