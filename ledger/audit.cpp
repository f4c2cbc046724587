// The checks, each a statement that returns the first row that breaks it.
#include "ledger/audit.hpp"

#include <array>

namespace ledger {
namespace {

struct Check {
    std::string_view rule;
    std::string_view query;  ///< one row a breach; its columns are shown
    std::string_view order;  ///< by which of them the first breach is the first
};

/// From what names a row directly to what only shows that something does not add up.
constexpr std::array checks{
    Check{"the seals of each shard form one chain",
          R"(select * from (select s.shard, s.from_no, s.to_no, s.previous, s.hash,
          lag(s.hash, 1, decode(repeat('00', 32), 'hex')) over w as hash_before,
          lag(s.to_no, 1, 0::bigint) over w as to_before
     from ledger.seal s window w as (partition by s.shard order by s.from_no)) x
    where x.previous <> x.hash_before or x.from_no <> x.to_before + 1)",
          "shard, from_no"},
    Check{"each shard's journal is numbered without gaps, in the order of time",
          R"(select * from (select j.*, lag(j.journal_no, 1, coalesce(a.to_no, 0)) over w as number_before,
          lag(j.recorded_at, 1, '-infinity') over w as time_before
     from ledger.journal j left join archived a on a.shard = j.shard
   window w as (partition by j.shard order by j.journal_no)) x
    where x.journal_no <> x.number_before + 1 or x.recorded_at < x.time_before)",
          "shard, journal_no"},
    Check{"each shard's journal ends where its next number says",
          R"(select s.shard, s.next_journal_no, j.last from ledger.shard s
     left join (select x.shard, max(x.journal_no) as last from ledger.journal x group by x.shard) j
       on j.shard = s.shard
     left join archived a on a.shard = s.shard
    where s.next_journal_no <> coalesce(j.last, a.to_no, 0) + 1)",
          "shard"},
    Check{"each sealed journal row is as it was sealed",
          R"(select * from (select j.*, substr(ledger.journal_digest(j), 1, 4) as mark,
          (select substr(s.marks, (4 * (j.journal_no - s.from_no) + 1)::integer, 4) from ledger.seal s
            where s.shard = j.shard and s.from_no <= j.journal_no order by s.from_no desc limit 1)
          as sealed_mark,
          (select max(s.to_no) from ledger.seal s where s.shard = j.shard) as sealed_to
     from ledger.journal j
    where exists (select from broken b where b.shard = j.shard
                     and j.journal_no between b.from_no and b.to_no)) x
    where x.mark <> x.sealed_mark)",
          "shard, journal_no"},
    Check{"each block of the journal has its seal's hash", "select * from broken", "shard, from_no"},
    Check{"along each balance, seq counts and balance_after is the running sum",
          R"(select * from (select j.*, lag(j.seq, 1, coalesce(o.seq, 0)) over w as seq_before,
          lag(j.balance_after, 1, coalesce(o.balance_after, 0)) over w as after_before
     from ledger.journal j
     left join ledger.opening o
       on o.shard = j.shard and o.account_id = j.account_id and o.balance_no = j.balance_no
   window w as (partition by j.shard, j.account_id, j.balance_no order by j.seq)) x
    where x.seq <> x.seq_before + 1 or x.balance_after::numeric <> x.after_before::numeric + x.amount)",
          "shard, journal_no"},
    Check{"each balance is the sum of its journal rows",
          R"(select * from ledger.balance b
     full join (select x.shard, x.account_id, x.balance_no, x.unit, sum(x.amount) as sum, count(*) as rows
                  from ledger.journal x group by 1, 2, 3, 4) j using (shard, account_id, balance_no, unit)
     left join ledger.opening o using (shard, account_id, balance_no)
    where b.shard is null or b.posted <> coalesce(j.sum, 0) + coalesce(o.balance_after, 0)
       or b.seq <> coalesce(j.rows, 0) + coalesce(o.seq, 0))",
          "shard, account_id, balance_no"},
    Check{"each contra total is the journal's other side",
          R"(select * from ledger.contra c
     full join (select x.shard, x.contra, x.application_id, x.unit, -sum(x.amount) as journal
                  from ledger.journal x group by 1, 2, 3, 4) j using (shard, contra, application_id, unit)
     left join ledger.opening_contra o using (shard, contra, application_id, unit)
    where coalesce(c.total, 0) <> coalesce(j.journal, 0) + coalesce(o.total, 0))",
          "shard, contra, application_id, unit"},
    Check{"each request has its journal rows",
          R"(select r.* from ledger.request r
     left join (select x.shard, x.account_id, x.application_id, x.kind, x.reference, x.request_id,
                       count(*) as rows, sum(abs(x.amount)) as moved, min(x.journal_no) as first
                  from ledger.journal x where x.group_id is null group by 1, 2, 3, 4, 5, 6) j
       on j.shard = r.shard and j.account_id = r.account_id and j.application_id = r.application_id
      and j.kind = r.operation and j.reference = r.reference and j.request_id = r.request_id
     left join archived a on a.shard = r.shard
    where r.group_id is null and (r.journal_no <= a.to_no) is not true
      and (r.legs <> coalesce(j.rows, 0)
           or r.legs > 0 and (r.amount is distinct from j.moved or r.journal_no is distinct from j.first)))",
          "shard, request_id"},
    Check{"each request of several legs has its journal rows",
          R"(select r.* from ledger.request r
     left join (select x.group_id, x.application_id, x.kind, x.reference, x.request_id,
                       count(*) as rows, sum(abs(x.amount)) as moved
                  from ledger.journal x where x.group_id is not null group by 1, 2, 3, 4, 5) j
       on j.group_id = r.group_id and j.application_id = r.application_id and j.kind = r.operation
      and j.reference = r.reference and j.request_id = r.request_id
    where r.group_id is not null and (r.operation <> 'split' or r.account_id = 0)
      and (r.legs is distinct from j.rows or r.amount is distinct from j.moved)
      and (r.recorded_at < (select max(a.until) from archived a)) is not true)",
          "shard, request_id"},
    Check{"each share of a split has its journal rows",
          R"(select * from (select r.* from ledger.request r
                    where r.operation = 'split' and r.account_id <> 0) s
     full join (select x.shard, x.account_id, x.group_id, count(*) as rows, -sum(x.amount) as moved,
                       min(x.journal_no) as first
                  from ledger.journal x where x.kind = 'split' group by 1, 2, 3) j
       using (shard, account_id, group_id)
     left join archived a using (shard)
    where (s.journal_no <= a.to_no) is not true
      and (s.legs is distinct from j.rows or s.amount is distinct from j.moved
           or s.journal_no is distinct from j.first))",
          "shard, account_id, group_id"},
    Check{"each journal row has its request",
          // Two questions, each asked of all rows at once: as one, it would be asked row by row, and of those
          // in groups each time all requests.
          R"(select j.* from ledger.journal j
    where j.group_id is null
      and not exists (select from ledger.request r
                       where r.shard = j.shard and r.account_id = j.account_id and r.group_id is null
                         and r.application_id = j.application_id and r.operation = j.kind
                         and r.reference = j.reference and r.request_id = j.request_id)
    union all
   select j.* from ledger.journal j
    where j.group_id is not null
      and not exists (select from ledger.request r
                       where r.group_id = j.group_id and r.application_id = j.application_id
                         and r.operation = j.kind and r.reference = j.reference
                         and r.request_id = j.request_id))",
          "shard, journal_no"},
    Check{"each request of several legs keeps them",
          R"(select r.* from ledger.request r
     left join (select x.shard, x.request_id, count(*) as rows, sum(x.amount) as moved
                  from ledger.request_leg x group by 1, 2) l
       on l.shard = r.shard and l.request_id = r.request_id
    where r.group_id is not null and (r.legs is distinct from l.rows or r.amount is distinct from l.moved))",
          "shard, request_id"},
    Check{"of each charge as much was given back as its refunds, or its reversal, came to",
          R"(select r.*, f.given from ledger.request r
     left join (select c.shard, c.account_id, c.application_id, c.kind, c.reference, sum(x.amount) as given
                  from ledger.journal x
                  join ledger.journal c on c.shard = x.shard and c.journal_no = x.refund_of
                 where x.refund_of is not null group by 1, 2, 3, 4, 5) f
       on f.shard = r.shard and f.account_id = r.account_id and f.application_id = r.application_id
      and f.kind = r.operation and f.reference = r.reference
     left join (select distinct x.of_shard, x.of_request_id from ledger.reversal x) v
       on v.of_shard = r.shard and v.of_request_id = r.request_id
     -- With a split, all its shares are undone.
     left join (select distinct o.group_id from ledger.reversal x
                  join ledger.request o on o.shard = x.of_shard and o.request_id = x.of_request_id
                 where o.operation = 'split') w on w.group_id = r.group_id and r.operation = 'split'
    where r.refunded <> coalesce(f.given, 0)
                        + case when v.of_request_id is null and w.group_id is null then 0 else r.amount end
      and (r.recorded_at < (select max(a.until) from archived a)) is not true
      -- A reversal from before it named what it undid; of a split it is no account's own.
      and not (f.given is null and r.refunded = r.amount
               and exists (select from ledger.request y
                            where y.operation = 'reversal'
                              and (y.shard = r.shard and y.account_id = r.account_id
                                   or y.account_id = 0 and r.operation = 'split'
                                      and exists (select from ledger.request_leg l
                                                   where l.shard = y.shard and l.request_id = y.request_id
                                                     and l.leg_shard = r.shard
                                                     and l.account_id = r.account_id))
                              and not exists (select from ledger.reversal x
                                               where x.group_id = y.group_id
                                                 and x.of_request_id is not null))))",
          "shard, request_id"},
    Check{
        "each voucher that was credited is redeemed, for what it is worth",
        R"(select * from (select x.shard, x.account_id, x.application_id, x.reference, x.request_id, x.amount
                    from ledger.request x where x.operation = 'voucher') r
     full join (select x.shard, x.account_id, x.application_id, x.reference, sum(b.amount) as worth
                  from ledger.voucher x join ledger.voucher_batch b using (batch_id)
                 where x.redeemed_at is not null group by 1, 2, 3, 4) v
       using (shard, account_id, application_id, reference)
    where r.amount is distinct from v.worth)",
        "shard, account_id, application_id, reference"},
    Check{"each volume has its request",
          R"(select v.* from ledger.request_volume v
    where not exists (select from ledger.request r
                       where r.shard = v.shard and r.request_id = v.request_id))",
          "shard, request_id"},
    Check{"each hold of a volume is what its requests asked for",
          R"(select h.*, v.asked, v.used from ledger.hold h
     left join (select r.shard, r.hold_id, sum(q.volume) filter (where r.operation <> 'capture') as asked,
                       coalesce(sum(q.volume) filter (where r.operation = 'capture'), 0) as used
                  from ledger.request r
                  join ledger.request_volume q on q.shard = r.shard and q.request_id = r.request_id
                 where r.hold_id is not null group by 1, 2) v
       on v.shard = h.shard and v.hold_id = h.hold_id
    where h.volume is distinct from v.asked or h.captured_volume is distinct from v.used)",
          "shard, placed_at, hold_id"},
    Check{"each hold is the sum of its legs",
          R"(select * from ledger.hold h
     full join (select x.shard, x.hold_id, sum(x.amount) as legs_amount, sum(x.captured) as legs_captured
                  from ledger.hold_leg x group by 1, 2) l using (shard, hold_id)
    where h.amount is distinct from l.legs_amount or h.captured is distinct from l.legs_captured)",
          "shard, placed_at, hold_id"},
    Check{"each balance holds what its open holds have left",
          R"(select * from ledger.balance b
     full join (select h.shard, h.account_id, g.balance_no, sum(g.amount - g.captured) as holds_left
                  from ledger.hold h join ledger.hold_leg g on g.shard = h.shard and g.hold_id = h.hold_id
                 where h.state = 'open' group by 1, 2, 3) l using (shard, account_id, balance_no)
    where coalesce(b.held, 0) <> coalesce(l.holds_left, 0))",
          "shard, account_id, balance_no"},
    Check{"each balance that may be charged without its account knows how that stands",
          R"(select b.*, a.state, a.epoch, a.default_balance_no, a.spending_order from ledger.balance b
     join ledger.account a on a.shard = b.shard and a.account_id = b.account_id
    where b.account_epoch is not null
      and (a.state <> 'active' or b.account_epoch <> a.epoch
           or b.takes_unnamed <> (b.balance_no = a.default_balance_no and not a.spending_order)))",
          "shard, account_id, balance_no"},
    Check{"per unit, all balances and all contra totals add up to 0",
          "select * from finance.trial_balance where total <> 0", "unit"},
};

/// Up to where each shard's journal is archived.
constexpr auto archived_rows = R"(
    with archived as (select x.shard, max(x.to_no) as to_no, max(x.until) as until
                        from ledger.archive x group by x.shard) )";

/// Blocks whose rows do not give the seal's hash. Which block a row is in is a search in the list of first
/// numbers; rows are sorted once.
constexpr auto broken_blocks = R"(
    , broken as materialized (
        select s.shard, s.from_no, s.to_no, s.hash from ledger.seal s
          left join (select j.shard, a.starts[width_bucket(j.journal_no, a.starts)] as from_no,
                  string_agg(ledger.journal_digest(j), '' order by j.journal_no) as digests,
                  max(j.journal_no) as to_no
             from (select x.shard, array_agg(x.from_no order by x.from_no) as starts, max(x.to_no) as ends
                     from ledger.seal x group by x.shard) a
             join ledger.journal j on j.shard = a.shard and j.journal_no <= a.ends
            group by 1, 2) d on d.shard = s.shard and d.from_no = s.from_no
          left join archived a on a.shard = s.shard
         where (s.to_no <= a.to_no) is not true
           and (d.digests is null or sha256(s.previous || d.digests) <> s.hash)) )";

bool needs_blocks(const Check& check) { return check.query.find("broken") != std::string_view::npos; }

}  // namespace

AuditReport verify(base::sql::Session& session, const AuditProgress& progress) {
    base::sql::Transaction transaction(session);
    session.exec("set transaction isolation level repeatable read, read only");
    AuditReport report;
    report.as_of = session.exec("select clock_timestamp()").text(0, 0);
    bool blocks_agree = false;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        const auto& check = checks[i];
        progress(i + 1, checks.size(), check.rule);
        // A row whose mark differs is in a block whose hash does: one look at the blocks is enough.
        if (needs_blocks(check) && !blocks_agree && check.query.find("mark") != std::string_view::npos) {
            const auto blocks =
                session.exec(std::string(archived_rows) + broken_blocks + "select 1 from broken limit 1");
            blocks_agree = blocks.empty();
        }
        if (!needs_blocks(check) || !blocks_agree) {
            const auto rows =
                session.exec(std::string(archived_rows) + (needs_blocks(check) ? broken_blocks : "") +
                             "select row_to_json(w)::text from (" + std::string(check.query) +
                             ") w order by " + std::string(check.order) + " limit 1");
            if (!rows.empty()) {
                report.wrong = std::string(check.rule) + ", but not: " + std::string(rows.text(0, 0));
                return report;
            }
        }
        report.agree.emplace_back(check.rule);
    }
    const auto figures = session.exec(
        "select (select coalesce(sum(next_journal_no - 1), 0) from ledger.shard),"
        "       (select count(*) from ledger.seal),"
        "       (select coalesce(sum(to_no - from_no + 1), 0) from ledger.seal),"
        "       (select coalesce(sum(to_no - from_no + 1), 0) from ledger.archive)");
    report.agree.push_back(std::string(figures.text(0, 0)) + " journal rows; " +
                           std::string(figures.text(0, 1)) + " seals over " +
                           std::string(figures.text(0, 2)) + " of them, the others are younger; " +
                           std::string(figures.text(0, 3)) + " are archived, their seals stay");
    return report;
}

}  // namespace ledger
