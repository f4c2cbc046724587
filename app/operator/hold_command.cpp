// `ledgerline hold`: shows holds, and releases them by hand.
#include "app/client_commands.hpp"
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "base/ids.hpp"
#include "ledger/hold_id.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace app {
namespace {

using Kind = Column::Kind;
using base::sql::params;

constexpr std::int64_t list_limit = 100;

struct Arguments {
    std::string address, id;
    std::int64_t limit = list_limit;
    bool all = false;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

std::vector<Column> hold_columns() {
    return {
        // As ledger::to_string writes it, and hold_id_of reads it.
        {.name = "hold", .source = "lpad(to_hex(shard::integer), 4, '0') || replace(hold_id::text, '-', '')"},
        {.name = "address"},
        {.name = "unit"},
        {.name = "amount", .kind = Kind::amount},
        {.name = "captured", .kind = Kind::amount},
        {.name = "held", .kind = Kind::amount},
        {.name = "state"},
        {.name = "application"},
        {.name = "placed_at", .kind = Kind::time},
        {.name = "expires_at", .kind = Kind::time},
        {.name = "ended_at", .kind = Kind::time},
        {.name = "description"},
    };
}

ledger::HoldId hold_named(const std::string& text) {
    const auto id = ledger::hold_id_of(text);
    if (!id) throw PlainError("'" + text + "' is no hold: 36 digits as `ledgerline hold list` shows them");
    return *id;
}

void list(Desk& desk, const Arguments& arguments) {
    // The tables behind the view find what is open by its index.
    std::string rest =
        "from finance.holds where (shard, hold_id) in (select h.shard, h.hold_id from ledger.hold h where "
        "true";
    base::sql::Params parameters;
    parameters.add(arguments.limit + 1);
    if (!arguments.address.empty()) {
        const auto account = desk.account(arguments.address);
        parameters.add(std::int64_t{account->shard}).add(account->id);
        rest += " and h.shard = $2 and h.account_id = $3";
    }
    if (!arguments.all) rest += " and h.state = 'open' and h.expires_at > clock_timestamp()";
    rest += ") order by placed_at desc, hold_id limit $1";
    auto table = desk.table(hold_columns(), rest, parameters);
    const bool more = table.rows.size() > static_cast<std::size_t>(arguments.limit);
    if (more) table.rows.pop_back();
    desk.out().list(table, arguments.all ? "No holds." : "No open holds.");
    if (more) Printer::note("There are more holds; --limit shows more.");
}

void show(Desk& desk, const Arguments& arguments) {
    const auto id = hold_named(arguments.id);
    const auto key = params(std::int64_t{id.shard}, base::hex(id.id));
    const auto hold =
        desk.table(hold_columns(), "from finance.holds where shard = $1 and hold_id = $2::uuid", key);
    if (hold.rows.empty()) throw Refused(ledger::Refusal::unknown_hold, "there is no such hold");
    const std::vector<Column> leg_columns{
        {.name = "balance_type", .source = "b.balance_type"},
        {.name = "amount", .kind = Kind::amount, .source = "finance.major(l.amount, b.exponent)"},
        {.name = "captured", .kind = Kind::amount, .source = "finance.major(l.captured, b.exponent)"},
    };
    const auto legs = desk.table(leg_columns,
                                 "from ledger.hold h"
                                 " join ledger.hold_leg l on l.shard = h.shard and l.hold_id = h.hold_id"
                                 " join ledger.balance b on b.shard = h.shard and b.account_id = h.account_id"
                                 " and b.balance_no = l.balance_no"
                                 " where h.shard = $1 and h.hold_id = $2::uuid order by l.leg_no",
                                 key);
    desk.out().record(hold, "legs", legs);
}

/// Under the name of the application that holds, as only it may use its hold. The reference tells the
/// operator's releases from the application's own, and makes a second one a repetition.
void release(Desk& desk, const Arguments& arguments) {
    const auto id = hold_named(arguments.id);
    ledger::Release request;
    request.hold = desk.run(desk.ledger().find_hold(id));
    request.origin = {request.hold->application, "released by the operator: " + arguments.id,
                      "released by the operator", ""};
    const auto application = request.hold->application;
    const auto receipt = desk.run(desk.ledger().release(std::move(request)));
    desk.out().done("Released the hold " + arguments.id + " of " + application +
                        (receipt.replayed ? " before; nothing was done now." : "."),
                    {{"hold", arguments.id}, {"application", application}},
                    receipt.replayed ? "replayed" : "posted");
}

}  // namespace

void add_hold_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(
        program, common, action, "hold",
        "Reserve an amount or a volume on an account; or, as the operator, show and release holds",
        "tel:+15550001 10.00 EUR\n  ledgerline hold list tel:+15550001");
    add_hold_client(group.without_subcommand(), common, action);
    const auto arguments = std::make_shared<Arguments>();

    auto& listing = group.add("list", "List open holds, newest first", "tel:+15550001 --all",
                              [arguments](Desk& desk) { list(desk, *arguments); });
    listing.add_option("ADDRESS", arguments->address, "Of this account only");
    listing.add_flag("--all", arguments->all, "Released and expired ones too");
    listing.add_option("--limit", arguments->limit, "How many at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));

    const std::string example = "00070123456789abcdef0123456789abcdef";
    auto& showing = group.add("show", "Show a hold and what each balance contributes", example,
                              [arguments](Desk& desk) { show(desk, *arguments); });
    showing.add_option("ID", arguments->id, "As `hold list` shows it")->required();

    auto& releasing = group.add_act("release", "End a hold and give back what is left of it", example,
                                    [arguments](Desk& desk) { release(desk, *arguments); });
    releasing.add_option("ID", arguments->id, "As `hold list` shows it")->required();
}

}  // namespace app
