-- What finance staff see: views in major units, each column explained.

set local role ledgerline_owner;

create function finance.major(p_minor numeric, p_exponent integer) returns numeric
language sql immutable parallel safe
return round(p_minor / power(10::numeric, p_exponent), p_exponent);
comment on function finance.major is 'minor units in major ones, with the unit''s decimals: (9925, 2) is 99.25';

create view finance.accounts as
select a.address, a.domain, a.state::text as state, a.spending_order, d.balance_type as default_balance,
       array(select x.address from ledger.address x
              where x.account_id = a.account_id and x.until is null order by x.since, x.address) as addresses,
       a.opened_at, a.closed_at, a.account_id
  from ledger.account a
  left join ledger.balance d
    on d.shard = a.shard and d.account_id = a.account_id and d.balance_no = a.default_balance_no;
comment on view finance.accounts is 'every account, with how it is reached and how it spends';
comment on column finance.accounts.address is 'the first of its addresses: how people name it';
comment on column finance.accounts.domain is 'the domain that it belongs to';
comment on column finance.accounts.state is 'active; suspended (takes credits, refuses charges and new holds); closed';
comment on column finance.accounts.spending_order is 'whether a charge that names no balance draws on several, by priority';
comment on column finance.accounts.default_balance is 'the balance that requests without a balance type use';
comment on column finance.accounts.addresses is 'all addresses it has now';
comment on column finance.accounts.opened_at is 'since when it exists';
comment on column finance.accounts.closed_at is 'since when it is closed; null: it is not';
comment on column finance.accounts.account_id is 'its number in the ledger';

create view finance.balances as
select a.address, b.balance_type, b.unit,
       finance.major(b.posted, b.exponent) as posted,
       finance.major(b.held - h.due, b.exponent) as held,
       finance.major(b.credit_limit, b.exponent) as credit_limit,
       case when b.expires_at <= clock_timestamp() then finance.major(0, b.exponent)
            else finance.major(b.posted::numeric - b.held + h.due + b.credit_limit, b.exponent) end as available,
       b.expires_at, b.balance_no = a.default_balance_no as is_default, b.priority, b.seq as postings, b.created_at,
       a.domain, a.account_id, b.balance_no
  from ledger.balance b
  join ledger.account a on a.shard = b.shard and a.account_id = b.account_id
 cross join lateral (
       select coalesce(sum(l.amount - l.captured), 0) as due
         from ledger.hold o
         join ledger.hold_leg l on l.shard = o.shard and l.hold_id = o.hold_id and l.balance_no = b.balance_no
        where o.shard = b.shard and o.account_id = b.account_id and o.state = 'open'
          and o.expires_at <= clock_timestamp()) h;
comment on view finance.balances is 'every balance as it stands now; available = posted - held + credit_limit';
comment on column finance.balances.address is 'the account''s first address';
comment on column finance.balances.balance_type is 'the balance''s name within its account';
comment on column finance.balances.unit is 'what it counts: a currency (ISO 4217) or a service unit';
comment on column finance.balances.posted is 'the sum of its journal rows';
comment on column finance.balances.held is 'reserved by open holds that have not expired';
comment on column finance.balances.credit_limit is 'how far below zero it may go';
comment on column finance.balances.available is 'what a charge or hold may take now; nothing once it has expired';
comment on column finance.balances.expires_at is 'from when on its funds cannot be used any more; null: never';
comment on column finance.balances.is_default is 'whether requests without a balance type use it';
comment on column finance.balances.priority is 'spending order: lower is spent first';
comment on column finance.balances.postings is 'how many journal rows it has';
comment on column finance.balances.created_at is 'since when it exists';
comment on column finance.balances.domain is 'the account''s domain';
comment on column finance.balances.account_id is 'the account''s number in the ledger';
comment on column finance.balances.balance_no is 'the balance''s number within the account';

create view finance.journal as
select j.recorded_at, coalesce(j.effective_at, j.recorded_at) as effective_at, a.address, b.balance_type, j.unit,
       finance.major(j.amount, b.exponent) as amount, j.kind::text as kind, p.name as application,
       j.reference as reference_code, j.description, finance.major(j.balance_after, b.exponent) as balance_after,
       j.contra, j.code, j.shard, j.journal_no, j.request_id, j.group_id, j.hold_id, j.refund_of, j.seq, j.account_id
  from ledger.journal j
  join ledger.account a on a.shard = j.shard and a.account_id = j.account_id
  join ledger.balance b on b.shard = j.shard and b.account_id = j.account_id and b.balance_no = j.balance_no
  join ledger.application p on p.application_id = j.application_id;
comment on view finance.journal is 'every posting, one row each: amount is from the subscriber''s side, negative is a debit';
comment on column finance.journal.recorded_at is 'when the ledger posted it; never goes back within an account';
comment on column finance.journal.effective_at is 'when it happened in the world; recorded_at where nothing else was said';
comment on column finance.journal.address is 'the account''s first address';
comment on column finance.journal.balance_type is 'the balance that changed';
comment on column finance.journal.unit is 'the unit of amount and balance_after';
comment on column finance.journal.amount is 'what the balance got (positive) or gave (negative)';
comment on column finance.journal.kind is 'charge, refund, credit, capture, adjustment, transfer, split, reversal, expired, closing';
comment on column finance.journal.application is 'who asked for it';
comment on column finance.journal.reference_code is 'the reference that the application gave';
comment on column finance.journal.description is 'the text that the application gave, for bills';
comment on column finance.journal.balance_after is 'the balance''s posted amount after this row';
comment on column finance.journal.contra is 'the other side: revenue, funding, adjustment, clearing, expired, written_off';
comment on column finance.journal.code is 'the charging code, where the application gave one';
comment on column finance.journal.shard is 'the part of the ledger that numbered it';
comment on column finance.journal.journal_no is 'its number within the shard, without gaps';
comment on column finance.journal.request_id is 'the request that caused it, a number within the shard; legs of a group (group_id) in other shards repeat it';
comment on column finance.journal.group_id is 'common to all rows of a request that made several';
comment on column finance.journal.hold_id is 'the hold that was captured';
comment on column finance.journal.refund_of is 'journal_no (same shard) of the charge that it gives back';
comment on column finance.journal.seq is 'its number within the balance, without gaps: the order of the statement';
comment on column finance.journal.account_id is 'the account''s number in the ledger';

create view finance.holds as
select a.address, h.unit, finance.major(h.amount, u.exponent) as amount,
       finance.major(h.captured, u.exponent) as captured,
       finance.major(case when h.state = 'open' and h.expires_at > clock_timestamp()
                          then h.amount - h.captured else 0 end, u.exponent) as held,
       case when h.state = 'open' and h.expires_at <= clock_timestamp() then 'expired' else h.state::text end as state,
       array(select b.balance_type from ledger.hold_leg l
               join ledger.balance b on b.shard = l.shard and b.account_id = h.account_id
                                    and b.balance_no = l.balance_no
              where l.shard = h.shard and l.hold_id = h.hold_id order by l.leg_no) as balance_types,
       p.name as application, h.description, h.placed_at, h.expires_at, h.ended_at, h.hold_id, h.shard, h.account_id
  from ledger.hold h
  join ledger.account a on a.shard = h.shard and a.account_id = h.account_id
  join ledger.unit u on u.unit = h.unit
  join ledger.application p on p.application_id = h.application_id;
comment on view finance.holds is 'every hold (reservation), open and ended';
comment on column finance.holds.address is 'the account''s first address';
comment on column finance.holds.unit is 'the unit of the amounts';
comment on column finance.holds.amount is 'placed and extended, what was given back taken off';
comment on column finance.holds.captured is 'charged against it so far';
comment on column finance.holds.held is 'still reserved';
comment on column finance.holds.state is 'open, released or expired';
comment on column finance.holds.balance_types is 'the balances it draws on, in the order in which captures use them up';
comment on column finance.holds.application is 'who placed it';
comment on column finance.holds.description is 'the text that the application gave';
comment on column finance.holds.placed_at is 'when it was placed';
comment on column finance.holds.expires_at is 'when it ends by itself';
comment on column finance.holds.ended_at is 'when it was released or expired; null: it is open';
comment on column finance.holds.hold_id is 'its number in the ledger';
comment on column finance.holds.shard is 'the part of the ledger that it lives in';
comment on column finance.holds.account_id is 'the account''s number in the ledger';

create view finance.trial_balance as
select z.unit,
       finance.major(sum(z.funds + z.overdrafts), u.exponent) as balances,
       finance.major(sum(z.contra), u.exponent) as contra,
       finance.major(sum(z.funds + z.overdrafts + z.contra), u.exponent) as total,
       finance.major(sum(z.funds), u.exponent) as funds,
       finance.major(sum(z.overdrafts), u.exponent) as overdrafts
  from (select b.shard, b.unit, greatest(b.posted, 0)::numeric as funds, least(b.posted, 0)::numeric as overdrafts,
               0::numeric as contra
          from ledger.balance b
         union all
        select c.shard, c.unit, 0, 0, c.total from ledger.contra c) z
  join ledger.unit u on u.unit = z.unit
 group by z.unit, u.exponent;
comment on view finance.trial_balance is 'all balances against all contra accounts, per unit: total is 0, always';
comment on column finance.trial_balance.unit is 'currency or service unit';
comment on column finance.trial_balance.balances is 'sum of all balances';
comment on column finance.trial_balance.contra is 'sum of all contra accounts: revenue, funding and the like';
comment on column finance.trial_balance.total is 'balances + contra; anything but 0 is an error to report at once';
comment on column finance.trial_balance.funds is 'the balances above zero: what is owed to subscribers';
comment on column finance.trial_balance.overdrafts is 'the balances below zero: what subscribers owe';

grant select on all tables in schema finance to ledgerline_finance, ledgerline_service;
grant execute on all functions in schema finance to ledgerline_finance, ledgerline_service;
reset role;

alter role ledgerline_finance set search_path = finance;
alter role ledgerline_finance set default_transaction_read_only = on;
