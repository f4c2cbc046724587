-- What a request looks back on is found by index, and is what was posted.
--
-- A refund of a limited application counts in the period in which was taken what it gives back. Its journal row, and the
-- one that it gives back, were looked for by their numbers, which no index has: with the locks in hand, all of the
-- shard's journal was read twice. They are found among the rows of their balance now.
--
-- A refund that names a code and no amount gives back what was charged by that code: until now what the code cost at that
-- time by the prices of now, which is another amount where a price was entered or ended for a time before, and the
-- whole price where the account had a share of it. A reservation keeps the prices of its placing, as one of a volume
-- keeps its tariff: a price that rose since kept what was reserved by a code from being charged by it.
--
-- A refund of a volume that was free has a unit, so that its status is told. And a split in a currency that it names is
-- charged as each account spends: in spending order to the balances in that currency, where until now only the default
-- one was asked for its own.
--
-- Of functions that are long only what is meant changes: each is taken as it is, and must have the one place.

set local role ledgerline_owner;

create function ledger.posting(p_shard smallint, p_account bigint, p_balance_no smallint, p_journal_no bigint)
returns ledger.journal
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    v_low bigint := 1; v_high bigint; v_middle bigint; j ledger.journal;
begin
    select b.seq into v_high from ledger.balance b
     where b.shard = p_shard and b.account_id = p_account and b.balance_no = p_balance_no;
    while v_low <= v_high loop
        v_middle := (v_low + v_high) / 2;
        select x.* into j from ledger.journal x
         where x.shard = p_shard and x.account_id = p_account and x.balance_no = p_balance_no and x.seq = v_middle;
        if j.journal_no = p_journal_no then
            return j;
        end if;
        -- A row that is archived is older than all that are here.
        if j.journal_no is null or j.journal_no < p_journal_no then
            v_low := v_middle + 1;
        else
            v_high := v_middle - 1;
        end if;
    end loop;
    return null;
end $$;
comment on function ledger.posting is
    'a balance''s journal row by its number, which rises with seq: two dozen probes find it among millions; null: it has '
    'none, or it is archived';

create function ledger.first_posting(p_request ledger.request) returns ledger.journal
language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return ledger.posting(
        p_request.shard, p_request.account_id,
        coalesce(p_request.balance_no, (select l.balance_no from ledger.request_leg l
                                         where l.shard = p_request.shard and l.request_id = p_request.request_id
                                           and l.leg_no = 1)),
        p_request.journal_no);
end $$;
comment on function ledger.first_posting is 'the first journal row of a request of one account; null: it moved no money';

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

select pg_temp.change('ledger.count_requests',
    $from$                      from ledger.journal j join ledger.journal c on c.shard = j.shard and c.journal_no = j.refund_of
                      left join ledger.hold h on h.shard = c.shard and h.hold_id = c.hold_id
                     where j.shard = q.shard and j.journal_no = q.journal_no;
$from$,
    -- A refund goes to the balance of what it gives back.
    $to$                      from ledger.first_posting(q) j
                     cross join lateral ledger.posting(j.shard, j.account_id, j.balance_no, j.refund_of) c
                      left join ledger.hold h on h.shard = c.shard and h.hold_id = c.hold_id;
$to$);

select pg_temp.change('ledger.code_price', E'    v_domain text; v_unit text; v_at timestamptz := clock_timestamp();\n',
                      E'    v_domain text; v_unit text; v_at timestamptz := clock_timestamp(); v_charge ledger.request;\n');
select pg_temp.change('ledger.code_price',
    $from$        -- What the code cost when it was charged is what is given back.
        select r.recorded_at into v_at from ledger.request r
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
           and r.operation in ('charge', 'capture', 'split') and r.reference = coalesce(p_original, p_reference)
         order by r.operation limit 1;
        v_at := coalesce(v_at, clock_timestamp());
    end if;
    o_amount := ledger.price_of(p_code, v_domain, p_application, v_unit, v_at);
$from$,
    $to$        select r.* into v_charge from ledger.request r
         where r.shard = p_shard and r.account_id = p_account and r.application_id = p_application
           and r.operation in ('charge', 'capture', 'split') and r.reference = coalesce(p_original, p_reference)
         order by r.operation limit 1;
        v_at := coalesce(v_charge.recorded_at, v_at);
        if (ledger.first_posting(v_charge)).code = p_code then
            o_amount := v_charge.amount;
        end if;
    elsif p_operation in ('extend', 'capture') then
        o_amount := ledger.price_of(p_code, v_domain, p_application, v_unit, (
                        select h.placed_at from ledger.hold h where h.shard = p_shard and h.hold_id = p_hold));
    end if;
    o_amount := coalesce(o_amount, ledger.price_of(p_code, v_domain, p_application, v_unit, v_at));
$to$);

select pg_temp.change('ledger.post_volume', E'        v_unit := c.unit; v_tariff := c.tariff_id;\n',
                      $to$        v_unit := c.unit; v_tariff := c.tariff_id;
        v_balance_no := coalesce(v_charge.balance_no, (ledger.first_posting(v_charge)).balance_no);
$to$);

select pg_temp.change('ledger.post_split',
    $from$      join ledger.balance b on b.shard = u.shard and b.account_id = u.account
       and (b.balance_type = p_balance or p_balance is null and b.balance_no = a.default_balance_no);
$from$,
    $to$     cross join lateral (
           select y.unit, y.exponent from ledger.balance y
            where y.shard = u.shard and y.account_id = u.account
              and (y.balance_type = p_balance
                   or p_balance is null and (y.balance_no = a.default_balance_no
                                             or a.spending_order and y.unit = p_unit))
            order by y.unit = p_unit desc, y.balance_no limit 1) b;
$to$);

drop function pg_temp.change(regproc, text, text);
reset role;
