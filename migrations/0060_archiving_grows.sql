-- Archiving takes as long as there are rows. A server seals every few seconds, so a month has hundreds of thousands of seals in
-- each shard, and for each of them all of the month was read to compare it; before that, for each row, all seals of its shard
-- were looked through to see that it is sealed. A month of one charge a second would have taken days.
--
-- Now the rows are put in order once, and which seal a row is in is a search in the list of first numbers, as in the audit. A
-- loop over one of two lists for each entry of the other one is what the function must never do, whatever is known of tables
-- that are a moment old: its joins are by hash or by order. And seals stay for ever: up to where each shard is archived is looked
-- up once, not for every seal that there ever was.
--
-- Nothing else of the function changes: it is taken as it is, and must have the three places.

set local role ledgerline_owner;

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

select pg_temp.change('ledger.archive_month',
    $from$    if exists (select from ledger.journal j where j.recorded_at < v_until
                  and j.journal_no > coalesce((select max(s.to_no) from ledger.seal s where s.shard = j.shard), 0)) then
$from$,
    $to$    if exists (select from (select q.shard, coalesce((select s.to_no from ledger.seal s where s.shard = q.shard
                                                       order by s.from_no desc limit 1), 0) as to_no
                              from ledger.shard q offset 0) e
                 join ledger.journal j on j.shard = e.shard and j.journal_no > e.to_no
                where j.recorded_at < v_until) then
$to$);

select pg_temp.change('ledger.archive_month',
    $from$          left join lateral (
               select string_agg(j.digest, '''' order by j.journal_no) as digests from ledger_archive.%I j
                where j.shard = s.shard and j.journal_no between s.from_no and s.to_no) d on true
$from$,
    $to$          left join (
               select j.shard, b.starts[width_bucket(j.journal_no, b.starts)] as from_no,
                      string_agg(j.digest, '''' order by j.journal_no) as digests
                 from (select x.shard, array_agg(x.from_no order by x.from_no) as starts
                         from ledger.seal x
                         join pg_temp.cut c on c.shard = x.shard and x.from_no between c.from_no and c.to_no
                        group by x.shard) b
                 join ledger_archive.%I j on j.shard = b.shard
                group by 1, 2) d on d.shard = s.shard and d.from_no = s.from_no
$to$);

select pg_temp.change('ledger.archive_month',
    $from$    select s.shard, ledger.archived_to(s.shard) + 1 as from_no, max(s.to_no) as to_no
      from ledger.seal s
      left join ledger.seal n on n.shard = s.shard and n.from_no = s.to_no + 1
     where s.last_at < v_until and s.to_no > ledger.archived_to(s.shard) and n.first_at is distinct from s.last_at
     group by s.shard;
$from$,
    $to$    select s.shard, e.to_no + 1 as from_no, max(s.to_no) as to_no
      from (select q.shard, ledger.archived_to(q.shard) as to_no from ledger.shard q offset 0) e
      join ledger.seal s on s.shard = e.shard and s.from_no > e.to_no
      left join ledger.seal n on n.shard = s.shard and n.from_no = s.to_no + 1
     where s.last_at < v_until and n.first_at is distinct from s.last_at
     group by s.shard, e.to_no;
$to$);

alter function ledger.archive_month set enable_nestloop = off;

drop function pg_temp.change(regproc, text, text);
reset role;
