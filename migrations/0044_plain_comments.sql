-- Comments that had a stray apostrophe, or told of a time before archiving.

set local role ledgerline_owner;

comment on column finance.prices.application is 'for whose charges; null: all applications';
comment on column finance.tariffs.application is 'for whose charges; null: all applications';
comment on function finance.statement(text, timestamptz, timestamptz) is
    'every posting of the account that held the address at that time, recorded from p_from on (null: from the first one that '
    'is not archived) and before p_to (null: no such bound), in the order in which they were booked: recorded_at, '
    'balance_type, unit, amount (negative: a debit), kind, application, reference_code, description, balance_after (of that '
    'balance). An error where p_from lies in what is archived';

reset role;
