// `ledgerline user limit`: shows and sets what a user may do, how much of it and when.
#include "app/operator/limit_command.hpp"

#include "app/data_dir.hpp"
#include "app/operator/refused.hpp"
#include "app/operator/values.hpp"
#include "frontend/auth/limits.hpp"
#include "frontend/auth/operations.hpp"
#include "ledger/address.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace app {
namespace {

using base::sql::params;

/// The most that is counted, in minor units or requests.
constexpr std::int64_t limit_max = 1'000'000'000'000'000'000;

struct Arguments {
    std::string login, name, value, unit;
    bool remove = false;
};

/// What a limit's value is, and which part of the program keeps it.
enum class Value : std::uint8_t { amount, count, balance_type, rate, prefix, method, hours };
struct LimitKind {
    std::string_view name;
    Value value;
};
constexpr std::array limit_kinds{
    LimitKind{"amount-per-request", Value::amount},
    LimitKind{"amount-per-day", Value::amount},
    LimitKind{"credit-per-day", Value::amount},
    LimitKind{"requests-per-day", Value::count},
    LimitKind{"subscriber-amount-per-day", Value::amount},
    LimitKind{"subscriber-amount-per-month", Value::amount},
    LimitKind{"balance-type", Value::balance_type},
    LimitKind{"call-amount-per-day", Value::amount},
    LimitKind{"requests-per-second", Value::rate},
    LimitKind{"address-prefix", Value::prefix},
    LimitKind{"method", Value::method},
    LimitKind{"hours", Value::hours},
    LimitKind{"calls-at-once", Value::rate},
    LimitKind{"calls-per-second", Value::rate},
    LimitKind{"call-allow", Value::prefix},
    LimitKind{"call-deny", Value::prefix},
};

std::string names() {
    std::string all;
    for (const auto& kind : limit_kinds) all += (all.empty() ? "" : ", ") + std::string(kind.name);
    return all;
}

LimitKind kind_named(const std::string& name) {
    const auto* found = std::ranges::find(limit_kinds, name, &LimitKind::name);
    if (found == limit_kinds.end()) throw PlainError("'" + name + "' is no limit; there are: " + names());
    return *found;
}

/// A limit as the database keeps it.
struct Stored {
    std::string item;
    std::int64_t value = 0;
};

std::int64_t count_of(const std::string& text) {
    return minor_units(decimal_of(text), 0, limit_max, "a number of requests or calls");
}

Stored amount_of(Desk& desk, const Arguments& arguments) {
    if (arguments.unit.empty()) throw PlainError("an amount needs its unit, e.g. EUR");
    const auto rows = desk.query("select exponent from ledger.unit where unit = $1", params(arguments.unit));
    if (rows.empty()) throw PlainError("'" + arguments.unit + "' is no unit of the ledger");
    if (arguments.remove) return {arguments.unit, 0};
    return {arguments.unit,
            minor_units(decimal_of(arguments.value), rows.integer(0, 0), limit_max, "a limit")};
}

/// Balance types are made for a domain; one that none has would be a limit that lets nothing through.
std::string balance_type_of(Desk& desk, const Arguments& arguments) {
    const auto& type = arguments.value;
    if (arguments.remove) return type;
    if (desk.query("select from ledger.balance_type where balance_type = $1 limit 1", params(type)).empty())
        throw PlainError("no domain has a balance type '" + type +
                         "'; `ledgerline account balance-type` defines one");
    return type;
}

/// What has no scheme begins no address: a ban of it would be none.
std::string prefix_of(const std::string& text) {
    auto prefix = ledger::normal_address(text);
    if (prefix.find(':') == std::string::npos)
        throw PlainError("'" + text + "' begins no address; write it like tel:+49 or sip:alice@");
    return prefix;
}

Stored stored(Desk& desk, Value value, const Arguments& arguments) {
    const auto& text = arguments.value;
    switch (value) {
        case Value::amount:
            return amount_of(desk, arguments);
        case Value::count:
        case Value::rate:
            return {"", arguments.remove ? 0 : count_of(text)};
        case Value::balance_type:
            return {balance_type_of(desk, arguments), 0};
        case Value::prefix:
            return {prefix_of(text), 0};
        case Value::hours:
            if (!auth::parse_hours(text)) {
                throw PlainError("'" + text + "' are no hours of the week, e.g. \"mon-fri 08:00-18:00\"");
            }
            return {text, 0};
        case Value::method:
            break;
    }
    const auto dot = text.find('.');
    const bool known =
        dot != std::string::npos && auth::permission_of(text.substr(0, dot), text.substr(dot + 1));
    if (!known) throw PlainError("'" + text + "' is no method; `ledgerline user rights` lists them");
    return {text, 0};
}

void show(Desk& desk, const std::string& login) {
    const auto who = auth::parse_login(login, desk.default_domain());
    if (!who) throw PlainError("'" + login + "' is no login (NAME or NAME@DOMAIN)");
    // A wrong login must not look like one without limits.
    desk.users([&](auth::Users& users) { static_cast<void>(users.application_of(login)); });
    const std::vector<Column> columns{
        {.name = "limit", .source = "replace(name, '_', '-')"},
        {.name = "value",
         .source = "case when name in ('balance_type', 'address_prefix', 'method', 'hours', 'call_allow', "
                   "                    'call_deny') then item"
                   "     else finance.major(value, exponent)::text end"},
        {.name = "unit"},
        {.name = "used", .kind = Column::Kind::amount, .source = "finance.major(used, exponent)"},
    };
    desk.out().list(
        desk.table(columns, "from auth.limit_list where domain = $1 and login = $2 order by name, item",
                   params(who->domain, who->name)),
        "No limits.");
}

void set(Desk& desk, const Arguments& arguments) {
    const auto kind = kind_named(arguments.name);
    // `--remove` needs to know which one of several: its unit, or itself.
    auto given = arguments;
    if (given.remove && kind.value == Value::amount && given.unit.empty()) given.unit = given.value;
    const bool counted = kind.value == Value::count || kind.value == Value::rate;
    if (given.value.empty() && !(given.remove && counted)) throw PlainError("which value?");
    const auto limit = stored(desk, kind.value, given);
    const auto value = given.remove ? std::nullopt : std::optional(limit.value);
    std::string name(kind.name);
    std::ranges::replace(name, '-', '_');
    std::string application;
    desk.users([&](auth::Users& users) {
        application = users.application_of(given.login);
        if (kind.value >= Value::rate) users.set_limit(given.login, name, limit.item, value);
    });
    if (kind.value < Value::rate) {
        const auto done = desk.query("select ledger.set_limit($1, $2, $3, $4)",
                                     params(application, name, limit.item, value));
        if (!done.boolean(0, 0)) throw Refused("impossible", given.login + " has no such limit");
    }
    desk.out().done((given.remove ? "Took away the limit " : "Set the limit ") + arguments.name + " of " +
                    given.login + '.');
}

}  // namespace

void add_limit_command(CommandGroup& group) {
    const auto arguments = std::make_shared<Arguments>();
    auto& command = group.add("limit", "Show a user's limits, or set one", "shop amount-per-day 500.00 EUR",
                              [arguments](Desk& desk) {
                                  if (arguments->name.empty())
                                      show(desk, arguments->login);
                                  else
                                      set(desk, *arguments);
                              });
    command.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
    command.add_option("LIMIT", arguments->name, "One of " + names());
    command.add_option(
        "VALUE", arguments->value,
        "Amount, number, balance type, prefix, method or hours (\"mon-fri 08:00-18:00\"); of the last four "
        "several may be set, one by one: then one of them must fit, and none of call-deny");
    command.add_option("UNIT", arguments->unit, "Of an amount, e.g. EUR");
    command.add_flag("--remove", arguments->remove, "Take it away");
}

}  // namespace app
