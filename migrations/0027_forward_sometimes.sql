-- A client may forward calls only where the line is busy or nobody answers: then there is no unconditional address.

set local role ledgerline_owner;

alter table rules.call_handling drop constraint call_handling_check1;
alter table rules.call_handling
    add constraint call_handling_goes_somewhere
    check ((num_nonnulls(forwarding, on_busy, on_no_answer) = 0) = (list in ('accept', 'block')));

reset role;
