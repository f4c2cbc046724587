-- Who may use the service: principals, their addresses and grants. Written and read through functions only, so that no
-- role but the owner sees a password hash in a table.

set local role ledgerline_owner;

create schema auth;
comment on schema auth is 'principals, credentials and grants';
grant usage on schema auth to ledgerline_service;

create table auth.principal (
    principal_id  bigint      generated always as identity primary key,
    domain        text        collate "C" not null check (domain <> ''),
    name          text        collate "C" not null check (name <> ''),
    application   text        collate "C" not null unique,
    kind          text        not null
                  check (kind in ('application', 'subscriber', 'administrator', 'finance', 'operator')),
    password_hash text        check (password_hash like '$argon2id$%'),
    enabled       boolean     not null default true,
    created_at    timestamptz not null default clock_timestamp(),
    unique (domain, name)
);
comment on table auth.principal is 'who may send requests; a login is name@domain, both in lower case';
comment on column auth.principal.application is
    'its name in the ledger, for ever: requests are remembered under it. The short login where that was free';
comment on column auth.principal.password_hash is
    'argon2id with salt and parameters, as libsodium writes it; null: cannot log in with a password';
comment on column auth.principal.enabled is 'principals are disabled, never deleted: the journal names them';

create table auth.principal_address (
    principal_id bigint not null references auth.principal,
    address      text   collate "C" not null check (address <> '' and address !~ '[[:cntrl:]]'),
    primary key (principal_id, address)
);
comment on table auth.principal_address is 'a subscriber''s own addresses, in the ledger''s normal form';

create table auth.principal_grant (
    principal_id bigint not null references auth.principal,
    domain       text   collate "C" not null check (domain <> '' and domain !~ '[[:cntrl:][:space:]]'),
    permission   text   collate "C" not null check (permission ~ '^[a-z_.]+$'),
    primary key (principal_id, domain, permission)
);
comment on table auth.principal_grant is
    'what was granted beyond what the kind of principal may do anyway; domain * means every domain';

-- Nodes remember verified credentials. A trigger, not the functions, tells them: whoever changes a row, by whatever
-- means, is heard.
create function auth.tell_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('auth_changed', '');
    return null;
end $$;
comment on function auth.tell_changed is 'drops what the nodes remember about credentials';

create trigger changed after insert or update or delete on auth.principal
    for each statement execute function auth.tell_changed();
create trigger changed after insert or update or delete on auth.principal_address
    for each statement execute function auth.tell_changed();
create trigger changed after insert or update or delete on auth.principal_grant
    for each statement execute function auth.tell_changed();

create view auth.description as
select p.domain, p.name, p.principal_id, p.application, p.kind, p.enabled,
       coalesce((select string_agg(a.address, E'\n' order by a.address)
                   from auth.principal_address a where a.principal_id = p.principal_id), '') as addresses,
       coalesce((select string_agg(g.permission || ' ' || g.domain, E'\n' order by g.domain, g.permission)
                   from auth.principal_grant g where g.principal_id = p.principal_id), '') as grants
  from auth.principal p;
comment on view auth.description is
    'a principal on one row, without secrets; addresses one a line, grants one "permission domain" a line';
grant select on auth.description to ledgerline_service;

create function auth.find_principal(p_domain text, p_name text,
                                    out principal_id bigint, out application text, out kind text,
                                    out enabled boolean,
                                    out password_hash text, out addresses text, out grants text)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select d.principal_id, d.application, d.kind, d.enabled, p.password_hash, d.addresses, d.grants
      from auth.description d join auth.principal p using (principal_id)
     where d.domain = p_domain and d.name = p_name;
end;
comment on function auth.find_principal is 'the principal with this login and what its password is verified with';

create function auth.create_principal(p_domain text, p_name text, p_short boolean, p_kind text, p_password_hash text,
                                      p_addresses text[], p_grant_domains text[], p_permissions text[])
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    insert into auth.principal (domain, name, application, kind, password_hash)
    values (p_domain, p_name,
            case when p_short and not exists (select from auth.principal p where p.application = p_name) then p_name
                 else p_name || '@' || p_domain end,
            p_kind, p_password_hash)
        on conflict do nothing
    returning principal_id into v_id;
    if v_id is null then
        return false;
    end if;
    insert into auth.principal_address (principal_id, address) select distinct v_id, a from unnest(p_addresses) a;
    insert into auth.principal_grant (principal_id, domain, permission)
    select distinct v_id, g.domain, g.permission from unnest(p_grant_domains, p_permissions) g(domain, permission);
    return true;
end $$;
comment on function auth.create_principal is
    'makes a principal, in the ledger under the short login if asked for and free; false, and nothing changed, when the '
    'login exists';

create function auth.set_password(p_domain text, p_name text, p_password_hash text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update auth.principal set password_hash = p_password_hash where domain = p_domain and name = p_name;
    return found;
end $$;
comment on function auth.set_password is 'changes a password; false when there is no such login';

create function auth.set_enabled(p_domain text, p_name text, p_enabled boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update auth.principal set enabled = p_enabled where domain = p_domain and name = p_name;
    return found;
end $$;
comment on function auth.set_enabled is 'disables or enables a principal; false when there is no such login';

create function auth.add_grant(p_domain text, p_name text, p_grant_domain text, p_permission text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    select p.principal_id into v_id from auth.principal p where p.domain = p_domain and p.name = p_name;
    if not found then
        return false;
    end if;
    insert into auth.principal_grant (principal_id, domain, permission)
    values (v_id, p_grant_domain, p_permission) on conflict do nothing;
    return true;
end $$;
comment on function auth.add_grant is 'grants a permission, unless it is granted; false when there is no such login';

create function auth.revoke_grant(p_domain text, p_name text, p_grant_domain text, p_permission text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    select p.principal_id into v_id from auth.principal p where p.domain = p_domain and p.name = p_name;
    if not found then
        return false;
    end if;
    delete from auth.principal_grant
     where principal_id = v_id and domain = p_grant_domain and permission = p_permission;
    return true;
end $$;
comment on function auth.revoke_grant is 'takes a grant away, if there is one; false when there is no such login';

grant execute on function auth.find_principal, auth.create_principal, auth.set_password, auth.set_enabled,
    auth.add_grant, auth.revoke_grant to ledgerline_service;
reset role;
