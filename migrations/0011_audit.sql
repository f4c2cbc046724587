-- Seals: the journal as a chain of blocks a shard, so that a change of what was sealed shows.
--
-- docs/audit.md says what is hashed, so that an auditor can compute it without this program.

set local role ledgerline_owner;

create table ledger.seal (
    shard     smallint    not null,
    from_no   bigint      not null,
    to_no     bigint      not null,
    previous  bytea       not null check (octet_length(previous) = 32),
    hash      bytea       not null check (octet_length(hash) = 32),
    marks     bytea       not null,
    first_at  timestamptz not null,
    last_at   timestamptz not null,
    sealed_at timestamptz not null default clock_timestamp(),
    primary key (shard, from_no),
    check (from_no >= 1 and to_no >= from_no),
    check (octet_length(marks) = 4 * (to_no - from_no + 1))
);
alter table ledger.seal alter marks set storage external;  -- hashes do not compress
comment on table ledger.seal is
    'the hash chain of each shard''s journal: blocks of rows without gaps. Never changed; stays when rows are archived';
comment on column ledger.seal.from_no is 'journal number of its first row: the previous block''s to_no + 1';
comment on column ledger.seal.previous is 'the previous block''s hash; of the first block 32 zero bytes';
comment on column ledger.seal.hash is 'SHA-256 of previous and the rows'' digests, in the order of journal_no';
comment on column ledger.seal.marks is 'the first four bytes of each row''s digest: they tell which row was changed';
comment on column ledger.seal.first_at is 'recorded time of its first row';
comment on column ledger.seal.last_at is 'recorded time of its last row';

create or replace function ledger.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% is immutable: % refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger seal_immutable before update or delete or truncate on ledger.seal
    for each statement execute function ledger.refuse_change();

-- A function with one expression and no settings: the planner puts it in place of the call.
create function ledger.journal_text(j ledger.journal) returns text
language sql stable parallel safe
return concat_ws(' ', 'ledgerline-1', (j).shard, (j).journal_no, (j).account_id, (j).balance_no, (j).seq, (j).amount,
                 (j).balance_after, (j).kind, (j).application_id, (j).request_id,
                 coalesce((j).group_id::text, '-'), coalesce((j).hold_id::text, '-'), coalesce((j).refund_of::text, '-'),
                 encode(timestamptz_send((j).recorded_at), 'hex'),
                 coalesce(encode(timestamptz_send((j).effective_at), 'hex'), '-'),
                 octet_length((j).unit), (j).unit, octet_length((j).contra), (j).contra,
                 octet_length((j).reference), (j).reference,
                 coalesce(octet_length((j).code)::text, '-'), coalesce((j).code, ''),
                 coalesce(octet_length((j).description)::text, '-'), coalesce((j).description, ''));
comment on function ledger.journal_text is
    'a journal row in the form that is hashed: fields separated by a space, times as microseconds since 2000-01-01 UTC '
    '(16 hexadecimal digits, two''s complement), texts behind their length in bytes, - for null';

create function ledger.journal_digest(j ledger.journal) returns bytea
language sql stable parallel safe
return sha256(convert_to(ledger.journal_text(j), 'UTF8'));
comment on function ledger.journal_digest is 'SHA-256 of journal_text in UTF-8';

-- Seals what is not sealed yet among the rows that were recorded from p_from on, about p_rows of them: a round is these
-- calls, each from where the previous one ended (o_next), until o_next is null.
--
-- No lock that a posting waits for. A row is visible once its shard's next_journal_no is, and blocks start where the
-- last one ended: nodes that seal at once make the same block, and the key lets one of them in.
-- Rows are found by their time, the journal's only order on disk.
create function ledger.seal_journal(p_from timestamptz, p_rows integer, p_block integer, p_time_zone text,
                                    out o_next timestamptz, out o_sealed bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    v_until timestamptz; v_found bigint; v_shards smallint[]; v_from bigint[]; v_to bigint[]; v_hash bytea[];
    r record; v_shard smallint; v_last bytea;
begin
    o_sealed := 0;
    if not pg_try_advisory_xact_lock(hashtextextended('ledgerline sealing', 0)) then
        return;  -- another node is at it
    end if;
    select array_agg(s.shard), array_agg(coalesce(l.to_no, 0) + 1), array_agg(s.next_journal_no - 1),
           array_agg(coalesce(l.hash, decode(repeat('00', 32), 'hex')))
      into v_shards, v_from, v_to, v_hash
      from ledger.shard s
      left join lateral (select x.to_no, x.hash from ledger.seal x
                          where x.shard = s.shard order by x.from_no desc limit 1) l on true
     where s.next_journal_no > coalesce(l.to_no, 0) + 1;
    if v_shards is null then
        return;
    end if;

    select max(w.recorded_at), count(*) into v_until, v_found
      from (select j.recorded_at from ledger.journal j where j.recorded_at >= p_from limit p_rows) w;
    if v_found < p_rows then
        v_until := 'infinity';
    elsif v_until > p_from then
        o_next := v_until;
    else
        -- More rows of one instant than a call takes: on behind them.
        o_next := v_until + interval '1 microsecond';
    end if;

    for r in
        select z.shard, min(z.journal_no) as from_no, max(z.journal_no) as to_no,
               string_agg(z.digest, '' order by z.journal_no) as digests,
               string_agg(substr(z.digest, 1, 4), '' order by z.journal_no) as marks,
               min(z.recorded_at) as first_at, max(z.recorded_at) as last_at
          from (select y.*, (row_number() over (partition by y.shard, y.month order by y.journal_no) - 1) / p_block as block
                  from (select j.shard, j.journal_no, j.recorded_at, ledger.journal_digest(j) as digest,
                               date_trunc('month', j.recorded_at at time zone p_time_zone) as month, u.from_no,
                               row_number() over (partition by j.shard order by j.journal_no) as place
                          from (select * from ledger.journal x
                                 where x.recorded_at between p_from and v_until offset 0) j
                          join unnest(v_shards, v_from, v_to) u(shard, from_no, to_no)
                            on u.shard = j.shard and j.journal_no between u.from_no and u.to_no) y
                 where y.journal_no = y.from_no + y.place - 1) z
         group by z.shard, z.month, z.block
         order by z.shard, 2
    loop
        if r.shard is distinct from v_shard then
            v_shard := r.shard;
            v_last := v_hash[array_position(v_shards, r.shard)];
        end if;
        insert into ledger.seal (shard, from_no, to_no, previous, hash, marks, first_at, last_at)
        values (r.shard, r.from_no, r.to_no, v_last, sha256(v_last || r.digests), r.marks, r.first_at, r.last_at);
        v_last := sha256(v_last || r.digests);
        o_sealed := o_sealed + r.to_no - r.from_no + 1;
    end loop;
end $$;
comment on function ledger.seal_journal is
    'seals what is unsealed among about p_rows journal rows recorded from p_from on, in blocks of at most p_block rows '
    'that end with the month of p_time_zone';

create function ledger.unsealed(out o_shards smallint[], out o_to bigint[], out o_since timestamptz, out o_now timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(s.shard), '{}'), coalesce(array_agg(s.next_journal_no - 1), '{}'),
           min(coalesce(l.last_at, '-infinity')), clock_timestamp()
      from ledger.shard s
      left join lateral (select x.to_no, x.last_at from ledger.seal x
                          where x.shard = s.shard order by x.from_no desc limit 1) l on true
     where s.next_journal_no - 1 > coalesce(l.to_no, 0);
end;
comment on function ledger.unsealed is
    'the shards that have unsealed journal rows, their last row, the time since which all of these were recorded, and now';

create function ledger.still_unsealed(p_shards smallint[], p_to bigint[], out o_shards smallint[], out o_rows bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(u.shard), '{}'), coalesce(sum(u.to_no - coalesce(l.to_no, 0)), 0)
      from unnest(p_shards, p_to) u(shard, to_no)
      left join lateral (select x.to_no from ledger.seal x
                          where x.shard = u.shard order by x.from_no desc limit 1) l on true
     where u.to_no > coalesce(l.to_no, 0);
end;
comment on function ledger.still_unsealed is 'of these shards those that are not sealed up to these rows, and how many rows lack';

-- The journal's index on time keeps one entry for a range of blocks; what was written since the last vacuum would be
-- read from end to end. Does nothing while a vacuum is at work: that one must not be made to give way.
create function ledger.summarize_journal() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table ledger.journal in share update exclusive mode nowait;
    perform brin_summarize_new_values('ledger.journal_time');
exception
    when lock_not_available then null;
end $$;
comment on function ledger.summarize_journal is 'brings the journal''s index on time up to date';

grant select on ledger.seal to ledgerline_service;
grant execute on function ledger.journal_text, ledger.journal_digest, ledger.seal_journal, ledger.unsealed,
    ledger.still_unsealed, ledger.summarize_journal to ledgerline_service;
reset role;
