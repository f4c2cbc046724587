// `ledgerline balance`: shows and opens balances, moves money by hand, and sets how far and in which order
// balances are spent.
#include "app/client_commands.hpp"
#include "app/data_dir.hpp"
#include "app/operator/balances.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/values.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace app {
namespace json = boost::json;
namespace {

using base::sql::params;

constexpr std::int64_t priority_max = 32'767;  // a smallint

/// One set of arguments serves all subcommands, because only one of them runs.
struct Arguments {
    std::string address, to_address, type, amount, unit, reference, balance, to_balance, description;
    std::optional<std::string> credit_limit;
    std::optional<std::int32_t> period_days;
    std::int64_t priority = 0;
    std::string of_application, of_operation, of_reference;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

ledger::Amount amount_of(const Arguments& arguments) {
    return {decimal_of(arguments.amount), arguments.unit};
}

ledger::BalanceType balance_named(const std::string& type) {
    return type.empty() ? std::nullopt : ledger::BalanceType(type);
}

ledger::Origin origin_of(const Arguments& arguments, const std::string& description) {
    return {operator_application, arguments.reference,
            arguments.description.empty() ? description : arguments.description, ""};
}

void posted(const Desk& desk, const std::string& sentence, const Arguments& arguments,
            const ledger::Receipt& receipt, const ledger::Account& account) {
    json::object facts{{"reference", arguments.reference},
                       {"shard", account.shard},
                       {"request_id", receipt.request_id},
                       {"journal_no", receipt.journal_no ? json::value(*receipt.journal_no) : nullptr}};
    desk.out().posted(sentence + ", reference " + arguments.reference + '.', std::move(facts),
                      receipt.replayed);
}

std::string money(const Arguments& arguments) { return arguments.amount + ' ' + arguments.unit; }

void show(Desk& desk, const Arguments& arguments) {
    const auto account = desk.account(arguments.address);
    desk.out().list(balances_of(desk, *account), "The account has no balances.");
}

void open(Desk& desk, const Arguments& arguments) {
    const auto account = desk.account(arguments.address);
    const auto key = params(std::int64_t{account->shard}, account->id, arguments.type);
    const auto type = desk.query(
        "select u.exponent, b.credit_limit"
        "  from ledger.account a"
        "  join ledger.balance_type t on t.domain = a.domain and t.balance_type = $3"
        "  join ledger.unit u on u.unit = t.unit"
        "  left join ledger.balance b"
        "    on b.shard = a.shard and b.account_id = a.account_id and b.balance_type = t.balance_type"
        " where a.shard = $1 and a.account_id = $2",
        key);
    if (type.empty()) {
        throw Refused(ledger::Refusal::unknown_balance,
                      "the domain " + account->domain + " has no balance type " + arguments.type +
                          "; `ledgerline account balance-type` defines one");
    }
    const auto limit = minor_units(decimal_of(arguments.credit_limit.value_or("0")), type.integer(0, 0),
                                   desk.max_amount(), "the credit limit");
    const auto present = type.optional_integer(0, 1);
    if (present && arguments.credit_limit && *present != limit) {
        throw Refused("balance_exists",
                      arguments.address + " has a balance " + arguments.type +
                          " with another credit limit; `ledgerline balance credit-limit` changes it");
    }
    desk.query("select ledger.open_balance($1, $2, $3, $4)",
               params(std::int64_t{account->shard}, account->id, arguments.type, limit));
    desk.out().done(present ? arguments.address + " has a balance " + arguments.type + " already."
                            : "Opened the balance " + arguments.type + " of " + arguments.address + '.');
}

void credit(Desk& desk, const Arguments& arguments) {
    ledger::Credit request;
    request.account = desk.account(arguments.address);
    request.origin = origin_of(arguments, "credit");
    request.amount = amount_of(arguments);
    request.balance_type = balance_named(arguments.balance);
    request.period_days = arguments.period_days;
    const auto account = request.account;
    const auto receipt = desk.run(desk.ledger().credit(std::move(request)));
    posted(desk, "Credited " + arguments.address + ' ' + money(arguments), arguments, receipt, *account);
}

void adjust(Desk& desk, const Arguments& arguments) {
    ledger::Adjust request;
    request.account = desk.account(arguments.address);
    request.origin = origin_of(arguments, "adjustment");
    request.amount = amount_of(arguments);
    request.balance_type = balance_named(arguments.balance);
    if (request.amount.value.unscaled == 0) {
        throw Refused(ledger::Refusal::not_positive, "an adjustment by zero changes nothing");
    }
    const auto account = request.account;
    const auto receipt = desk.run(desk.ledger().adjust(std::move(request)));
    posted(desk, "Adjusted " + arguments.address + " by " + money(arguments), arguments, receipt, *account);
}

/// The balance that is meant by this type, or by none; empty: there is none.
std::string resolved(Desk& desk, const ledger::Account& account, const std::string& type) {
    if (!type.empty()) return type;
    const auto rows = desk.query(
        "select b.balance_type from ledger.account a"
        "  join ledger.balance b"
        "    on b.shard = a.shard and b.account_id = a.account_id and b.balance_no = a.default_balance_no"
        " where a.shard = $1 and a.account_id = $2",
        params(std::int64_t{account.shard}, account.id));
    return rows.empty() ? std::string() : std::string(rows.text(0, 0));
}

void transfer(Desk& desk, const Arguments& arguments) {
    ledger::Transfer request;
    request.from = desk.account(arguments.address);
    request.to = desk.account(arguments.to_address);
    if (request.from->id == request.to->id && resolved(desk, *request.from, arguments.balance) ==
                                                  resolved(desk, *request.to, arguments.to_balance)) {
        throw PlainError("from and to are the same balance; give --from-balance or --to-balance");
    }
    request.from_balance = balance_named(arguments.balance);
    request.to_balance = balance_named(arguments.to_balance);
    request.origin = origin_of(arguments, "transfer");
    request.amount = amount_of(arguments);
    const auto account = request.from;
    const auto receipt = desk.run(desk.ledger().transfer(std::move(request)));
    posted(desk, "Moved " + money(arguments) + " from " + arguments.address + " to " + arguments.to_address,
           arguments, receipt, *account);
}

void set_credit_limit(Desk& desk, const Arguments& arguments) {
    const auto account = desk.account(arguments.address);
    const auto balance = desk.query(
        "select exponent, unit from ledger.balance where shard = $1 and account_id = $2 and balance_type = "
        "$3",
        params(std::int64_t{account->shard}, account->id, arguments.type));
    if (balance.empty()) throw Refused(ledger::Refusal::unknown_balance);
    const auto limit = minor_units(decimal_of(arguments.amount), balance.integer(0, 0), desk.max_amount(),
                                   "the credit limit");
    desk.query("select ledger.set_credit_limit($1, $2, $3, $4)",
               params(std::int64_t{account->shard}, account->id, arguments.type, limit));
    desk.out().done("The balance " + arguments.type + " of " + arguments.address + " may go to " +
                    arguments.amount + ' ' + std::string(balance.text(0, 1)) + " below zero.");
}

void set_priority(Desk& desk, const Arguments& arguments) {
    const auto account = desk.account(arguments.address);
    const auto rows =
        desk.query("select ledger.set_priority($1, $2, $3, $4)",
                   params(std::int64_t{account->shard}, account->id, arguments.type, arguments.priority));
    if (!rows.boolean(0, 0)) throw Refused(ledger::Refusal::unknown_balance);
    desk.out().done("The balance " + arguments.type + " of " + arguments.address + " has priority " +
                    std::to_string(arguments.priority) + " now; lower is spent first.");
}

/// Where a request is kept: with its account; a split, which has several, has an account 0 for its own.
ledger::AccountPtr keeper_of(Desk& desk, const ledger::AccountPtr& account, const Arguments& arguments) {
    const auto application = desk.query("select application_id from ledger.application where name = $1",
                                        params(arguments.of_application));
    if (application.empty()) {
        throw Refused(ledger::Refusal::unknown_charge,
                      "no application " + arguments.of_application + " has posted anything");
    }
    if (arguments.of_operation != "split") return account;
    const auto split = desk.query(
        "select r.shard from ledger.request r"
        "  join ledger.request_leg l on l.shard = r.shard and l.request_id = r.request_id and l.account_id = "
        "$1"
        " where r.shard in (select shard from ledger.shard) and r.account_id = 0 and r.application_id = $2"
        "   and r.operation = 'split' and r.reference = $3",
        params(account->id, application.integer(0, 0), arguments.of_reference));
    if (split.empty()) throw Refused(ledger::Refusal::unknown_charge);
    ledger::Account keeper;
    keeper.shard = static_cast<std::int16_t>(split.integer(0, 0));
    return std::make_shared<const ledger::Account>(std::move(keeper));
}

void reverse(Desk& desk, const Arguments& arguments) {
    ledger::Reverse request;
    request.account = keeper_of(desk, desk.account(arguments.address), arguments);
    request.origin = origin_of(arguments, "reversal of " + arguments.of_reference);
    request.of_application = arguments.of_application;
    request.of_operation = arguments.of_operation;
    request.of_reference = arguments.of_reference;
    const auto keeper = request.account;
    const auto receipt = desk.run(desk.ledger().reverse(std::move(request)));
    posted(desk,
           "Reversed the " + arguments.of_operation + ' ' + arguments.of_reference + " of " +
               arguments.of_application,
           arguments, receipt, *keeper);
}

// The subcommands.

void take_address(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("ADDRESS", arguments->address, "One of the account's addresses")->required();
}

void take_money(CLI::App& command, const ArgumentsPtr& arguments, const std::string& meaning) {
    command.add_option("AMOUNT", arguments->amount, meaning)->required();
    command.add_option("UNIT", arguments->unit, "The balance's: EUR, bytes …")->required();
}

void take_reference(CLI::App& command, const ArgumentsPtr& arguments) {
    command
        .add_option("--reference", arguments->reference,
                    "Your name for this request; the same one again changes nothing")
        ->required();
}

void take_balance(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("--balance", arguments->balance, "The balance (default: the account's default)");
}

void take_description(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("--description", arguments->description, "Text for the bill");
}

void add_opening(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& showing = group.add("show", "Show an account's balances", "tel:+15550001",
                              [arguments](Desk& desk) { show(desk, *arguments); });
    take_address(showing, arguments);

    auto& opening = group.add_act("open", "Open a balance of a type that the account's domain has",
                                  "tel:+15550001 main --credit-limit 20.00",
                                  [arguments](Desk& desk) { open(desk, *arguments); });
    take_address(opening, arguments);
    opening.add_option("TYPE", arguments->type, "The balance type")->required();
    opening.add_option("--credit-limit", arguments->credit_limit,
                       "How far below zero it may go (default: 0)");
}

void add_posting(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& crediting = group.add_act("credit", "Add to a balance, which is made if it is missing",
                                    "tel:+15550001 10.00 EUR --reference topup-17",
                                    [arguments](Desk& desk) { credit(desk, *arguments); });
    take_address(crediting, arguments);
    take_money(crediting, arguments, "e.g. 10.00");
    take_reference(crediting, arguments);
    take_balance(crediting, arguments);
    crediting.add_option("--period", arguments->period_days,
                         "The balance lives at least so many days from now");
    take_description(crediting, arguments);

    auto& adjusting =
        group.add_act("adjust", "Correct a balance",
                      "tel:+15550001 -1.50 EUR --reference case-42 --description 'charged twice'",
                      [arguments](Desk& desk) { adjust(desk, *arguments); });
    take_address(adjusting, arguments);
    take_money(adjusting, arguments, "e.g. 1.50 to add, -1.50 to take");
    take_reference(adjusting, arguments);
    adjusting.add_option("--description", arguments->description, "Why: for the journal and the bill")
        ->required();
    take_balance(adjusting, arguments);
}

void add_moving(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& moving = group.add_act("transfer", "Move an amount between two balances, of one account or of two",
                                 "tel:+15550001 tel:+15550002 5.00 EUR --reference gift-3",
                                 [arguments](Desk& desk) { transfer(desk, *arguments); });
    moving.add_option("FROM", arguments->address, "An address of the account that gives")->required();
    moving.add_option("TO", arguments->to_address, "An address of the account that gets; may be the same")
        ->required();
    take_money(moving, arguments, "e.g. 5.00");
    take_reference(moving, arguments);
    moving.add_option("--from-balance", arguments->balance,
                      "The balance that gives (default: the default one)");
    moving.add_option("--to-balance", arguments->to_balance,
                      "The balance that gets (default: the default one)");
    take_description(moving, arguments);

    auto& reversing =
        group.add_act("reverse", "Undo a request as it was; refused once some of it was given back",
                      "tel:+15550001 --of-application demo-app --of-operation charge "
                      "--of-reference R1 --reference undo-R1",
                      [arguments](Desk& desk) { reverse(desk, *arguments); });
    take_address(reversing, arguments);
    reversing.add_option("--of-application", arguments->of_application, "Who made the request")->required();
    reversing.add_option("--of-operation", arguments->of_operation, "What it was")
        ->required()
        ->check(CLI::IsMember(
            {"charge", "refund", "credit", "capture", "adjustment", "transfer", "split", "reversal"}));
    reversing.add_option("--of-reference", arguments->of_reference, "Its reference")->required();
    take_reference(reversing, arguments);
    take_description(reversing, arguments);
}

void add_limits(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& limit =
        group.add_act("credit-limit", "Set how far below zero a balance may go", "tel:+15550001 main 20.00",
                      [arguments](Desk& desk) { set_credit_limit(desk, *arguments); });
    take_address(limit, arguments);
    limit.add_option("TYPE", arguments->type, "The balance")->required();
    limit.add_option("AMOUNT", arguments->amount, "In the balance's unit, e.g. 20.00")->required();

    auto& priority =
        group.add_act("priority", "Set a balance's place in the spending order", "tel:+15550001 bonus 5",
                      [arguments](Desk& desk) { set_priority(desk, *arguments); });
    take_address(priority, arguments);
    priority.add_option("TYPE", arguments->type, "The balance")->required();
    priority.add_option("N", arguments->priority, "Lower is spent first")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, priority_max));
}

}  // namespace

void add_balance_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "balance",
                       "Ask for an account's balances; or, as the operator, open, credit and correct them",
                       "tel:+15550001\n  ledgerline balance show tel:+15550001");
    add_balance_client(group.without_subcommand(), common, action);
    const auto arguments = std::make_shared<Arguments>();
    add_opening(group, arguments);
    add_posting(group, arguments);
    add_moving(group, arguments);
    add_limits(group, arguments);
}

}  // namespace app
