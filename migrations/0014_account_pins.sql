-- PINs of accounts: what a subscriber proves that a request is theirs with, and how often wrong ones were tried.

set local role ledgerline_owner;

create table auth.account_pin (
    account_id  bigint      primary key,
    pin_hash    text        not null check (pin_hash like '$argon2id$%'),
    set_at      timestamptz not null,
    tries       integer     not null default 0 check (tries >= 0),
    tries_since timestamptz not null
);
comment on table auth.account_pin is
    'the PINs of accounts that have one. No ledger lock guards them: a try is one update of one row';
comment on column auth.account_pin.pin_hash is
    'argon2id with salt and parameters: a PIN has too few digits for a fast hash';
comment on column auth.account_pin.tries is 'tries since tries_since that did not prove right';

create function auth.set_account_pin(p_account bigint, p_pin_hash text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_pin_hash is null then
        delete from auth.account_pin where account_id = p_account;
        return found;
    end if;
    insert into auth.account_pin as p (account_id, pin_hash, set_at, tries_since)
    values (p_account, p_pin_hash, clock_timestamp(), clock_timestamp())
        on conflict (account_id) do update
       set pin_hash = excluded.pin_hash, set_at = excluded.set_at, tries = 0, tries_since = excluded.tries_since;
    return true;
end $$;
comment on function auth.set_account_pin is
    'gives an account a PIN and forgets the wrong tries; without a hash takes the PIN away: false when there was none';

create function auth.account_pin(p_account bigint, p_tries_max integer, p_window interval,
                                 out pin_hash text, out throttled boolean)
returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select p.pin_hash, p.tries >= p_tries_max and p.tries_since > clock_timestamp() - p_window
      from auth.account_pin p
     where p.account_id = p_account;
end;
comment on function auth.account_pin is
    'the PIN of an account, and whether so many tries in the window close it for now; no row: it has no PIN';

-- A try counts before it is judged, so that tries which come at once are not judged more often than allowed.
create function auth.begin_pin_try(p_account bigint, p_tries_max integer, p_window interval) returns text
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update auth.account_pin p
       set tries = case when p.tries_since > clock_timestamp() - p_window then p.tries + 1 else 1 end,
           tries_since = case when p.tries_since > clock_timestamp() - p_window then p.tries_since
                              else clock_timestamp() end
     where p.account_id = p_account
       and not (p.tries >= p_tries_max and p.tries_since > clock_timestamp() - p_window)
    returning p.pin_hash;
end;
comment on function auth.begin_pin_try is
    'counts a try and gives the hash to judge it by; null: no PIN, or none may be tried now';

create function auth.forget_pin_tries(p_account bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update auth.account_pin set tries = 0 where account_id = p_account and tries > 0;
end;
comment on function auth.forget_pin_tries is 'after the right PIN';

grant execute on function auth.set_account_pin, auth.account_pin, auth.begin_pin_try, auth.forget_pin_tries
    to ledgerline_service;
reset role;
