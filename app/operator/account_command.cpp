// `ledgerline account`: opens, shows, changes and closes accounts, and makes domains with their balance
// types.
#include "app/data_dir.hpp"
#include "app/operator/balances.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/secret_input.hpp"
#include "base/utf8.hpp"
#include "frontend/auth/password.hpp"
#include "frontend/auth/principal.hpp"
#include "ledger/address.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace app {
namespace json = boost::json;
namespace {

using Kind = Column::Kind;
using base::sql::params;

constexpr std::int64_t list_limit = 100;
constexpr std::size_t pin_bytes_min = 4;
constexpr std::size_t pin_bytes_max = 64;
constexpr std::int64_t priority_max = 32'767;  // a smallint

std::vector<Column> account_columns() {
    return {
        {.name = "account_id", .kind = Kind::number},
        {.name = "address"},
        {.name = "domain"},
        {.name = "state"},
        {.name = "spending_order", .kind = Kind::flag},
        {.name = "default_balance"},
        {.name = "opened_at", .kind = Kind::time},
        {.name = "closed_at", .kind = Kind::time},
        {.name = "addresses", .kind = Kind::list},
    };
}

/// A new address in normal form, of so many bytes at most: longer ones are never found again. Throws
/// PlainError when it is none.
std::string new_address(const std::string& text, std::size_t bytes_max) {
    auto address = ledger::normal_address(text);
    const auto colon = address.find(':');
    const bool uri = colon != std::string::npos && colon > 0 && colon + 1 < address.size();
    const bool plain = std::ranges::none_of(address, [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
    if (!uri || !plain || address.size() > bytes_max) {
        throw PlainError("'" + text + "' is no address like tel:+15550123 or sip:carol@example.com");
    }
    return address;
}

/// A domain as logins spell it, so that grants and accounts meet. Throws PlainError.
std::string domain_named(const std::string& text) {
    const auto login = auth::parse_login("x", text);
    if (!login) throw PlainError("'" + text + "' is no domain like example.com");
    return login->domain;
}

std::string in_words(const std::vector<std::string>& list) {
    std::string words;
    for (const auto& element : list) words += (words.empty() ? "" : ", ") + element;
    return words;
}

/// For functions that give one ledger.outcome.
void refuse_unless_posted(const base::sql::Rows& rows) {
    const auto outcome = rows.text(0, 0);
    if (outcome != "posted")
        throw Refused(ledger::refusal_named(outcome).value_or(ledger::Refusal::internal));
}

void refuse_taken(Desk& desk, const std::vector<std::string>& addresses) {
    base::sql::ArrayText list;
    for (const auto& address : addresses) list.add(address);
    const auto taken = desk.query(
        "select address, account_id from ledger.address where address = any ($1) and until is null",
        params(list));
    if (taken.empty()) return;
    throw Refused("address_taken", std::string(taken.text(0, 0)) + " belongs to account " +
                                       std::string(taken.text(0, 1)) + " already");
}

void open(Desk& desk, const std::vector<std::string>& texts, const std::string& domain_text,
          bool spending_order) {
    const auto domain = domain_named(domain_text);
    std::vector<std::string> addresses;
    for (const auto& text : texts) {
        auto address = new_address(text, desk.ledger().text_bytes_max());
        if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
    }
    desk.refuse_unknown_domain(domain);
    refuse_taken(desk, addresses);
    base::sql::ArrayText list;
    for (const auto& address : addresses) list.add(address);
    const auto opened = desk.query("select o_account from ledger.open_account($1, $2, $3)",
                                   params(domain, list, spending_order));
    json::object facts{{"account_id", opened.integer(0, 0)}, {"domain", domain}};
    facts["addresses"] = json::array(addresses.begin(), addresses.end());
    desk.out().done("Opened account " + std::string(opened.text(0, 0)) + " in " + domain + ": " +
                        in_words(addresses) + ". It has no balance yet.",
                    std::move(facts));
}

void list(Desk& desk, const std::string& domain_text, std::int64_t limit) {
    const auto domain = domain_text.empty() ? std::string() : domain_named(domain_text);
    if (!domain.empty()) desk.refuse_unknown_domain(domain);
    // One more than is shown tells whether there are more.
    auto table = desk.table(account_columns(),
                            "from finance.accounts where $1 = '' or domain = $1 order by account_id limit $2",
                            params(domain, limit + 1));
    const bool more = table.rows.size() > static_cast<std::size_t>(limit);
    if (more) table.rows.pop_back();
    desk.out().list(table, "No accounts.");
    if (more) Printer::note("There are more accounts; --limit shows more.");
}

void show(Desk& desk, const std::string& address) {
    const auto account = desk.account(address);
    auto columns = account_columns();
    columns.push_back({.name = "open_holds",
                       .kind = Kind::number,
                       .source = "(select count(*) from ledger.hold h where h.shard = $1"
                                 " and h.account_id = $2 and h.state = 'open'"
                                 " and h.expires_at > clock_timestamp())"});
    columns.push_back({.name = "rules_by_user", .kind = Kind::flag, .source = "auth.rules_by_user($2)"});
    columns.push_back({.name = "pin",
                       .kind = Kind::flag,
                       .source = "exists (select from auth.account_pin($2, 1, interval '0'))"});
    const auto key = params(std::int64_t{account->shard}, account->id);
    const auto record = desk.table(columns, "from finance.accounts where account_id = $2", key);
    desk.out().record(record, "balances", balances_of(desk, *account));
}

void set_suspended(Desk& desk, const std::string& address, bool suspended) {
    const auto account = desk.account(address);
    const auto rows = desk.query("select ledger.set_suspended($1, $2, $3)",
                                 params(std::int64_t{account->shard}, account->id, suspended));
    refuse_unless_posted(rows);
    desk.out().done(address + (suspended ? " is suspended: it takes credits and releases, no charges and no "
                                           "new holds."
                                         : " is active."));
}

void close(Desk& desk, const std::string& address) {
    const auto account = desk.account(address);
    const auto key = params(std::int64_t{account->shard}, account->id);
    const auto rows =
        desk.query("select ledger.close_account($1, $2, ledger.application_id($3), 'closed by the operator')",
                   params(std::int64_t{account->shard}, account->id, operator_application));
    if (rows.text(0, 0) == to_string(ledger::Refusal::unknown_hold)) {
        throw Refused("open_holds", "it has open holds: `ledgerline hold list " + address +
                                        "` shows them, `ledgerline hold release` ends them");
    }
    refuse_unless_posted(rows);
    const std::vector<Column> columns{{.name = "balance_type"},
                                      {.name = "amount", .kind = Kind::amount, .source = "-amount"},
                                      {.name = "unit"}};
    const auto written_off = desk.table(
        columns,
        "from finance.journal where shard = $1 and account_id = $2 and kind = 'closing' order by journal_no",
        key);
    std::vector<std::string> funds;
    for (const auto& row : written_off.rows) {
        funds.push_back(std::string(row[1].as_string()) + ' ' + std::string(row[2].as_string()) + " (" +
                        std::string(row[0].as_string()) + ")");
    }
    json::object facts;
    facts["written_off"] = json_of(written_off);
    desk.out().done("Closed " + address + " for ever. Written off: " +
                        (funds.empty() ? "nothing" : in_words(funds)) + ". Its addresses are free.",
                    std::move(facts));
}

void add_address(Desk& desk, const std::string& address, const std::string& text) {
    const auto added = new_address(text, desk.ledger().text_bytes_max());
    const auto account = desk.account(address);
    refuse_taken(desk, {added});
    const auto rows = desk.query("select ledger.add_address($1, $2, $3)",
                                 params(std::int64_t{account->shard}, account->id, added));
    if (!rows.boolean(0, 0)) throw Refused("address_taken", added + " belongs to an account already");
    desk.out().done(added + " is an address of " + address + " now.");
}

void release_address(Desk& desk, const std::string& text) {
    const auto account = desk.account(text);
    const auto address = ledger::normal_address(text);
    const auto others = desk.query(
        "select from ledger.address where account_id = $1 and until is null and address <> $2 limit 1",
        params(account->id, address));
    if (others.empty()) {
        throw Refused("only_address",
                      "it is the account's only address; give it another one first, or close the account");
    }
    const auto rows = desk.query("select ledger.release_address($1)", params(address));
    if (!rows.boolean(0, 0)) throw Refused(ledger::Refusal::unknown_account);
    desk.out().done(address + " is free for another account.");
}

void set_spending_order(Desk& desk, const std::string& address, bool on) {
    const auto account = desk.account(address);
    desk.query("select ledger.set_spending_order($1, $2, $3)",
               params(std::int64_t{account->shard}, account->id, on));
    desk.out().done(address +
                    (on ? ": charges that name no balance draw on all balances in their unit, by priority."
                        : ": charges that name no balance use the default balance."));
}

void set_default_balance(Desk& desk, const std::string& address, const std::string& type) {
    const auto account = desk.account(address);
    const auto rows = desk.query("select ledger.set_default_balance($1, $2, $3)",
                                 params(std::int64_t{account->shard}, account->id, type));
    if (!rows.boolean(0, 0)) throw Refused(ledger::Refusal::unknown_balance);
    desk.out().done("Requests on " + address + " without a balance type use " + type + " now.");
}

/// Typed twice, or in a file. Throws PlainError when it is no PIN.
std::string new_pin(const std::string& file) {
    std::string pin;
    if (file.empty()) {
        const std::string otherwise = "without a terminal, --file is needed";
        pin = ask_secret("PIN: ", otherwise);
        if (ask_secret("Again: ", otherwise) != pin)
            throw PlainError("the two PINs differ; nothing was changed");
    } else {
        pin = secret_in(file, "a PIN");
    }
    const bool plain = std::ranges::none_of(pin, [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
    if (!plain || !base::is_storable_text(pin) || pin.size() < pin_bytes_min || pin.size() > pin_bytes_max) {
        throw PlainError("a PIN has " + std::to_string(pin_bytes_min) + " to " +
                         std::to_string(pin_bytes_max) + " characters and no spaces");
    }
    return pin;
}

void set_pin(Desk& desk, const std::string& address, const std::string& file, bool clear) {
    const auto account = desk.account(address);
    std::optional<std::string> hash;
    if (!clear) {
        auto pin = new_pin(file);
        hash = auth::hash_password(pin);
        auth::wipe(pin);
    }
    desk.act({"account.pin", address, clear ? "taken away" : "set"}, [&] {
        const auto rows = desk.query("select auth.set_account_pin($1, $2)", params(account->id, hash));
        if (!rows.boolean(0, 0)) throw Refused("no_pin", "the account has no PIN");
        desk.out().done(clear ? address + " has no PIN now."
                              : address + " has a new PIN; Account Management asks for it from now on.");
    });
}

/// The one setting of an account.
constexpr auto rules_by_user = "rules_by_user";

void set(Desk& desk, const std::string& address, bool on) {
    const auto account = desk.account(address);
    desk.query("select auth.set_rules_by_user($1, $2)", params(account->id, on));
    desk.out().done(address + (on ? ": its users may change its Signal Rules and notifications."
                                  : ": its users may see its Signal Rules, and change none."));
}

void make_domain(Desk& desk, const std::string& text) {
    const auto domain = domain_named(text);
    desk.query("select ledger.create_domain($1)", params(domain));
    desk.out().done("There is a domain " + domain + ".", {{"domain", domain}});
}

void define_balance_type(Desk& desk, const std::string& domain_text, const std::string& type,
                         const std::string& unit, std::int64_t priority) {
    const auto domain = domain_named(domain_text);
    if (type.empty()) throw PlainError("a balance type needs a name");
    desk.refuse_unknown_domain(domain);
    if (desk.query("select from ledger.unit where unit = $1", params(unit)).empty()) {
        throw Refused("unknown_unit",
                      unit + " is neither a currency of ISO 4217 nor bytes, seconds or messages");
    }
    desk.query("select ledger.define_balance_type($1, $2, $3, $4)", params(domain, type, unit, priority));
    // A type that exists keeps its unit.
    const auto defined = desk.query(
        "select unit from ledger.balance_type where domain = $1 and balance_type = $2", params(domain, type));
    if (defined.text(0, 0) != unit) {
        throw Refused(ledger::Refusal::wrong_unit, type + " of " + domain + " counts in " +
                                                       std::string(defined.text(0, 0)) + ", for ever");
    }
    desk.out().done("New balances " + type + " in " + domain + " count in " + unit + ", with priority " +
                    std::to_string(priority) + ".");
}

// The subcommands. One set of arguments serves them all, because only one of them runs.

struct Arguments {
    std::string address, other, domain, type, unit, on_or_off, file;
    std::vector<std::string> addresses;
    std::int64_t limit = list_limit;
    std::int64_t priority = 0;
    bool spending_order = false, clear = false;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

void take_address(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("ADDRESS", arguments->address, "One of the account's addresses")->required();
}

void add_reading(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& all = group.add("list", "List accounts, oldest first", "--domain example.com --limit 20",
                          [arguments](Desk& desk) { list(desk, arguments->domain, arguments->limit); });
    all.add_option("--domain", arguments->domain, "Of this domain only");
    all.add_option("--limit", arguments->limit, "How many at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));

    auto& one = group.add("show", "Show an account with its balances", "tel:+15550001",
                          [arguments](Desk& desk) { show(desk, arguments->address); });
    take_address(one, arguments);
}

void add_life(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& opening =
        group.add_act("open", "Open an account under its addresses",
                      "tel:+15550123 sip:carol@example.com --domain example.com", [arguments](Desk& desk) {
                          open(desk, arguments->addresses, arguments->domain, arguments->spending_order);
                      });
    opening.add_option("ADDRESS", arguments->addresses, "Its addresses; people name it by the first one")
        ->required();
    opening.add_option("--domain", arguments->domain, "The domain that it belongs to")->required();
    opening.add_flag("--spending-order", arguments->spending_order,
                     "Charges that name no balance draw on several, by priority");

    auto& suspending =
        group.add_act("suspend", "Refuse charges and new holds from now on", "tel:+15550001",
                      [arguments](Desk& desk) { set_suspended(desk, arguments->address, true); });
    take_address(suspending, arguments);

    auto& resuming = group.add_act("resume", "End a suspension", "tel:+15550001", [arguments](Desk& desk) {
        set_suspended(desk, arguments->address, false);
    });
    take_address(resuming, arguments);

    auto& closing =
        group.add_act("close", "Close an account for ever: its funds are written off, its addresses are free",
                      "tel:+15550001", [arguments](Desk& desk) { close(desk, arguments->address); });
    take_address(closing, arguments);
}

void add_addresses(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& adding = group.add_act(
        "add-address", "Give an account one more address", "tel:+15550001 sip:alice@example.net",
        [arguments](Desk& desk) { add_address(desk, arguments->address, arguments->other); });
    take_address(adding, arguments);
    adding.add_option("NEW", arguments->other, "The new address")->required();

    auto& releasing = group.add_act(
        "release-address", "Take an address from its account, so that another may get it",
        "sip:alice@example.net", [arguments](Desk& desk) { release_address(desk, arguments->address); });
    releasing.add_option("ADDRESS", arguments->address, "The address")->required();
}

void add_spending(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& order =
        group.add_act("spending-order", "Whether charges that name no balance draw on several",
                      "tel:+15550001 on", [arguments](Desk& desk) {
                          set_spending_order(desk, arguments->address, arguments->on_or_off == "on");
                      });
    take_address(order, arguments);
    order.add_option("on|off", arguments->on_or_off, "on: by priority; off: the default balance alone")
        ->required()
        ->check(CLI::IsMember({"on", "off"}));

    auto& fallback = group.add_act(
        "default-balance", "Set the balance that requests without a balance type use", "tel:+15550001 main",
        [arguments](Desk& desk) { set_default_balance(desk, arguments->address, arguments->type); });
    take_address(fallback, arguments);
    fallback.add_option("TYPE", arguments->type, "One of its balances")->required();
}

void add_pin(CommandGroup& group, const ArgumentsPtr& arguments) {
    // It tells the trail more than its arguments do.
    auto& pin = group.add(
        "pin", "Set the PIN that Account Management asks for, typed or from a file, or take it away",
        "tel:+15550001",
        [arguments](Desk& desk) { set_pin(desk, arguments->address, arguments->file, arguments->clear); });
    take_address(pin, arguments);
    auto* file = pin.add_option("--file", arguments->file, "A file whose first line is the PIN");
    pin.add_flag("--clear", arguments->clear, "The account shall have no PIN")->excludes(file);
}

void add_settings(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& setting = group.add_act(
        "set", "Set what the users of an account may do themselves", "tel:+15550001 rules_by_user on",
        [arguments](Desk& desk) { set(desk, arguments->address, arguments->on_or_off == "on"); });
    take_address(setting, arguments);
    setting.add_option("SETTING", arguments->type, "rules_by_user: change Signal Rules and notifications")
        ->required()
        ->check(CLI::IsMember({rules_by_user}));
    setting.add_option("on|off", arguments->on_or_off, "Whether they may")
        ->required()
        ->check(CLI::IsMember({"on", "off"}));
}

void add_domains(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& domain = group.add_act("domain", "Make a domain, unless it is there", "example.org",
                                 [arguments](Desk& desk) { make_domain(desk, arguments->domain); });
    domain.add_option("NAME", arguments->domain, "e.g. example.org")->required();

    auto& type = group.add_act("balance-type",
                               "Define a balance type of a domain, or change its priority for new balances",
                               "example.org main EUR --priority 20", [arguments](Desk& desk) {
                                   define_balance_type(desk, arguments->domain, arguments->type,
                                                       arguments->unit, arguments->priority);
                               });
    type.add_option("DOMAIN", arguments->domain, "The domain")->required();
    type.add_option("TYPE", arguments->type, "The balance type's name")->required();
    type.add_option("UNIT", arguments->unit, "A currency (ISO 4217), or bytes, seconds, messages; for ever")
        ->required();
    type.add_option("--priority", arguments->priority, "Place in the spending order; lower is spent first")
        ->required()
        ->check(CLI::Range(std::int64_t{0}, priority_max));
}

}  // namespace

void add_account_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "account", "Open, show, change and close accounts",
                       "show tel:+15550001");
    const auto arguments = std::make_shared<Arguments>();
    add_reading(group, arguments);
    add_life(group, arguments);
    add_addresses(group, arguments);
    add_spending(group, arguments);
    add_pin(group, arguments);
    add_settings(group, arguments);
    add_domains(group, arguments);
}

}  // namespace app
