// What the SOAP clients for people take on the command line.
#include "app/client_commands.hpp"

#include "app/account_client.hpp"
#include "app/call_client.hpp"
#include "app/charge_client.hpp"
#include "app/hold_client.hpp"
#include "app/operator/call_command.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

namespace app {
namespace {

/// Which server, and as whom.
void add_access(CLI::App& command, CommonOptions& common, ClientOptions& options) {
    command.add_option("--url", options.url, "The server (default: the local one of the data directory)");
    command.add_option("--user", options.user, "Who asks (default on a demo server: demo-app)");
    command.add_option("--password-file", options.password_file, "File whose first line is the password");
    common.add_data_dir(command);
}

/// What the command does when it was chosen, and no subcommand of it.
template <class Options, class Run>
void act(CLI::App& command, CommonOptions& common, Action& action, std::shared_ptr<Options> options,
         Run run) {
    command.callback([&command, &common, &action, options, run] {
        if (!command.get_subcommands().empty()) return;
        action = [&common, options, run] {
            options->data_dir = common.client_data_dir();
            return run(*options);
        };
    });
}

/// For options that are needed only in one way of using a command.
void need(const std::string& value, const std::string& name) {
    if (value.empty()) throw CLI::RequiredError(name);
}

void add_reference(CLI::App& command, std::string& reference) {
    command.add_option("--reference", reference,
                       "Your name for this request; the same one again changes nothing");
}

void add_charge(CLI::App& program, CommonOptions& common, Action& action, bool refund) {
    struct Options : ChargeOptions {
        std::string status, account;
    };
    auto& command = *(refund ? program.add_subcommand("refund", "Give back a charge, in whole or in part")
                             : program.add_subcommand("charge", "Charge an account"));
    auto options = std::make_shared<Options>();
    options->refund = refund;
    options->repeatable = true;
    command.add_option("ADDRESS", options->address, "e.g. tel:+15550001");
    command.add_option("AMOUNT", options->amount, "e.g. 1.50");
    command.add_option("CURRENCY", options->currency, "e.g. EUR");
    add_reference(command, options->reference);
    if (refund) {
        command.add_option("--original-reference", options->original_reference,
                           "The reference of the charge (default: --reference)");
    } else {
        command.add_option("--status", options->status,
                           "Charge nothing; show what was done under this reference");
        command.add_option("--account", options->account, "For --status: an address of the account");
    }
    command.add_option("--balance", options->balance, "The balance to use (default: the account's default)");
    command.add_option("--description", options->description, "Text for the bill");
    add_access(command, common, *options);
    command.footer(refund ? "Example:\n  ledgerline refund tel:+15550001 0.50 EUR --reference order-17\n"
                          : "Examples:\n  ledgerline charge tel:+15550001 1.50 EUR --reference order-17\n"
                            "  ledgerline charge --status order-17 --account tel:+15550001\n");
    act(command, common, action, options, [](Options& given) {
        if (!given.status.empty()) return show_status(given, given.status, given.account);
        if (given.description.empty()) given.description = given.refund ? "refund" : "charge";
        return charge(given);
    });
    command.parse_complete_callback([options] {
        if (!options->status.empty()) return need(options->account, "--account");
        need(options->address, "ADDRESS");
        need(options->amount, "AMOUNT");
        need(options->currency, "CURRENCY");
        need(options->reference, "--reference");
    });
}

void add_key(CLI::App& command, HoldOptions& options) {
    command.add_option("--key", options.key,
                       "Your name for this request (Idempotency-Key); the same one again changes nothing");
}

std::shared_ptr<AccountOptions> account_options(CLI::App& command, CommonOptions& common) {
    auto options = std::make_shared<AccountOptions>();
    command.add_option("--pin-file", options->pin_file,
                       "File whose first line is the account's PIN, if it has one");
    add_access(command, common, *options);
    return options;
}

}  // namespace

void add_payment_commands(CLI::App& program, CommonOptions& common, Action& action) {
    add_charge(program, common, action, false);
    add_charge(program, common, action, true);

    auto& capture = *program.add_subcommand("capture", "Charge against a reservation");
    const auto captured = std::make_shared<HoldOptions>();
    captured->repeatable = true;
    capture.add_option("RESERVATION", captured->reservation, "What `hold` printed")->required();
    capture.add_option("AMOUNT", captured->amount, "e.g. 1.50; of a volume, e.g. 120")->required();
    capture.add_option("UNIT", captured->unit, "A currency, e.g. EUR; of a volume, e.g. seconds")->required();
    add_reference(capture, captured->reference);
    capture.get_option("--reference")->required();
    captured->description = "capture";
    capture.add_option("--description", captured->description, "Text for the bill")->capture_default_str();
    add_access(capture, common, *captured);
    capture.footer(
        "Examples:\n  ledgerline capture \"$HOLD\" 1.50 EUR --reference order-17\n"
        "  ledgerline capture \"$CALL\" 90 seconds --reference call-4\n");
    act(capture, common, action, captured, capture_hold);

    auto& release = *program.add_subcommand("release", "End a reservation");
    const auto released = std::make_shared<HoldOptions>();
    release.add_option("RESERVATION", released->reservation, "What `hold` printed")->required();
    add_key(release, *released);
    add_access(release, common, *released);
    release.footer("Example:\n  ledgerline release \"$HOLD\"\n");
    act(release, common, action, released, release_hold);
}

void add_hold_client(CLI::App& group, CommonOptions& common, Action& action) {
    const auto options = std::make_shared<HoldOptions>();
    options->description = "reservation";
    group.add_option("ADDRESS", options->address, "Reserve on this account, e.g. tel:+15550001");
    group.add_option("AMOUNT", options->amount, "How much, e.g. 1.50; or a volume, e.g. 120");
    group.add_option("UNIT", options->unit, "A currency, e.g. EUR; or what the volume counts, e.g. seconds");
    add_key(group, *options);
    group.add_option("--balance", options->balance, "The balance to use (default: the account's default)");
    group.add_option("--description", options->description, "Text for the books")->capture_default_str();
    add_access(group, common, *options);
    act(group, common, action, options, place_hold);
    group.parse_complete_callback([&group, options] {
        if (!group.get_subcommands().empty()) return;
        need(options->address, "ADDRESS or a subcommand");
        need(options->amount, "AMOUNT");
        need(options->unit, "UNIT");
    });
}

void add_balance_client(CLI::App& group, CommonOptions& common, Action& action) {
    const auto options = account_options(group, common);
    group.add_option("ADDRESS", options->address, "Ask a server for this account's balances");
    act(group, common, action, options, show_balances);
    group.parse_complete_callback([&group, options] {
        if (group.get_subcommands().empty()) need(options->address, "ADDRESS or a subcommand");
    });
}

void add_account_clients(CLI::App& program, CommonOptions& common, Action& action) {
    auto& history = *program.add_subcommand("history", "Show what happened to an account, newest first");
    const auto asked = account_options(history, common);
    history.add_option("ADDRESS", asked->address, "e.g. tel:+15550001")->required();
    history.add_option("--from", asked->from,
                       "Since then, e.g. 2026-11-01 (in UTC) or 2026-11-01T12:00:00+01:00");
    history.add_option("--limit", asked->entries, "How many entries at most")->check(CLI::NonNegativeNumber);
    history.footer("Example:\n  ledgerline history tel:+15550001 --limit 10\n");
    act(history, common, action, asked, show_history);

    auto& topup = *program.add_subcommand("topup", "Add to an account's balance, or redeem a voucher");
    const auto added = account_options(topup, common);
    added->repeatable = true;
    topup.add_option("ADDRESS", added->address, "e.g. tel:+15550001")->required();
    auto* amount = topup.add_option("AMOUNT", added->amount, "In the balance's unit, e.g. 10.00");
    add_reference(topup, added->reference);
    topup.get_option("--reference")->required();
    auto* balance =
        topup.add_option("--balance", added->balance, "The balance type (default: the account's default)");
    auto* period =
        topup.add_option("--period", added->period_days, "The balance lives at least so many days from now");
    topup
        .add_option("--voucher-file", added->voucher_file,
                    "Redeem the voucher in this file: its code, and its PIN on a second line if it has one")
        ->excludes(amount, balance, period);
    topup.footer("Example:\n  ledgerline topup tel:+15550001 10.00 --reference receipt-4711\n");
    act(topup, common, action, added, top_up);
    topup.parse_complete_callback([added] {
        if (added->voucher_file.empty()) need(added->amount, "AMOUNT or --voucher-file");
    });
}

void add_call_commands(CLI::App& program, CommonOptions& common, Action& action) {
    auto* group = program.add_subcommand("call", "Make, see and end third-party calls");
    group->require_subcommand(1);
    const auto options = std::make_shared<CallOptions>();
    const auto add = [&](const std::string& name, const std::string& text, int (*run)(const CallOptions&)) {
        auto* command = group->add_subcommand(name, text);
        add_access(*command, common, *options);
        act(*command, common, action, options, run);
        return command;
    };
    auto* start = add("start", "Connect parties; prints the call's identifier", start_call);
    start->add_option("CALLING", options->calling, "Called first, e.g. sip:alice@127.0.0.1:5070")->required();
    start->add_option("CALLED", options->called,
                      "Called when the first has answered; without, it waits for `call add`");
    start->add_option("--amount", options->amount, "What the call costs, once connected");
    start->add_option("--currency", options->currency, "Of the amount (default: the payer's balance's)");
    add("status", "Show how a call stands", show_call)
        ->add_option("ID", options->id, "From `call start`")
        ->required();
    add("trace", "Show the SIP messages of a call", trace_call)
        ->add_option("ID", options->id, "From `call start`")
        ->required();
    const auto add_session = [&](CLI::App* command, bool party) {
        command->add_option("ID", options->id, "From `call start`")->required();
        if (party) command->add_option("PARTY", options->party, "e.g. sip:carol@127.0.0.1:5072")->required();
    };
    add_session(add("watch", "Follow a call until it has ended", watch_call), false);
    add_session(add("add", "Add a participant to a session", add_participant), true);
    add_session(add("drop", "Take a participant out of a session", drop_participant), true);
    auto* transfer = add("transfer", "Move a participant to another session", transfer_participant);
    add_session(transfer, true);
    transfer->add_option("TO", options->target, "The other session's identifier")->required();
    auto* end = group->add_subcommand("end", "End a call, or all calls of a user");
    add_access(*end, common, *options);
    common.add_config(*end);
    common.add_database(*end);
    auto* id = end->add_option("ID", options->id, "From `call start`");
    end->add_flag("--all", options->all, "End every call of --user, on all servers; works on the database")
        ->excludes(id)
        ->needs("--user");
    end->footer("Examples:\n  ledgerline call end \"$CALL\"\n  ledgerline call end --all --user alice\n");
    act(*end, common, action, options, [&common](CallOptions& given) {
        if (!given.all) return end_call(given);
        auto settings = common.load();
        if (!settings) return exit_usage;
        const DeskOptions desk{given.data_dir, std::move(*settings), false};
        return end_calls_of(desk, given.user);
    });
    end->parse_complete_callback([options] {
        if (!options->all) need(options->id, "ID or --all");
    });
}

}  // namespace app
