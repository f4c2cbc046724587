// `ledgerline rule`: Signal Rules of accounts and domains, and what they would do with a call.
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/values.hpp"
#include "ledger/address.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/rules/store.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <regex>
#include <utility>

namespace app {
namespace json = boost::json;
namespace {

using Kind = Column::Kind;
using base::sql::params;

constexpr int priority_max = 9;
constexpr int status_min = 400, status_max = 699;
constexpr std::int64_t after_max = 3600;
constexpr std::array<std::string_view, 7> day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// One set of arguments serves all subcommands, because only one of them runs.
struct Arguments {
    std::string owner, name, stage, reason, redirect, hours, time_zone = "UTC", authenticated, registered;
    std::vector<std::string> fork, calling, not_calling, called, not_called, calling_name, not_calling_name;
    std::vector<std::string> days;
    int priority = rules::account_priority, status = 0;
    std::int64_t after = 0;
    bool stop = false;
    std::string caller, caller_name, at;
    bool recognised = false;
    std::int64_t registrations = 1;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

/// Whose rules an argument names: an account by an address, or a domain.
rules::Owner owner_of(Desk& desk, const std::string& text) {
    if (text.find_first_of(":+") != std::string::npos) {
        const auto account = desk.account(text);
        return {account->id, account->domain};
    }
    const auto login = auth::parse_login("x", text);
    const bool known =
        login && !desk.query("select from ledger.domain where domain = $1", params(login->domain)).empty();
    if (!known) throw Refused("unknown_domain", "'" + text + "' is no domain, and no address");
    return {std::nullopt, login->domain};
}

// Showing ---------------------------------------------------------------------------------------------------

Column patterns_column(const std::string& name) {
    return {.name = name,
            .source = "case when not " + name + "_in then 'not ' else '' end || replace(" + name +
                      ", E'\\n', ', ')"};
}

std::vector<Column> rule_columns() {
    return {
        {.name = "place"},
        {.name = "origin"},
        {.name = "name"},
        {.name = "kind"},
        {.name = "priority", .kind = Kind::number},
        {.name = "stage",
         .source = "stage || case when stage = 'after' then ' ' || after_seconds || ' s' else '' end"},
        {.name = "action",
         .source = "concat_ws(' ', action, status, reason, replace(addresses, E'\\n', ', '), notification)"},
        patterns_column("calling"),
        patterns_column("called"),
        patterns_column("calling_name"),
        {.name = "hours",
         .source = "(select string_agg(d, ' ' order by i) from unnest(array['sun', 'mon', 'tue', 'wed',"
                   " 'thu', 'fri', 'sat']) with ordinality u(d, i) where days >> (i::int - 1) & 1 = 1)"
                   " || to_char(make_interval(mins => from_minute), ' HH24:MI') || "
                   "to_char(make_interval(mins => until_minute), '-HH24:MI ') || time_zone"},
        {.name = "authenticated", .kind = Kind::flag},
        {.name = "registered", .kind = Kind::flag},
    };
}

void list(Desk& desk, const Arguments& arguments) {
    const auto owner = owner_of(desk, arguments.owner);
    const auto table = desk.table(rule_columns(),
                                  "from rules.load($1, $2) with ordinality r order by array_position("
                                  "array['before', 'account', 'after', 'caller'], place), ordinality",
                                  params(owner.account, owner.domain));
    desk.out().list(table, "No rules.");
}

// Setting ---------------------------------------------------------------------------------------------------

std::optional<rules::Patterns> patterns_of(const std::vector<std::string>& in,
                                           const std::vector<std::string>& not_in, bool addresses) {
    if (in.empty() && not_in.empty()) return std::nullopt;
    rules::Patterns patterns{!in.empty(), in.empty() ? not_in : in};
    for (auto& pattern : patterns.patterns) {
        if (addresses) pattern = ledger::normal_address(pattern);
        const bool plain = std::ranges::none_of(pattern, [](unsigned char c) { return c < 0x20; });
        if (pattern.empty() || !plain) throw PlainError("an empty pattern fits nothing");
    }
    return patterns;
}

std::chrono::minutes minutes_of(const std::string& text, const std::string& all) {
    static const std::regex form(R"((\d\d?):([0-5]?\d))");
    std::smatch parts;
    const bool read = std::regex_match(text, parts, form);
    const auto total = read ? std::stoi(parts[1]) * 60 + std::stoi(parts[2]) : -1;
    if (!read || total > 24 * 60) throw PlainError("'" + all + "' are no hours like 09:00-17:00");
    return std::chrono::minutes(total);
}

std::optional<rules::Hours> hours_of(const Arguments& arguments) {
    if (arguments.hours.empty() && arguments.days.empty()) return std::nullopt;
    rules::Hours hours;
    const auto zone = base::TimeZone::named(arguments.time_zone);
    if (!zone) throw PlainError("'" + arguments.time_zone + "' is no time zone like Europe/Berlin");
    hours.zone = *zone;
    if (!arguments.hours.empty()) {
        const auto dash = std::min(arguments.hours.find('-'), arguments.hours.size());
        hours.from = minutes_of(arguments.hours.substr(0, dash), arguments.hours);
        hours.until =
            minutes_of(arguments.hours.substr(std::min(dash + 1, arguments.hours.size())), arguments.hours);
        if (hours.from == std::chrono::hours(24)) hours.from = std::chrono::minutes(0);
    }
    if (!arguments.days.empty()) hours.days = 0;
    for (const auto& day : arguments.days) {
        const auto found = std::ranges::find(day_names, day);
        if (found == day_names.end()) throw PlainError("'" + day + "' is no day like mon");
        hours.days = static_cast<std::uint8_t>(hours.days | (1U << (found - day_names.begin())));
    }
    return hours;
}

std::string target_of(const std::string& text) {
    // Which country's numbers others are is the servers' setting.
    const auto normal = ledger::normal_address(text);
    const auto target = calls::DialPlan(calls::DialPlan::Options()).callable(normal);
    if (!target || (normal.starts_with("tel:") && !normal.starts_with("tel:+")))
        throw PlainError("'" + text + "' is no address that can be called");
    return *target;
}

rules::Action action_of(const Arguments& arguments) {
    const int given = (arguments.status != 0) + !arguments.redirect.empty() + !arguments.fork.empty() +
                      static_cast<int>(arguments.stop);
    if (given != 1) throw PlainError("a rule does one thing: --reject, --redirect, --fork or --stop");
    if (arguments.status != 0) return rules::action::Reject{arguments.status, arguments.reason};
    if (!arguments.redirect.empty()) return rules::action::Redirect{target_of(arguments.redirect)};
    if (arguments.stop) return rules::action::Stop{};
    rules::action::Fork fork;
    for (const auto& address : arguments.fork) fork.addresses.push_back(target_of(address));
    return fork;
}

std::optional<bool> yes_or_no(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text == "yes");
}

void set(Desk& desk, const Arguments& arguments) {
    const auto owner = owner_of(desk, arguments.owner);
    rules::Rule rule;
    rule.name = arguments.name;
    rule.priority = arguments.priority;
    rule.stage = rules::stage_named(arguments.stage).value_or(rules::Stage::immediately);
    if (arguments.after > 0) rule.stage = rules::Stage::after;
    rule.after = std::chrono::seconds(arguments.after);
    rule.conditions.calling = patterns_of(arguments.calling, arguments.not_calling, true);
    rule.conditions.called = patterns_of(arguments.called, arguments.not_called, true);
    rule.conditions.calling_name = patterns_of(arguments.calling_name, arguments.not_calling_name, false);
    rule.conditions.hours = hours_of(arguments);
    rule.conditions.authenticated = yes_or_no(arguments.authenticated);
    rule.conditions.registered = yes_or_no(arguments.registered);
    rule.action = action_of(arguments);
    auto session = desk.long_session();
    base::sql::Transaction transaction(session);
    rules::put(session, owner, rule);
    desk.record_in(session);
    transaction.commit();
    desk.out().done("The rule " + rule.name + " of " + arguments.owner + " holds from now on.");
}

void remove(Desk& desk, const Arguments& arguments) {
    const auto owner = owner_of(desk, arguments.owner);
    auto session = desk.long_session();
    base::sql::Transaction transaction(session);
    if (!rules::remove(session, owner, arguments.name)) {
        throw Refused("unknown_rule", "the operator gave " + arguments.owner + " no rule " + arguments.name);
    }
    desk.record_in(session);
    transaction.commit();
    desk.out().done("The rule " + arguments.name + " of " + arguments.owner + " is gone.");
}

// Testing ---------------------------------------------------------------------------------------------------

rules::CallFacts facts_of(Desk& desk, const Arguments& arguments) {
    rules::CallFacts facts;
    if (!arguments.caller.empty()) facts.calling = {ledger::normal_address(arguments.caller)};
    if (arguments.recognised) {
        const auto others = desk.query(
            "select o.address from ledger.address a join ledger.address o on o.account_id = a.account_id"
            " where a.address = $1 and a.until is null and o.until is null and o.address <> $1",
            params(ledger::normal_address(arguments.caller)));
        for (std::size_t row = 0; row < others.size(); ++row) facts.calling.emplace_back(others.text(row, 0));
    }
    facts.calling_name = arguments.caller_name;
    facts.called = ledger::normal_address(arguments.owner);
    facts.authenticated = arguments.recognised;
    facts.registrations = static_cast<std::size_t>(arguments.registrations);
    const auto now =
        desk.query("select extract(epoch from coalesce($1::timestamptz, clock_timestamp()))::bigint",
                   params(time_of(arguments.at)));
    facts.now = std::chrono::sys_seconds(std::chrono::seconds(now.integer(0, 0)));
    return facts;
}

std::string in_words(const rules::Action& action) {
    if (const auto* reject = std::get_if<rules::action::Reject>(&action))
        return "rejects the call with " + std::to_string(reject->status) + ' ' + reject->reason;
    if (const auto* redirect = std::get_if<rules::action::Redirect>(&action))
        return "calls " + redirect->address + " instead";
    if (const auto* fork = std::get_if<rules::action::Fork>(&action)) {
        std::string words;
        for (const auto& address : fork->addresses) words += (words.empty() ? "" : ", ") + address;
        return "calls " + words + " too";
    }
    if (const auto* ask = std::get_if<rules::action::Ask>(&action))
        return "asks the application of notification " + ask->notification;
    if (const auto* notify = std::get_if<rules::action::Notify>(&action))
        return "tells the application of notification " + notify->notification;
    return "lets the call go on";
}

/// What one stage comes to, for people and for programs.
struct Report {
    std::string lines;
    json::array stages;

    void add(std::string stage, const std::vector<rules::Step>& steps) {
        json::array looked_at;
        std::string reasons;
        const rules::Rule* acting = nullptr;
        for (const auto& step : steps) {
            const auto& rule = *step.rule;
            const bool tells = std::holds_alternative<rules::action::Notify>(rule.action);
            const auto does = step.unmet.empty() ? in_words(rule.action)
                                                 : "does not apply: the " + step.unmet + " does not fit";
            if (step.unmet.empty() && !tells) acting = &rule;
            reasons += "\n    " + std::string(to_string(rule.kind)) + ' ' + rule.name + ' ' + does;
            looked_at.push_back({{"rule", rule.name},
                                 {"kind", to_string(rule.kind)},
                                 {"priority", rule.priority},
                                 {"applies", step.unmet.empty()},
                                 {"why", does}});
        }
        lines += (lines.empty() ? "" : "\n") + stage + ": " +
                 (acting != nullptr ? acting->name + " acts" : std::string("no rule acts")) + reasons;
        stages.push_back({{"stage", stage},
                          {"acting", acting != nullptr ? json::value(acting->name) : json::value(nullptr)},
                          {"rules", std::move(looked_at)}});
    }
};

void test(Desk& desk, const Arguments& arguments) {
    const auto owner = owner_of(desk, arguments.owner);
    const auto facts = facts_of(desk, arguments);
    auto session = desk.long_session();
    const auto set = rules::load(session, owner);
    Report report;
    for (const auto stage : rules::stages) {
        if (!arguments.stage.empty() && to_string(stage) != arguments.stage) continue;
        const auto name = std::string(to_string(stage));
        if (stage != rules::Stage::after) {
            report.add(name, explain(set, stage, std::chrono::seconds(0), facts));
            continue;
        }
        for (const auto delay : set.delays())
            report.add(name + ' ' + std::to_string(delay.count()) + " s", explain(set, stage, delay, facts));
    }
    desk.out().report(report.lines, {{"stages", std::move(report.stages)}});
}

// The subcommands -------------------------------------------------------------------------------------------

std::vector<std::string> stage_names() {
    std::vector<std::string> names;
    for (const auto stage : rules::stages) names.emplace_back(to_string(stage));
    return names;
}

void take_owner(CLI::App& command, const ArgumentsPtr& arguments) {
    command
        .add_option("OWNER", arguments->owner, "An address of the account, or a domain: rules of all in it")
        ->required();
}

void take_conditions(CLI::App& command, const ArgumentsPtr& arguments) {
    const auto take = [&](const std::string& name, const std::string& what, std::vector<std::string>& in,
                          std::vector<std::string>& not_in) {
        auto* is = command.add_option("--" + name, in, what + " is one of these; * stands for anything");
        command.add_option("--not-" + name, not_in, what + " is none of these")->excludes(is);
    };
    take("calling", "The caller's address", arguments->calling, arguments->not_calling);
    take("called", "The address that was called", arguments->called, arguments->not_called);
    take("calling-name", "The caller's name", arguments->calling_name, arguments->not_calling_name);
    command.add_option("--hours", arguments->hours, "e.g. 09:00-17:00, or 22:00-06:00 over midnight");
    command.add_option("--days", arguments->days, "On which the hours begin, e.g. mon tue")->delimiter(',');
    command.add_option("--time-zone", arguments->time_zone, "Of hours and days")->capture_default_str();
    command.add_option("--authenticated", arguments->authenticated, "Whether we know the caller")
        ->check(CLI::IsMember({"yes", "no"}));
    command.add_option("--registered", arguments->registered, "Whether a device is there")
        ->check(CLI::IsMember({"yes", "no"}));
}

void add_setting(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& setting = group.add_act("set", "Give an account or a domain a rule, or change it",
                                  "tel:+15550001 night --redirect tel:+15550002 --hours 22:00-06:00",
                                  [arguments](Desk& desk) { set(desk, *arguments); });
    take_owner(setting, arguments);
    setting.add_option("NAME", arguments->name, "The rule's name")->required();
    setting.add_option("--reject", arguments->status, "Ends the call with this SIP status")
        ->check(CLI::Range(status_min, status_max));
    setting.add_option("--reason", arguments->reason, "The words beside that status");
    setting.add_option("--redirect", arguments->redirect, "Calls this address instead");
    setting.add_option("--fork", arguments->fork, "Calls these addresses, too");
    setting.add_flag("--stop", arguments->stop, "Lets the call go on, past all rules after this one");
    setting.add_option("--stage", arguments->stage, "When it is looked at (default: immediately)")
        ->check(CLI::IsMember(std::vector<std::string>{"immediately", "busy", "no-answer", "error"}));
    setting.add_option("--after", arguments->after, "When it has rung for so many seconds")
        ->check(CLI::Range(std::int64_t{1}, after_max));
    setting
        .add_option("--priority", arguments->priority,
                    "Higher comes first; of a domain above 5: before the accounts' own rules")
        ->capture_default_str()
        ->check(CLI::Range(0, priority_max));
    take_conditions(setting, arguments);
}

void add_testing(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& testing = group.add("test", "Tell which rule would act on a call, and why, without a call",
                              "tel:+15550001 --caller tel:+15550002",
                              [arguments](Desk& desk) { test(desk, *arguments); });
    testing.add_option("ADDRESS", arguments->owner, "The address that is called")->required();
    testing.add_option("--caller", arguments->caller, "The caller's address; without: anonymous");
    testing.add_option("--caller-name", arguments->caller_name, "The caller's name");
    testing.add_flag("--authenticated", arguments->recognised,
                     "The caller proved to be that: known by every address of the account");
    testing.add_option("--registrations", arguments->registrations, "Devices that can be called")
        ->capture_default_str()
        ->check(CLI::Range(0, 1000));
    testing.add_option("--at", arguments->at,
                       "When, e.g. 2026-12-24T20:00 (in UTC) or 2026-12-24T20:00+01:00 (default: now)");
    testing.add_option("--stage", arguments->stage, "This stage only")->check(CLI::IsMember(stage_names()));
}

}  // namespace

void add_rule_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "rule", "Show, set and test Signal Rules",
                       "test tel:+15550001 --caller tel:+15550002");
    const auto arguments = std::make_shared<Arguments>();
    auto& listing = group.add("list", "Show every rule that concerns calls to an account, or to a domain",
                              "tel:+15550001", [arguments](Desk& desk) { list(desk, *arguments); });
    take_owner(listing, arguments);
    add_setting(group, arguments);
    auto& removing = group.add_act("remove", "Take a rule away that `rule set` gave", "tel:+15550001 night",
                                   [arguments](Desk& desk) { remove(desk, *arguments); });
    take_owner(removing, arguments);
    removing.add_option("NAME", arguments->name, "The rule's name")->required();
    add_testing(group, arguments);
}

}  // namespace app
