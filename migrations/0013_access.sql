-- The trail of who did what, secrets that can be recovered and client certificates.

set local role ledgerline_owner;

-- The trail -----------------------------------------------------------------------------------------------------------

create schema trail;
comment on schema trail is 'who did what, when and from where';
grant usage on schema trail to ledgerline_service;

create table trail.event (
    event_no    bigint      generated always as identity primary key,
    recorded_at timestamptz not null default clock_timestamp(),
    actor       text        not null check (actor <> ''),
    origin      text        not null,
    act         text        collate "C" not null check (act ~ '^[a-z_]+([.][a-z_]+)+$'),
    subject     text        not null,
    details     text        not null
);
create index event_time on trail.event (recorded_at);
create index event_subject on trail.event (subject, event_no);
comment on table trail.event is 'one row an act; rows are added through trail.add only, and never change';

create function trail.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'the trail is never changed' using errcode = 'restrict_violation';
end $$;
comment on function trail.refuse_change is 'keeps the trail as it was written, from every role';
create trigger unchangeable before update or delete on trail.event
    for each row execute function trail.refuse_change();
create trigger untruncatable before truncate on trail.event
    for each statement execute function trail.refuse_change();

-- Who acts and from where are arguments, or settings of the session, so that triggers know them too; else the
-- database's own words.
create function trail.add(p_act text, p_subject text, p_details text default '', p_actor text default null,
                          p_origin text default null) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into trail.event (actor, origin, act, subject, details)
    values (coalesce(p_actor, nullif(current_setting('ledgerline.actor', true), ''), session_user),
            coalesce(p_origin, nullif(current_setting('ledgerline.origin', true), ''), host(inet_client_addr()), 'local'),
            p_act, left(p_subject, 1024), left(coalesce(p_details, ''), 4096));
end;
comment on function trail.add is
    'adds a row: act (e.g. voucher.batch), subject (whom or what it was done to), details; who and from where are by '
    'default the settings ledgerline.actor and ledgerline.origin of the session, else its role and address';
grant execute on function trail.add to ledgerline_service;

create view finance.trail as
select event_no, recorded_at, actor, origin, act, subject, details from trail.event;
comment on view finance.trail is 'who did what: failed logins, users, grants, acts of operators, voucher batches';
comment on column finance.trail.event_no is 'numbers the rows as they were written';
comment on column finance.trail.recorded_at is 'when it was done';
comment on column finance.trail.actor is
    'who: a login, the operating system''s user at a command line (os:NAME), or a role of the database';
comment on column finance.trail.origin is 'from where: the client''s address, or local';
comment on column finance.trail.act is 'what was done, e.g. user.grant, auth.failed, account.close, voucher.batch';
comment on column finance.trail.subject is 'whom or what it was done to: a login, an address, a hold, a batch';
comment on column finance.trail.details is 'particulars; never a password or secret';
grant select on finance.trail to ledgerline_finance, ledgerline_service;

-- Secrets and certificates --------------------------------------------------------------------------------------------

alter table auth.principal add column secret bytea check (octet_length(secret) > 40);
comment on column auth.principal.secret is
    'a second credential for schemes that must know it (digests, SIP): nonce and secretbox under the key file, which is '
    'not in the database; null: those schemes are refused';

create table auth.certificate (
    fingerprint  text   primary key check (fingerprint ~ '^[0-9a-f]{64}$'),
    principal_id bigint not null references auth.principal
);
comment on table auth.certificate is 'client certificates by their SHA-256, and whose they are';
create trigger changed after insert or update or delete on auth.certificate
    for each statement execute function auth.tell_changed();

-- Everything about logins, as the front end reads it. A login is looked up by its names or by a certificate.
create function auth.find_login(p_domain text, p_name text, p_fingerprint text,
                                out principal_id bigint, out domain text, out name text, out application text,
                                out kind text, out enabled boolean, out password_hash text, out secret text,
                                out addresses text, out grants text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select d.principal_id, d.domain, d.name, d.application, d.kind, d.enabled, p.password_hash,
           encode(p.secret, 'hex'), d.addresses, d.grants
      from auth.principal p join auth.description d using (principal_id)
     where case when p_fingerprint is null then p.domain = p_domain and p.name = p_name
                else p.principal_id = (select c.principal_id from auth.certificate c
                                        where c.fingerprint = p_fingerprint) end;
end;
comment on function auth.find_login is
    'the principal with this login, or with this certificate when one is given';

create function auth.set_secret(p_domain text, p_name text, p_secret text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update auth.principal set secret = decode(p_secret, 'hex') where domain = p_domain and name = p_name;
    return found;
end $$;
comment on function auth.set_secret is
    'sets the encrypted secret (hex), or takes it away (null); false when there is no such login';

create function auth.set_certificate(p_domain text, p_name text, p_fingerprint text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into auth.certificate (fingerprint, principal_id)
    select p_fingerprint, p.principal_id from auth.principal p where p.domain = p_domain and p.name = p_name
        on conflict (fingerprint) do update set principal_id = excluded.principal_id;
    return found;
end $$;
comment on function auth.set_certificate is 'gives a certificate to a login; false when there is no such login';

create function auth.drop_certificate(p_domain text, p_name text, p_fingerprint text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from auth.certificate c using auth.principal p
     where p.domain = p_domain and p.name = p_name and c.principal_id = p.principal_id
       and c.fingerprint = p_fingerprint;
    return found;
end $$;
comment on function auth.drop_certificate is 'takes a certificate from a login; false when it had it not';

grant execute on function auth.find_login, auth.set_secret, auth.set_certificate, auth.drop_certificate
    to ledgerline_service;

-- Changes of users leave their rows in the trail, by whatever means they were made. ------------------------------------

create function auth.login_of(p_id bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select p.name || '@' || p.domain from auth.principal p where p.principal_id = p_id;
end;
comment on function auth.login_of is 'a principal''s login in its long form';

create function auth.trail_principal() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_login constant text := new.name || '@' || new.domain;
begin
    if tg_op = 'INSERT' then
        perform trail.add('user.add', v_login, new.kind);
    else
        if new.password_hash is distinct from old.password_hash then
            perform trail.add('user.password', v_login);
        end if;
        if new.secret is distinct from old.secret then
            perform trail.add('user.secret', v_login, case when new.secret is null then 'taken away' else 'set' end);
        end if;
        if new.enabled is distinct from old.enabled then
            perform trail.add(case when new.enabled then 'user.enable' else 'user.disable' end, v_login);
        end if;
    end if;
    return null;
end $$;
comment on function auth.trail_principal is 'new users, passwords, secrets, disabling and enabling in the trail';
create trigger trail after insert or update on auth.principal
    for each row execute function auth.trail_principal();

create function auth.trail_part() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
    v_login constant text := auth.login_of((v_row ->> 'principal_id')::bigint);
begin
    v_row := v_row - 'principal_id';
    perform trail.add(tg_argv[case when tg_op = 'DELETE' then 1 else 0 end], v_login,
                      (select string_agg(e.value, ' ' order by e.key) from jsonb_each_text(v_row) e
                        where e.value <> ''));
    return null;
end $$;
comment on function auth.trail_part is 'grants, addresses and certificates in the trail';
create trigger trail after insert or delete on auth.principal_grant
    for each row execute function auth.trail_part('user.grant', 'user.revoke');
create trigger trail after insert or delete on auth.principal_address
    for each row execute function auth.trail_part('user.address', 'user.address_removed');
create trigger trail after insert or update or delete on auth.certificate
    for each row execute function auth.trail_part('user.certificate', 'user.certificate_removed');

reset role;
