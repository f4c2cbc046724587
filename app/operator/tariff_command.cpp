// `ledgerline tariff`: what volumes and codes cost.
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/values.hpp"
#include "frontend/auth/principal.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace app {
namespace {

using Kind = Column::Kind;
using base::sql::params;
using Text = std::optional<std::string>;

constexpr std::int64_t list_limit = 100;
constexpr auto volume_max = std::numeric_limits<std::int64_t>::max();

/// One set of arguments serves all subcommands, because only one of them runs.
struct Arguments {
    std::string name, unit, currency, price, minimum = "0", from, to, at;
    Text domain, application, contract, service, operation, volume_unit;
    std::vector<std::string> tiers;
    std::int64_t step = 1, per = 1, minimum_volume = 0;
    std::string address, balance, code, amount;
    std::int64_t volume = 0;
    std::int64_t limit = list_limit;
    bool all = false;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

/// The decimals of a unit. Throws Refused.
std::int64_t decimals_of(Desk& desk, const std::string& unit) {
    const auto rows = desk.query("select exponent from ledger.unit where unit = $1", params(unit));
    if (rows.empty()) {
        throw Refused("unknown_unit",
                      unit + " is neither a currency of ISO 4217 nor bytes, seconds or messages");
    }
    return rows.integer(0, 0);
}

/// The application of a login, written in either way, or one that posts without a login. What is for anybody
/// else would never hold. Throws Refused.
Text application_of(Desk& desk, const Text& given) {
    if (!given) return given;
    const auto login = auth::parse_login(*given, desk.default_domain()).value_or(auth::Login());
    const auto rows = desk.query(
        "select application, 1 from auth.description where domain = $1 and name = $2"
        " union all select name, 2 from ledger.application where name = $3 order by 2",
        params(login.domain, login.name, *given));
    if (rows.empty()) throw Refused("unknown_application", "there is no application " + *given);
    return std::string(rows.text(0, 0));
}

std::string price_text(const std::string& text) {
    const auto price = decimal_of(text);
    if (price.overflow || price.unscaled < 0 || price.scale > 12) {
        throw PlainError("'" + text + "' is no price: zero or more, with 12 decimals at most");
    }
    return price.text();
}

/// The price of the first tier, and `FROM:PRICE` for each further one.
struct Tiers {
    base::sql::ArrayText from, price;
};
Tiers tiers_of(const Arguments& arguments) {
    Tiers tiers;
    tiers.from.add(0);
    tiers.price.add(price_text(arguments.price));
    std::int64_t last = 0;
    for (const auto& tier : arguments.tiers) {
        const auto colon = tier.find(':');
        std::int64_t from = 0;
        const auto* end = tier.data() + (colon == std::string::npos ? 0 : colon);
        const auto read = std::from_chars(tier.data(), end, from);
        if (read.ec != std::errc() || read.ptr != end || from <= last) {
            throw PlainError("'" + tier + "' is no tier like 1000:0.005 that begins after the one before");
        }
        tiers.from.add(from);
        tiers.price.add(price_text(tier.substr(colon + 1)));
        last = from;
    }
    return tiers;
}

/// A price that ends before it begins would never hold; without --from it begins now.
void check_validity(Desk& desk, const Arguments& arguments) {
    const auto ends = desk.query("select $2::timestamptz <= coalesce($1::timestamptz, clock_timestamp())",
                                 params(time_of(arguments.from), time_of(arguments.to)));
    if (!ends.is_null(0, 0) && ends.boolean(0, 0)) {
        throw PlainError("--to " + arguments.to + " is not after " +
                         (arguments.from.empty() ? "now" : "--from " + arguments.from));
    }
}

void add(Desk& desk, const Arguments& arguments) {
    check_validity(desk, arguments);
    if (arguments.name.empty()) throw PlainError("a tariff needs a name");
    const auto decimals = decimals_of(desk, arguments.currency);
    if (arguments.domain) desk.refuse_unknown_domain(*arguments.domain);
    const auto application = application_of(desk, arguments.application);
    const auto minimum =
        minor_units(decimal_of(arguments.minimum), decimals, desk.max_amount(), "the minimum");
    const auto tiers = tiers_of(arguments);
    const auto version = desk.query(
        "select ledger.add_tariff($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        params(arguments.name, arguments.domain, application, arguments.unit, arguments.contract,
               arguments.service, arguments.operation, arguments.currency, arguments.step, arguments.per,
               arguments.minimum_volume, minimum, tiers.from, tiers.price, time_of(arguments.from),
               time_of(arguments.to)));
    if (version.is_null(0, 0)) {
        throw Refused("other_tariff",
                      "the tariff " + arguments.name +
                          " is for other requests (unit, currency, domain, application, contract, "
                          "service, operation); a new version may not change that");
    }
    desk.out().done(
        "Version " + std::string(version.text(0, 0)) + " of the tariff " + arguments.name +
            (arguments.from.empty() ? " holds from now on." : " holds from " + arguments.from + " on."),
        {{"tariff", arguments.name}, {"version", version.integer(0, 0)}});
}

std::vector<Column> tariff_columns() {
    return {
        {.name = "name"},
        {.name = "version", .kind = Kind::number},
        {.name = "unit"},
        {.name = "prices",
         .kind = Kind::list,
         .source = "array(select trim_scale(p)::text from unnest(prices) p)"},
        {.name = "currency"},
        {.name = "tiers", .kind = Kind::list, .source = "tiers::text[]"},
        {.name = "per", .kind = Kind::number},
        {.name = "step", .kind = Kind::number},
        {.name = "minimum", .kind = Kind::amount},
        {.name = "minimum_volume", .kind = Kind::number},
        {.name = "contract"},
        {.name = "service"},
        {.name = "operation"},
        {.name = "application"},
        {.name = "domain"},
        {.name = "valid_from", .kind = Kind::time},
        {.name = "valid_to", .kind = Kind::time},
    };
}

void list(Desk& desk, const Arguments& arguments) {
    desk.out().list(desk.table(tariff_columns(),
                               "from finance.tariffs t where $1 or valid_from <= clock_timestamp()"
                               " and (valid_to > clock_timestamp() or valid_to is null)"
                               " and not exists (select from finance.tariffs n where n.name = t.name"
                               " and (n.valid_from, n.version) > (t.valid_from, t.version)"
                               " and n.valid_from <= clock_timestamp()"
                               " and (n.valid_to > clock_timestamp() or n.valid_to is null))"
                               " order by name, version",
                               params(arguments.all)),
                    "No tariffs.");
}

void show(Desk& desk, const Arguments& arguments) {
    const auto table = desk.table(tariff_columns(), "from finance.tariffs where name = $1 order by version",
                                  params(arguments.name));
    if (table.rows.empty()) throw Refused(ledger::Refusal::no_tariff, "there is no tariff " + arguments.name);
    desk.out().list(table, "");
}

void end(Desk& desk, const Arguments& arguments) {
    const auto at = time_of(arguments.at);
    const auto ended = desk.query("select ledger.end_tariff($1, coalesce($2, clock_timestamp()))",
                                  params(arguments.name, at));
    if (ended.integer(0, 0) == 0)
        throw Refused(ledger::Refusal::no_tariff, "there is no tariff " + arguments.name + " that could end");
    desk.out().done("The tariff " + arguments.name + " ends " + (at ? "on " + arguments.at : "now") + '.');
}

void rate(Desk& desk, const Arguments& arguments) {
    ledger::RateVolume question;
    question.account = desk.account(arguments.address);
    question.application = application_of(desk, arguments.application).value_or(operator_application);
    question.volume.value = arguments.volume;
    const std::pair<const char*, const Text*> hints[]{{"unit", &arguments.volume_unit},
                                                      {"contract", &arguments.contract},
                                                      {"service", &arguments.service},
                                                      {"operation", &arguments.operation}};
    for (const auto& [name, value] : hints) {
        if (*value) question.volume.parameters.push_back({name, **value});
    }
    if (!arguments.balance.empty()) question.balance_type = arguments.balance;
    const auto rated = desk.run(desk.ledger().rate(std::move(question)));
    const auto amount = rated.amount.text(rated.decimals);
    desk.out().done(
        std::to_string(arguments.volume) + " would cost " + amount + ' ' + rated.unit +
            (rated.tariff ? " by the tariff " + *rated.tariff : ": the balance counts it itself") + '.',
        {{"amount", amount},
         {"unit", rated.unit},
         {"tariff", rated.tariff ? boost::json::value(*rated.tariff) : nullptr}},
        "rated");
}

void set_price(Desk& desk, const Arguments& arguments) {
    check_validity(desk, arguments);
    if (arguments.code.empty()) throw PlainError("a price needs a code");
    const auto decimals = decimals_of(desk, arguments.unit);
    if (arguments.domain) desk.refuse_unknown_domain(*arguments.domain);
    const auto application = application_of(desk, arguments.application);
    const auto minor = minor_units(decimal_of(arguments.amount), decimals, desk.max_amount(), "a price");
    if (minor == 0) throw Refused(ledger::Refusal::not_positive);
    desk.query("select ledger.set_price($1, $2, $3, $4, $5, $6, $7)",
               params(arguments.code, arguments.domain, application, arguments.unit, minor,
                      time_of(arguments.from), time_of(arguments.to)));
    desk.out().done("The code " + arguments.code + " costs " + arguments.amount + ' ' + arguments.unit +
                    (arguments.from.empty() ? " from now on." : " from " + arguments.from + " on."));
}

void prices(Desk& desk, const Arguments& arguments) {
    const std::vector<Column> columns{
        {.name = "code"},
        {.name = "amount", .kind = Kind::amount},
        {.name = "unit"},
        {.name = "application"},
        {.name = "domain"},
        {.name = "valid_from", .kind = Kind::time},
        {.name = "valid_to", .kind = Kind::time},
    };
    auto table =
        desk.table(columns,
                   "from finance.prices where ($1 = '' or code = $1) order by code, application nulls "
                   "first, domain nulls first, unit, valid_from limit $2",
                   params(arguments.code, arguments.limit + 1));
    const bool more = table.rows.size() > static_cast<std::size_t>(arguments.limit);
    if (more) table.rows.pop_back();
    desk.out().list(table, "No prices.");
    if (more) Printer::note("There are more prices; --limit shows more.");
}

void end_price(Desk& desk, const Arguments& arguments) {
    const auto at = time_of(arguments.at);
    const auto application = application_of(desk, arguments.application);
    const auto ended = desk.query("select ledger.end_price($1, $2, $3, $4, coalesce($5, clock_timestamp()))",
                                  params(arguments.code, arguments.domain, application, arguments.unit, at));
    if (ended.integer(0, 0) == 0)
        throw Refused(ledger::Refusal::unknown_price, "there is no such price that could end");
    desk.out().done("The price of " + arguments.code + " in " + arguments.unit + " ends " +
                    (at ? "on " + arguments.at : "now") + '.');
}

void take_scope(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("--application", arguments->application, "For its requests only; comes first");
    command.add_option("--domain", arguments->domain, "For accounts of this domain only");
}

void take_validity(CLI::App& command, const ArgumentsPtr& arguments) {
    command.add_option("--from", arguments->from,
                       "From when on, e.g. 2027-01-01 (in UTC) or 2027-01-01T00:00+01:00 (default: now)");
    command.add_option("--to", arguments->to, "Until before when (default: for ever)");
}

void take_hints(CLI::App& command, const ArgumentsPtr& arguments) {
    for (const auto& [name, value] :
         {std::pair{"--contract", &arguments->contract}, std::pair{"--service", &arguments->service},
          std::pair{"--operation", &arguments->operation}}) {
        command.add_option(name, *value, "As the parameter of this name says in requests");
    }
}

void add_adding(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& adding =
        group.add_act("add", "Add a tariff, or a version of it: the one that began last counts",
                      "calls --unit seconds --currency EUR --price 0.10 --per 60 --step 60 --tier 600:0.05",
                      [arguments](Desk& desk) { add(desk, *arguments); });
    adding.add_option("NAME", arguments->name, "The tariff's name")->required();
    adding.add_option("--unit", arguments->unit, "What the volume counts, e.g. bytes")->required();
    adding.add_option("--currency", arguments->currency, "Of the prices, and of the balances that it is for")
        ->required();
    adding.add_option("--price", arguments->price, "Of so much volume as --per says, e.g. 0.02")->required();
    adding.add_option("--per", arguments->per, "The volume that prices are for")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, volume_max));
    adding.add_option("--step", arguments->step, "Volumes are rounded up to whole steps")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, volume_max));
    adding
        .add_option("--tier", arguments->tiers,
                    "FROM:PRICE, repeatable: what of a volume is beyond FROM costs that")
        ->allow_extra_args(false);  // what follows may be NAME
    adding.add_option("--minimum", arguments->minimum, "What any volume costs at least")
        ->capture_default_str();
    adding
        .add_option("--minimum-volume", arguments->minimum_volume, "Smaller volumes cost as much as this one")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{0}, volume_max));
    take_hints(adding, arguments);
    take_scope(adding, arguments);
    take_validity(adding, arguments);
}

void add_looking(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& listing = group.add("list", "List the tariffs that hold now", "--all",
                              [arguments](Desk& desk) { list(desk, *arguments); });
    listing.add_flag("--all", arguments->all, "Every version, past and future ones too");

    auto& showing = group.add("show", "Show all versions of a tariff", "calls",
                              [arguments](Desk& desk) { show(desk, *arguments); });
    showing.add_option("NAME", arguments->name, "The tariff")->required();

    auto& ending = group.add_act("end", "End a tariff", "calls --at 2027-01-01",
                                 [arguments](Desk& desk) { end(desk, *arguments); });
    ending.add_option("NAME", arguments->name, "The tariff")->required();
    ending.add_option("--at", arguments->at, "When (default: now)");

    auto& rating =
        group.add("rate", "What a volume would cost an account; charges nothing",
                  "tel:+15550001 90 --unit seconds", [arguments](Desk& desk) { rate(desk, *arguments); });
    rating.add_option("ADDRESS", arguments->address, "One of the account's addresses")->required();
    rating.add_option("VOLUME", arguments->volume, "How much")->required();
    rating.add_option("--unit", arguments->volume_unit, "What the volume counts");
    rating.add_option("--balance", arguments->balance, "The balance to use (default: the account's default)");
    rating.add_option("--application", arguments->application, "As if it asked (default: operator)");
    take_hints(rating, arguments);
}

void add_prices(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& pricing = group.add_act("price", "Give a charging code a price: the one that began last counts",
                                  "MUSIC 1.50 EUR --application demo-app",
                                  [arguments](Desk& desk) { set_price(desk, *arguments); });
    pricing.add_option("CODE", arguments->code, "The code that requests name")->required();
    pricing.add_option("AMOUNT", arguments->amount, "What it costs, e.g. 1.50")->required();
    pricing.add_option("UNIT", arguments->unit, "The unit of the amount, e.g. EUR")->required();
    take_scope(pricing, arguments);
    take_validity(pricing, arguments);

    auto& listing = group.add("prices", "List the prices of codes", "MUSIC",
                              [arguments](Desk& desk) { prices(desk, *arguments); });
    listing.add_option("CODE", arguments->code, "Of this code only");
    listing.add_option("--limit", arguments->limit, "How many at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));

    auto& ending = group.add_act("end-price", "End the price of a code", "MUSIC EUR --application demo-app",
                                 [arguments](Desk& desk) { end_price(desk, *arguments); });
    ending.add_option("CODE", arguments->code, "The code")->required();
    ending.add_option("UNIT", arguments->unit, "The unit of the price")->required();
    take_scope(ending, arguments);
    ending.add_option("--at", arguments->at, "When (default: now)");
}

}  // namespace

void add_tariff_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "tariff", "Say what volumes and charging codes cost",
                       "rate tel:+15550001 90 --unit seconds");
    const auto arguments = std::make_shared<Arguments>();
    add_adding(group, arguments);
    add_looking(group, arguments);
    add_prices(group, arguments);
}

}  // namespace app
