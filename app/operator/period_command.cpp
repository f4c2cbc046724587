// `ledgerline period`: closes a month for finance, moves its journal out of the way, lists the closed ones.
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/values.hpp"
#include "ledger/sweeper.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace app {
namespace {

using base::sql::params;

std::vector<Column> trial_balance_columns() {
    using Kind = Column::Kind;
    return {
        {.name = "month", .source = "to_char(month, 'YYYY-MM')"},
        {.name = "unit"},
        {.name = "balances", .kind = Kind::amount},
        {.name = "contra", .kind = Kind::amount},
        {.name = "total", .kind = Kind::amount},
        {.name = "funds", .kind = Kind::amount},
        {.name = "overdrafts", .kind = Kind::amount},
        {.name = "ended_at", .kind = Kind::time, .source = "to_time"},
        {.name = "closed_at", .kind = Kind::time},
        {.name = "closed_by"},
    };
}

/// Whether it was open until now.
bool close_frozen(base::sql::Session& session, const std::string& day, const std::string& by) {
    try {
        return session.exec("select ledger.close_month($1, $2)", params(day, by)).boolean(0, 0);
    } catch (const base::sql::Error& error) {
        if (error.sqlstate() == "55000") throw Refused("archived", raised_text(error));
        if (error.sqlstate() != "XX001") throw;
        throw Refused("wrong", raised_text(error));
    }
}

base::sql::Rows moved_rows(base::sql::Session& session, const std::string& day) {
    try {
        return session.exec("select ledger.archive_month($1)", params(day));
    } catch (const base::sql::Error& error) {
        if (error.sqlstate() == "55000") throw Refused("period_open", raised_text(error));
        if (error.sqlstate() == "XX001") throw Refused("wrong", raised_text(error));
        throw;
    }
}

void close(Desk& desk, const std::string& month, const std::string& by) {
    desk.refuse_on_cluster("period close");
    const auto day = first_day(month);
    const auto end = desk.query(
        "select to_char(m.to_time, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), m.to_time <= clock_timestamp()"
        "  from ledger.month_end($1) m(to_time)",
        params(day));
    const std::string until(end.text(0, 0));
    if (!end.boolean(0, 1)) throw Refused("period_open", month + " is not over: it ends at " + until);
    auto session = desk.long_session();
    ledger::freeze_totals(session, until);
    base::sql::Transaction transaction(session);
    const bool now = close_frozen(session, day, by);
    desk.record_in(session);
    transaction.commit();
    desk.out().done(now ? "Closed " + month + ": its totals and its trial balance never change again."
                        : month + " was closed before; nothing was changed.",
                    {{"month", month}}, now ? "closed" : "replayed");
}

void archive(Desk& desk, const std::string& month) {
    desk.refuse_on_cluster("period archive");
    auto session = desk.long_session();
    base::sql::Transaction transaction(session);
    const auto rows = moved_rows(session, first_day(month));
    desk.record_in(session);
    transaction.commit();
    if (rows.is_null(0, 0)) {
        desk.out().done(month + " was archived before; nothing was changed.", {{"month", month}}, "replayed");
        return;
    }
    const auto moved = rows.integer(0, 0);
    if (moved == 0) {
        desk.out().done("The journal has no rows of " + month + ", nor of before; nothing was changed.",
                        {{"month", month}, {"rows", moved}}, "archived");
        return;
    }
    auto table = "ledger_archive.journal_" + month;
    std::ranges::replace(table, '-', '_');
    desk.out().done("Moved " + std::to_string(moved) + " rows to " + table +
                        ". Dump that table, then drop it; `vacuum ledger.journal` gives its room back.",
                    {{"month", month}, {"rows", moved}, {"table", table}}, "archived");
}

void list(Desk& desk) {
    desk.out().list(desk.table(trial_balance_columns(), "from finance.closed_months order by month, unit"),
                    "No month is closed.");
}

}  // namespace

void add_period_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "period", "Close, archive and list months", "close 2026-10");
    const auto month = std::make_shared<std::string>();
    const auto by = std::make_shared<std::string>(operator_application);
    auto& closing = group.add_act(
        "close", "Freeze a month that is over, compare it with the journal, keep its trial balance",
        "2026-10 --by 'A. Counter'", [month, by](Desk& desk) { close(desk, *month, *by); });
    closing.add_option("MONTH", *month, "e.g. 2026-10")->required();
    closing.add_option("--by", *by, "Who closes it, for the record")->capture_default_str();
    group
        .add_act("archive", "Move the journal of a closed month, and of all before it, out of the way",
                 "2026-10", [month](Desk& desk) { archive(desk, *month); })
        .add_option("MONTH", *month, "e.g. 2026-10")
        ->required();
    group.add("list", "Every closed month with its trial balance", "", [](Desk& desk) { list(desk); });
}

}  // namespace app
