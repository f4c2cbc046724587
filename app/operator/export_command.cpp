// `ledgerline export`: a statement, the journal or the trial balance of a period, as CSV or for hledger.
//
// Rows come through a cursor and go out at once: an export of any size needs the memory of one piece.
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/export_format.hpp"
#include "app/operator/progress.hpp"
#include "app/operator/refused.hpp"
#include "app/operator/values.hpp"
#include "ledger/address.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace app {
namespace {

using base::sql::params;

constexpr int piece = 2000;
constexpr auto opening_account = "equity:opening";

struct Arguments {
    std::string address, month, from, to, output, format = "csv";
    [[nodiscard]] bool hledger() const { return format == "hledger"; }
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

/// Half-open, as PostgreSQL writes times; nothing: no such bound.
struct Period {
    std::optional<std::string> from, to;
};

/// Times without a zone, and months, are in finance's own zone; so are the days of the session from here on.
Period period_of(base::sql::Session& session, const Arguments& arguments) {
    session.exec("select set_config('TimeZone', finance.time_zone(), false)");
    if (arguments.month.empty()) {
        const auto times = session.exec(
            "select $1::timestamptz::text, $2::timestamptz::text, $1::timestamptz > $2::timestamptz is true",
            params(time_of(arguments.from, ""), time_of(arguments.to, "")));
        if (times.boolean(0, 2))
            throw PlainError("--to " + arguments.to + " is before --from " + arguments.from);
        return {times.optional_text(0, 0), times.optional_text(0, 1)};
    }
    if (!arguments.from.empty() || !arguments.to.empty()) throw PlainError("--month or --from and --to");
    // A month that is closed ends where it did then.
    const auto times = session.exec(
        "select coalesce((select max(to_time) from finance.closed_months where month = d.month - interval '1 "
        "month'), finance.day_begins(d.month))::text,"
        "       coalesce((select max(to_time) from finance.closed_months where month = d.month),"
        "                finance.day_begins((d.month + interval '1 month')::date))::text"
        "  from (select $1::date as month) d",
        params(first_day(arguments.month)));
    return {times.optional_text(0, 0), times.optional_text(0, 1)};
}

/// What is archived can't be exported: postings without a first time begin where it ends, and a journal that
/// is wanted from earlier on, or until earlier, is refused. (A statement is not, by this, of an account that
/// has nothing there.)
void begin_behind_archive(base::sql::Session& session, const Arguments& arguments, Period& period) {
    const auto archive = session.exec(
        "select t::text, coalesce($1::timestamptz < t or $2::timestamptz <= t, false) from "
        "finance.archived_before() t",
        params(period.from, period.to));
    if (archive.is_null(0, 0)) return;
    const std::string before(archive.text(0, 0));
    const bool in_archive = archive.boolean(0, 1);
    if (in_archive && arguments.address.empty()) {
        throw Refused("archived", "the journal before " + before +
                                      " is archived; finance.closed_months and finance.control_totals have "
                                      "its totals");
    }
    if (!in_archive && !period.from) period.from = before;
}

/// The file that is not whole yet; a signal's handler has no other way to it. Empty: there is none.
std::array<char, PATH_MAX> part_under_way{};

void remove_part_and_end(int signal) {
    if (part_under_way[0] != '\0') ::unlink(part_under_way.data());
    static_cast<void>(::raise(signal));  // the handler was for once: this ends the program when it returns
}

/// For its lifetime, a signal that ends the program takes the half file with it.
class PartGuard {
  public:
    explicit PartGuard(const std::string& part) {
        if (part.size() >= part_under_way.size()) throw PlainError("the path " + part + " is too long");
        part.copy(part_under_way.data(), part.size());
        for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) {
            struct sigaction action {};
            // What is ignored (nohup's SIGHUP) ends nothing.
            if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
            action.sa_handler = remove_part_and_end;
            action.sa_flags = static_cast<int>(SA_RESETHAND);
            ::sigaction(signal, &action, nullptr);
        }
    }
    ~PartGuard() { part_under_way[0] = '\0'; }
    PartGuard(const PartGuard&) = delete;
    PartGuard& operator=(const PartGuard&) = delete;
};

/// Where the rows go: standard output, or a file that has its name only once it is whole. What is no regular
/// file (a pipe, /dev/null) is written to as it is: a file that took its name would take its place.
class Output {
  public:
    explicit Output(std::string name) : name_(std::move(name)) {
        if (name_.empty()) return;
        std::error_code unknown;
        const auto there = std::filesystem::status(name_, unknown).type();
        if (there == std::filesystem::file_type::regular)
            name_ = std::filesystem::canonical(name_);  // a link stays one
        else if (there != std::filesystem::file_type::not_found)
            in_place_ = true;
        if (!in_place_) {
            open_part();
            return;
        }
        file_.reset(std::fopen(name_.c_str(), "we"));
        if (!file_) fail();
    }
    ~Output() {
        if (!name_.empty() && !in_place_ && !whole_) ::unlink(part().c_str());
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    void write(const std::string& text) {
        if (std::fwrite(text.data(), 1, text.size(), stream()) != text.size()) fail();
    }
    void finish() {
        if (std::fflush(stream()) != 0) fail();
        if (name_.empty() || in_place_) return;
        guard_.reset();  // before somebody else's part may have this name
        if (::rename(part().c_str(), name_.c_str()) != 0) fail();
        whole_ = true;
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    /// Two that wrote one file would write into each other: the second one is refused.
    void open_part() {
        struct stat opened {};
        struct stat named {};
        do {
            const int descriptor = ::open(part().c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
            if (descriptor < 0) fail();
            file_.reset(::fdopen(descriptor, "w"));
            if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
                throw PlainError("another export is writing " + name_ + " now");
            // One that has ended meanwhile has given what we opened its other name.
            if (::fstat(descriptor, &opened) != 0) fail();
        } while (::stat(part().c_str(), &named) != 0 || named.st_ino != opened.st_ino);
        guard_.emplace(part());
        // Who bought what from whom is for its owner's eyes; a file that others were let read stays so.
        const bool replaces = ::stat(name_.c_str(), &named) == 0;
        if (::fchmod(::fileno(file_.get()), replaces ? named.st_mode & 0777U : 0600) != 0) fail();
        if (::ftruncate(::fileno(file_.get()), 0) != 0) fail();
    }

    [[nodiscard]] std::string part() const { return name_ + ".part"; }
    [[nodiscard]] std::FILE* stream() const { return name_.empty() ? stdout : file_.get(); }
    [[noreturn]] void fail() const {
        throw PlainError("can't write " + (name_.empty() ? "to standard output" : name_) + ": " +
                         std::strerror(errno));
    }

    std::string name_;
    std::unique_ptr<std::FILE, Close> file_;
    std::optional<PartGuard> guard_;
    bool in_place_ = false;
    bool whole_ = false;
};

/// One export under way.
struct Export {
    base::sql::Session& session;
    Output output;
    Progress progress{};
    std::int64_t rows = 0;
    std::int64_t expected = 0;  ///< for the progress bar only
    std::string heading{};  ///< written once the database has begun to answer: of what is refused nothing is

    /// Every row of a query, one piece after the other, behind the heading.
    void each(const std::string& query, const base::sql::Params& parameters,
              const std::function<void(const base::sql::Rows&, std::size_t)>& write) {
        session.exec("declare rows no scroll cursor for " + query, parameters);
        const auto fetch = "fetch " + std::to_string(piece) + " from rows";
        auto fetched = session.exec(fetch);
        output.write(std::exchange(heading, {}));
        for (; !fetched.empty(); fetched = session.exec(fetch)) {
            for (std::size_t row = 0; row < fetched.size(); ++row) write(fetched, row);
            rows += static_cast<std::int64_t>(fetched.size());
            progress.show(rows, expected, "rows exported");
        }
        session.exec("close rows");
    }

    /// A heading and every row of a query.
    void csv(const std::vector<Column>& columns, const std::string& rest,
             const base::sql::Params& parameters) {
        std::vector<std::optional<std::string>> fields;
        for (const auto& column : columns) fields.emplace_back(column.name);
        heading = csv_line(fields);
        each("select " + select_list(columns) + ' ' + rest, parameters,
             [&](const base::sql::Rows& fetched, std::size_t row) {
                 for (std::size_t i = 0; i < columns.size(); ++i) fields[i] = fetched.optional_text(row, i);
                 output.write(csv_line(fields));
             });
    }

    /// What stands before the first transaction.
    void hledger_heading(const std::string& title) {
        heading = "; " + title + "\ndecimal-mark .\n";
        const auto units = session.exec("select unit, decimals from finance.units order by unit");
        for (std::size_t row = 0; row < units.size(); ++row) {
            heading += hledger_commodity(units.text(row, 0), static_cast<int>(units.integer(row, 1)));
        }
        heading += '\n';
    }
};

std::vector<Column> journal_columns() {
    std::vector<Column> columns;
    for (const auto* time : {"recorded_at", "effective_at"}) {
        columns.push_back({.name = time,
                           .source = "to_char(" + std::string(time) +
                                     R"( at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))"});
    }
    for (const auto* name :
         {"address", "balance_type", "unit", "amount", "kind", "application", "reference_code", "description",
          "balance_after", "contra", "code", "shard", "journal_no", "request_id", "group_id", "hold_id",
          "refund_of", "seq", "account_id"}) {
        columns.push_back({.name = name});
    }
    return columns;
}

std::vector<Column> statement_columns() {
    auto columns = journal_columns();
    const auto wanted = [](const Column& column) {
        for (const auto* name : {"recorded_at", "balance_type", "unit", "amount", "kind", "application",
                                 "reference_code", "description", "balance_after"}) {
            if (column.name == name) return true;
        }
        return false;
    };
    std::erase_if(columns, [&](const Column& column) { return !wanted(column); });
    return columns;
}

/// Rows of finance.journal as transactions.
void hledger_rows(Export& to, const std::string& rest, const base::sql::Params& parameters) {
    const std::string columns =
        "select recorded_at::date, reference_code, coalesce(description, code, kind), kind, application,"
        R"( to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),)"
        " concat_ws('-', shard, journal_no), address, balance_type, contra, amount, unit ";
    to.each(columns + rest, parameters, [&](const base::sql::Rows& rows, std::size_t row) {
        const auto text = [&](std::size_t column) { return std::string(rows.text(row, column)); };
        HledgerTransaction transaction;
        transaction.date = text(0);
        transaction.code = text(1);
        transaction.description = text(2);
        transaction.tags = {
            {"kind", text(3)}, {"application", text(4)}, {"recorded", text(5)}, {"journal", text(6)}};
        transaction.account = customer_account(rows.text(row, 7), rows.text(row, 8));
        transaction.other = contra_account(rows.text(row, 9), rows.text(row, 4));
        transaction.amount = text(10);
        transaction.unit = text(11);
        to.output.write(hledger_text(transaction));
    });
}

/// What was there before the period, on the day before it: reports that begin with the period leave it out.
/// `query` gives address and balance type of a customer's balance, or contra account and application; amount,
/// unit, day.
void hledger_opening(Export& to, const std::string& query, const base::sql::Params& parameters) {
    to.each(query, parameters, [&](const base::sql::Rows& rows, std::size_t row) {
        HledgerTransaction transaction;
        transaction.description = "opening balance";
        transaction.account = rows.is_null(row, 0) ? contra_account(rows.text(row, 2), rows.text(row, 3))
                                                   : customer_account(rows.text(row, 0), rows.text(row, 1));
        transaction.other = opening_account;
        transaction.amount = rows.text(row, 4);
        transaction.unit = rows.text(row, 5);
        transaction.date = rows.text(row, 6);
        to.output.write(hledger_text(transaction));
    });
}

void write_statement(Export& to, const Arguments& arguments, const Period& period) {
    const auto address = ledger::normal_address(arguments.address);
    if (to.session.exec("select from finance.holders_of($1)", params(address)).empty())
        throw Refused(ledger::Refusal::unknown_account, address + " never was an account's address");
    const auto parameters = params(address, period.from, period.to);
    if (to.progress.shown()) {
        to.expected =
            to.session.exec("select count(*) from finance.statement($1, $2, $3)", parameters).integer(0, 0);
    }
    if (!arguments.hledger()) {
        to.csv(statement_columns(), "from finance.journal_of($1, $2, $3)", parameters);
        return;
    }
    to.hledger_heading("statement of " + address);
    hledger_opening(to,
                    "select address, balance_type, null, null, amount, unit, as_of::date - 1"
                    "  from finance.opening_of($1, $2, $3)",
                    parameters);
    hledger_rows(to, "from finance.journal_of($1, $2, $3)", parameters);
}

void write_journal(Export& to, const Arguments& arguments, const Period& period) {
    const auto parameters = params(period.from, period.to);
    const std::string rest =
        "from finance.journal where recorded_at >= coalesce($1::timestamptz, '-infinity')"
        " and recorded_at < coalesce($2::timestamptz, 'infinity') order by recorded_at, shard, journal_no";
    if (to.progress.shown()) {
        // By whole days: these totals are frozen, while counting would read all that is read again then.
        to.expected = to.session
                          .exec(
                              "select coalesce(sum(count), 0)::bigint from finance.control_totals"
                              " where day >= coalesce($1::timestamptz, '-infinity')::date"
                              "   and day <= coalesce($2::timestamptz - interval '1 microsecond',"
                              "                       'infinity')::date",
                              parameters)
                          .integer(0, 0);
    }
    if (!arguments.hledger()) {
        to.csv(journal_columns(), rest, parameters);
        return;
    }
    to.hledger_heading("journal");
    if (period.from) {
        hledger_opening(to,
                        "select address, balance_type, null, null, posted, unit, $1::timestamptz::date - 1"
                        "  from finance.balances_at($1::timestamptz - interval '1 microsecond')"
                        " where posted <> 0"
                        " union all"
                        " select null, null, contra, application, amount, unit, $1::timestamptz::date - 1"
                        "  from finance.contra_at($1::timestamptz - interval '1 microsecond')",
                        params(period.from));
    }
    hledger_rows(to, rest, parameters);
}

void write_trial_balance(Export& to, const Arguments& arguments, const Period& period) {
    const auto parameters = params(period.from, period.to);
    const std::string from = "from finance.trial_balance_between($1, $2)";
    if (!arguments.hledger()) {
        to.csv({{.name = "unit"},
                {.name = "account"},
                {.name = "application"},
                {.name = "opening"},
                {.name = "change"},
                {.name = "closing"}},
               from, parameters);
        return;
    }
    to.hledger_heading("trial balance");
    const std::string rows =
        "select account, application, opening, change, unit,"
        "       coalesce($1::timestamptz, clock_timestamp())::date - 1,"
        "       coalesce($2::timestamptz - interval '1 microsecond', clock_timestamp())::date ";
    to.each(rows + from, parameters, [&](const base::sql::Rows& row_set, std::size_t row) {
        HledgerTransaction transaction;
        transaction.account = row_set.is_null(row, 1)
                                  ? "liabilities:customers"
                                  : contra_account(row_set.text(row, 0), row_set.text(row, 1));
        transaction.unit = row_set.text(row, 4);
        transaction.other = opening_account;
        transaction.description = "opening balance";
        transaction.amount = row_set.text(row, 2);
        transaction.date = row_set.text(row, 5);
        to.output.write(hledger_text(transaction));
        transaction.other = "equity:period";
        transaction.description = "change in the period";
        transaction.amount = row_set.text(row, 3);
        transaction.date = row_set.text(row, 6);
        to.output.write(hledger_text(transaction));
    });
}

using Write = void (*)(Export&, const Arguments&, const Period&);

void write_or_refuse(Write write, Export& to, const Arguments& arguments, const Period& period) {
    try {
        write(to, arguments, period);
    } catch (const base::sql::Error& error) {
        if (error.sqlstate() != "55000") throw;
        throw Refused("archived", raised_text(error));
    }
}

void run(FinanceDesk& desk, const Arguments& arguments, Write write) {
    if (desk.out.as_json() && arguments.output.empty()) {
        throw PlainError("--json speaks about the file that --output names; rows are CSV or hledger's");
    }
    const base::sql::Transaction transaction(desk.session);
    desk.session.exec("set transaction isolation level repeatable read, read only");
    desk.session.exec("set local cursor_tuple_fraction = 1");  // all rows are wanted, not the first ones
    auto period = period_of(desk.session, arguments);
    if (write != write_trial_balance) begin_behind_archive(desk.session, arguments, period);
    std::int64_t rows = 0;
    {
        Export to{desk.session, Output(arguments.output)};
        write_or_refuse(write, to, arguments, period);
        to.output.finish();
        rows = to.rows;
    }
    if (rows == 0) std::cerr << "There is nothing in this period.\n";
    if (!arguments.output.empty()) {
        desk.out.done("Wrote " + std::to_string(rows) + " rows to " + arguments.output + '.',
                      {{"rows", rows}, {"file", arguments.output}});
    }
}

}  // namespace

void add_export_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "export",
                       "Write a period's statement, journal or trial balance for other programs",
                       "journal --month 2026-10 --format hledger");
    const auto add = [&](const std::string& name, const std::string& text, const std::string& example,
                         Write write) -> CLI::App& {
        const auto arguments = std::make_shared<Arguments>();
        auto& command = group.add_for_finance(
            name, text, example, [arguments, write](FinanceDesk& desk) { run(desk, *arguments, write); });
        if (write == write_statement) {
            command.add_option("ADDRESS", arguments->address, "e.g. tel:+15550001")->required();
        }
        command.add_option("--month", arguments->month, "A month, e.g. 2026-10, as finance cuts it");
        command.add_option("--from", arguments->from, "From this time on (default: since ever)");
        command.add_option("--to", arguments->to, "Until before this time (default: until now)");
        command.add_option("--format", arguments->format, "csv or hledger")
            ->check(CLI::IsMember({"csv", "hledger"}))
            ->capture_default_str();
        command.add_option("--output", arguments->output,
                           "File; it appears once it is whole (default: standard output)");
        return command;
    };
    add("statement", "Every posting of the accounts that had an address, with the running balance",
        "tel:+15550001 --month 2026-10", write_statement);
    add("journal", "Every posting of all accounts", "--from 2026-10-01 --to 2026-11-01", write_journal);
    add("trial-balance", "Opening, change and closing of customers and contra accounts",
        "--month 2026-10 --output october.csv", write_trial_balance);
}

}  // namespace app
