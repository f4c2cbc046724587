-- Vouchers came after the comment of finance.control_totals.contra, which did not name them.

set local role ledgerline_owner;

comment on column finance.control_totals.contra is
    'the other side: revenue, funding, vouchers, adjustment, clearing, expired, written_off';
