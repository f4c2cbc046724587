// Rules as columns, and back.
#include "telephony/rules/store.hpp"

#include <stdexcept>
#include <utility>

namespace rules {
namespace {

using base::sql::ArrayText;
using Text = std::optional<std::string>;

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

// Writing ---------------------------------------------------------------------------------------------------

struct PatternColumns {
    ArrayText in, patterns;

    void add(const std::optional<Patterns>& value) {
        in.add(!value || value->in);
        patterns.add(value ? Text(text_of(value->patterns)) : std::nullopt);
    }
};

/// What an action is in the columns action, status, reason and addresses.
struct ActionColumns {
    ArrayText action, status, reason, addresses;

    void add(std::string_view name, std::optional<std::int64_t> code, const Text& why, const Text& where) {
        action.add(name);
        status.add(code);
        reason.add(why);
        addresses.add(where);
    }
    void operator()(const action::Reject& reject) { add("reject", reject.status, reject.reason, {}); }
    void operator()(const action::Redirect& redirect) { add("redirect", {}, {}, redirect.address); }
    void operator()(const action::Fork& fork) { add("fork", {}, {}, text_of(fork.addresses)); }
    void operator()(const action::Stop&) { add("stop", {}, {}, {}); }
    // Of notifications, which are kept elsewhere.
    void operator()(const action::Ask&) { throw std::logic_error("rules that ask are not stored"); }
    void operator()(const action::Notify&) { throw std::logic_error("rules that notify are not stored"); }
};

struct RuleColumns {
    ArrayText name, priority, stage, after, kind;
    PatternColumns calling, called, calling_name;
    ArrayText days, from, until, time_zone, authenticated, registered;
    ActionColumns action;

    void add(const Rule& rule) {
        name.add(rule.name);
        priority.add(rule.priority);
        stage.add(to_string(rule.stage));
        after.add(std::int64_t{rule.after.count()});
        kind.add(to_string(rule.kind));
        calling.add(rule.conditions.calling);
        called.add(rule.conditions.called);
        calling_name.add(rule.conditions.calling_name);
        add(rule.conditions.hours);
        authenticated.add(rule.conditions.authenticated);
        registered.add(rule.conditions.registered);
        std::visit(action, rule.action);
    }
    void add(const std::optional<Hours>& hours) {
        using Number = std::optional<std::int64_t>;
        days.add(hours ? Number(hours->days) : std::nullopt);
        from.add(hours ? Number(hours->from.count()) : std::nullopt);
        until.add(hours ? Number(hours->until.count()) : std::nullopt);
        time_zone.add(hours ? Text(hours->zone.name()) : std::nullopt);
    }
};

/// The domain belongs into a row only where no account does.
Text domain_of(const Owner& owner) { return owner.account ? std::nullopt : Text(owner.domain); }

void write(base::sql::Session& session, const Owner& owner, Origin origin, bool whole,
           const std::vector<Rule>& rules) {
    RuleColumns c;
    for (const auto& rule : rules) c.add(rule);
    session.exec(
        "select rules.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
        " $19, $20, $21, $22, $23, $24, $25)",
        base::sql::params(owner.account, domain_of(owner), std::string(to_string(origin)), whole, c.name,
                          c.priority, c.stage, c.after, c.kind, c.calling.in, c.calling.patterns, c.called.in,
                          c.called.patterns, c.calling_name.in, c.calling_name.patterns, c.days, c.from,
                          c.until, c.time_zone, c.authenticated, c.registered, c.action.action,
                          c.action.status, c.action.reason, c.action.addresses));
}

// Reading ---------------------------------------------------------------------------------------------------

constexpr auto loaded =
    "select place, name, priority, stage, after_seconds, kind, calling_in, calling, called_in, called,"
    " calling_name_in, calling_name, days, from_minute, until_minute, time_zone, authenticated, registered,"
    " action, status, reason, addresses, notification from rules.load($1, $2)";

/// One row of the statement above, column by column.
class RowReader {
  public:
    RowReader(const base::sql::Rows& rows, std::size_t row) : rows_(rows), row_(row) {}

    std::string text() { return optional_text().value_or(""); }
    Text optional_text() { return rows_.optional_text(row_, column_++); }
    std::int64_t integer() { return optional_integer().value_or(0); }
    std::optional<std::int64_t> optional_integer() { return rows_.optional_integer(row_, column_++); }
    std::optional<bool> optional_boolean() {
        const auto column = column_++;
        if (rows_.is_null(row_, column)) return std::nullopt;
        return rows_.boolean(row_, column);
    }
    std::optional<Patterns> patterns() {
        const bool in = optional_boolean().value_or(true);
        const auto lines = optional_text();
        if (!lines) return std::nullopt;
        return Patterns{in, lines_of(*lines)};
    }
    std::optional<Hours> hours() {
        const auto days = optional_integer();
        const std::chrono::minutes from(integer()), until(integer());
        const auto zone = base::TimeZone::named(text());
        if (!days) return std::nullopt;
        // A zone of newer data than this program's is no reason to lose the rule.
        return Hours{static_cast<std::uint8_t>(*days), from, until, zone.value_or(base::TimeZone())};
    }
    Action action() {
        const auto name = text();
        const auto status = static_cast<int>(integer());
        auto reason = text();
        auto addresses = lines_of(text());
        auto notification = text();
        if (name == "reject") return action::Reject{status, std::move(reason)};
        if (name == "redirect")
            return action::Redirect{addresses.empty() ? "" : std::move(addresses.front())};
        if (name == "fork") return action::Fork{std::move(addresses)};
        if (name == "ask") return action::Ask{std::move(notification)};
        if (name == "notify") return action::Notify{std::move(notification)};
        return action::Stop{};
    }

  private:
    const base::sql::Rows& rows_;
    std::size_t row_;
    std::size_t column_ = 0;
};

Rule read_rule(RowReader& reader) {
    Rule rule;
    rule.name = reader.text();
    rule.priority = static_cast<int>(reader.integer());
    rule.stage = stage_named(reader.text()).value_or(Stage::immediately);
    rule.after = std::chrono::seconds(reader.integer());
    rule.kind = kind_named(reader.text()).value_or(Kind::other);
    rule.conditions.calling = reader.patterns();
    rule.conditions.called = reader.patterns();
    rule.conditions.calling_name = reader.patterns();
    rule.conditions.hours = reader.hours();
    rule.conditions.authenticated = reader.optional_boolean();
    rule.conditions.registered = reader.optional_boolean();
    rule.action = reader.action();
    return rule;
}

}  // namespace

std::string_view to_string(Origin origin) {
    return origin == Origin::operator_ ? "operator" : "call-handling";
}

RuleSet load(base::sql::Session& session, const Owner& owner) {
    const auto rows = session.exec(loaded, base::sql::params(owner.account, owner.domain));
    RuleSet set;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        RowReader reader(rows, row);
        const auto place = reader.text();
        auto& list = place == "account"  ? set.account
                     : place == "before" ? set.before
                     : place == "caller" ? set.caller
                                         : set.after;
        list.push_back(read_rule(reader));
    }
    return set;
}

void replace(base::sql::Session& session, const Owner& owner, Origin origin, const std::vector<Rule>& rules) {
    write(session, owner, origin, true, rules);
}

void put(base::sql::Session& session, const Owner& owner, const Rule& rule) {
    write(session, owner, Origin::operator_, false, {rule});
}

bool remove(base::sql::Session& session, const Owner& owner, const std::string& name) {
    return session
        .exec("select rules.remove($1, $2, $3, $4)",
              base::sql::params(owner.account, domain_of(owner), std::string(to_string(Origin::operator_)),
                                name))
        .boolean(0, 0);
}

}  // namespace rules
