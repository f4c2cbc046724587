// The rules as queries: each returns what breaks it.
#include "tests/support/ledger_audit.hpp"

#include <utility>

namespace tests {
namespace {

constexpr std::pair<const char*, const char*> rules[]{
    {"per unit, balances and contra totals add up to 0",
     "select * from finance.trial_balance where total <> 0"},
    {"a balance is the sum of its journal rows, and seq counts them",
     "select b.shard, b.account_id, b.balance_no, b.posted, b.seq, count(j.seq), sum(j.amount)"
     "  from ledger.balance b left join ledger.journal j using (shard, account_id, balance_no)"
     " group by b.shard, b.account_id, b.balance_no"
     " having b.posted <> coalesce(sum(j.amount), 0) or b.seq <> count(j.seq) or b.seq <> "
     "coalesce(max(j.seq), 0)"},
    {"balance_after is the running sum",
     "select * from (select j.*, sum(amount) over (partition by shard, account_id, balance_no order by seq) "
     "as "
     "running,"
     "                      row_number() over (partition by shard, account_id, balance_no order by seq) as "
     "place"
     "                 from ledger.journal j) x where running <> balance_after or place <> seq"},
    {"a shard's journal is numbered without gaps",
     "select s.shard, s.next_journal_no, count(j.journal_no), max(j.journal_no)"
     "  from ledger.shard s left join ledger.journal j using (shard) group by s.shard"
     " having s.next_journal_no - 1 <> count(distinct j.journal_no) or count(j.journal_no) <> "
     "coalesce(max(j.journal_no), 0)"},
    {"recorded times do not go back",
     "select * from (select j.*, lag(recorded_at) over (partition by shard order by journal_no) as before"
     "                 from ledger.journal j) x where before > recorded_at"},
    {"a balance knows what a charge must know of its account, or nothing where there is nobody to tell it",
     "select b.*, a.state, a.epoch, a.default_balance_no, a.spending_order from ledger.balance b"
     "  join ledger.account a using (shard, account_id)"
     " where case when exists (select from pg_trigger t where t.tgname = 'balances_told')"
     "            then b.account_epoch is distinct from case when a.state = 'active' then a.epoch end"
     "                 or b.takes_unnamed <> (b.balance_no = a.default_balance_no and not a.spending_order)"
     "            else b.account_epoch is not null end"},
    {"held is what the open holds' legs have left",
     "select b.shard, b.account_id, b.balance_no, b.held, l.left from ledger.balance b cross join lateral ("
     "select coalesce(sum(g.amount - g.captured), 0) as left from ledger.hold h join ledger.hold_leg g using "
     "(shard, "
     "hold_id)"
     " where h.shard = b.shard and h.account_id = b.account_id and h.state = 'open' and g.balance_no = "
     "b.balance_no) l"
     " where b.held <> l.left"},
    {"a hold is the sum of its legs",
     "select h.* from ledger.hold h left join ledger.hold_leg g using (shard, hold_id)"
     " group by h.shard, h.hold_id having h.amount is distinct from sum(g.amount) or h.captured is distinct "
     "from "
     "sum(g.captured)"},
    {"contra totals are the journal's other side",
     "select * from ledger.contra c full join (select shard, contra, application_id, unit, -sum(amount) as "
     "derived"
     "  from ledger.journal group by 1, 2, 3, 4) j using (shard, contra, application_id, unit)"
     " where c.total is distinct from j.derived and coalesce(c.total, 0) <> coalesce(j.derived, 0)"},
    {"a request has its journal rows, which name it",
     "select r.shard, r.request_id, r.operation, r.reference, r.legs, r.amount, j.* from ledger.request r"
     " left join lateral (select count(*) as rows, coalesce(sum(abs(x.amount)), 0) as moved,"
     "                           min(x.journal_no) filter (where x.shard = r.shard) as first from "
     "ledger.journal x"
     "                    where case when r.group_id is null then x.shard = r.shard and x.group_id is null"
     "                               else x.group_id = r.group_id end"
     "                      and x.request_id = r.request_id and x.kind = r.operation and x.reference = "
     "r.reference"
     "                      and x.application_id = r.application_id) j on true"
     " where (r.operation <> 'split' or r.account_id = 0)"
     "   and (r.legs <> j.rows or r.legs > 0 and r.amount <> j.moved"
     "    or r.legs > 0 and r.journal_no is null or r.legs > 0 and r.group_id is null and r.journal_no <> "
     "j.first)"},
    {"a split is its shares",
     "select r.* from (select * from ledger.request where operation = 'split' and account_id = 0) r"
     " full join (select group_id, sum(legs) as legs, sum(amount) as amount from ledger.request"
     "             where operation = 'split' and account_id <> 0 group by 1) s using (group_id)"
     " where r.legs is distinct from s.legs or r.amount is distinct from s.amount"},
    {"a share has its account's rows",
     "select r.* from ledger.request r where r.operation = 'split' and r.account_id <> 0"
     "   and not exists (select from ledger.journal j where j.shard = r.shard and j.account_id = r.account_id"
     "   and j.group_id = r.group_id having min(j.journal_no) = r.journal_no and count(*) = r.legs"
     "   and -sum(j.amount) = r.amount)"},
    {"a journal row has its request",
     "select j.* from ledger.journal j where not exists (select from ledger.request r where r.request_id = "
     "j.request_id"
     " and r.operation = j.kind and r.reference = j.reference and r.application_id = j.application_id"
     " and r.group_id is not distinct from j.group_id and (r.shard = j.shard or r.group_id is not null))"},
    {"request numbers are the shard's, each once",
     "select r.shard, r.request_id from ledger.request r join ledger.shard s using (shard)"
     " group by 1, 2 having count(*) > 1 or max(s.next_request_id) <= r.request_id"},
    {"a request of several legs keeps them",
     "select r.* from ledger.request r left join ledger.request_leg l using (shard, request_id)"
     " where r.group_id is not null group by r.shard, r.account_id, r.application_id, r.operation, "
     "r.reference"
     " having r.legs <> count(l.leg_no) or r.amount <> sum(l.amount) or r.legs <> max(l.leg_no)"},
    {"legs belong to a request",
     "select l.* from ledger.request_leg l left join ledger.request r using (shard, request_id)"
     " where r.group_id is null"},
    {"what was refunded is what linked refunds gave back",
     "select r.shard, r.request_id, r.amount, r.refunded from ledger.request r"
     "  left join (select a.shard, a.account_id, a.kind, a.application_id, a.reference, sum(b.amount) as "
     "given"
     "               from ledger.journal b join ledger.journal a on a.shard = b.shard"
     "                and a.journal_no = b.refund_of and a.account_id = b.account_id"
     "                and a.balance_no = b.balance_no group by 1, 2, 3, 4, 5) g"
     "    on g.shard = r.shard and g.account_id = r.account_id and g.kind = r.operation"
     "   and g.application_id = r.application_id and g.reference = r.reference"
     " where (r.operation in ('charge', 'capture') or r.operation = 'split' and r.account_id <> 0)"
     " and r.refunded <> coalesce(g.given, 0)"
     " and not (r.refunded = r.amount and exists (select from ledger.request v where v.operation = 'reversal'"
     "            and (v.shard = r.shard and v.account_id = r.account_id"
     "                 or r.operation = 'split' and v.account_id = 0)))"},
    {"no leg gives back more than it took",
     "select a.shard, a.journal_no, a.amount, sum(b.amount) from ledger.journal b join ledger.journal a"
     "    on a.shard = b.shard and a.journal_no = b.refund_of group by a.shard, a.journal_no, a.amount"
     " having sum(b.amount) > -a.amount"},
    {"balances are numbered without gaps",
     "select a.shard, a.account_id, a.balances from ledger.account a left join ledger.balance b using "
     "(shard, "
     "account_id)"
     " group by a.shard, a.account_id having a.balances <> count(b.balance_no) or a.balances <> "
     "coalesce(max(b.balance_no), 0)"},
    {"next_hold_expiry is not too late",
     "select a.* from ledger.account a join ledger.hold h using (shard, account_id)"
     " where h.state = 'open' and (a.next_hold_expiry is null or a.next_hold_expiry > h.expires_at)"},
    {"a closed account has nothing",
     "select b.* from ledger.account a join ledger.balance b using (shard, account_id)"
     " where a.state = 'closed' and (b.posted <> 0 or b.held <> 0)"},
    {"legs of transfers add up to 0",
     "select group_id, unit, sum(amount) from ledger.journal where contra = 'clearing' and kind = 'transfer'"
     " group by 1, 2 having sum(amount) <> 0"},
    {"journal rows carry their balance's unit",
     "select j.* from ledger.journal j left join ledger.balance b using (shard, account_id, balance_no)"
     " where b.unit is distinct from j.unit"},
};

}  // namespace

std::string broken_rules(base::sql::Session& session) {
    std::string broken;
    for (const auto& [rule, query] : rules) {
        const auto rows = session.exec("select x::text from (" + std::string(query) + " limit 1) x");
        if (!rows.empty()) broken += std::string(rule) + ": " + std::string(rows.text(0, 0)) + "\n";
    }
    return broken;
}

}  // namespace tests
