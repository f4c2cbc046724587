// Which rule acts: conditions, and the order in which rules are looked at.
#include "telephony/rules/rule.hpp"

#include <algorithm>
#include <iterator>

namespace rules {
namespace {

constexpr std::array<std::string_view, stages.size()> stage_names{
    "immediately", "after", "busy", "no-answer", "error", "answered", "ended"};
constexpr std::array<std::string_view, rule_kinds.size()> kind_names{
    "notify", "accept-list", "block-list", "ask", "forward-list", "forward", "other"};

template <class E, std::size_t N>
std::optional<E> by_name(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<E>(found - names.begin());
}

/// `*` stands for any characters. Where it stood last is remembered, and tried again one character later
/// when what follows does not fit: no more than text times pattern.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

bool among(const std::vector<std::string>& patterns, std::string_view text) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, text); });
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

/// What a SIP address means besides itself: without parameters (RFC 3261, 19.1.1), and the number that it is
/// at some gateway (19.1.6).
std::vector<std::string> spellings(std::string_view address) {
    std::vector<std::string> result{std::string(address)};
    const auto colon = address.find(':');
    const auto scheme = address.substr(0, colon);
    if (scheme != "sip" && scheme != "sips") return result;
    const auto at = address.find('@');
    const auto end = address.find_first_of(";?", at == std::string_view::npos ? 0 : at);
    const auto rest = address.substr(colon, end == std::string_view::npos ? end : end - colon);
    result.push_back("sip" + std::string(rest));
    if (at == std::string_view::npos) return result;
    auto text = address.substr(colon + 1, at - colon - 1);
    text = text.substr(0, text.find(';'));
    std::string user;
    // Visual separators mean nothing (RFC 3966, 5.1.1).
    std::ranges::copy_if(text, std::back_inserter(user),
                         [](char c) { return std::string_view("-.()").find(c) == std::string_view::npos; });
    const bool number = user.size() > 1 && user.front() == '+' &&
                        std::ranges::all_of(user.substr(1), [](char c) { return c >= '0' && c <= '9'; });
    if (number) result.push_back("tel:" + user);
    return result;
}

/// A call's facts with every spelling of its addresses, made once for all rules.
struct Known {
    explicit Known(const CallFacts& call) : facts(call), called(spellings(call.called)) {
        for (const auto& address : facts.calling)
            std::ranges::move(spellings(address), std::back_inserter(calling));
    }
    const CallFacts& facts;
    std::vector<std::string> calling, called;
};

bool holds(const Patterns& wanted, const std::vector<std::string>& spellings) {
    const bool found = std::ranges::any_of(
        spellings, [&](const std::string& spelling) { return among(wanted.patterns, spelling); });
    return found == wanted.in;
}

bool name_holds(const Patterns& wanted, std::string_view name) {
    const auto text = lower(name);
    const bool found = std::ranges::any_of(
        wanted.patterns, [&](const std::string& pattern) { return matches(lower(pattern), text); });
    return found == wanted.in;
}

bool hold(const Hours& hours, std::chrono::sys_seconds now) {
    const auto local = hours.zone.local(now);
    const auto midnight = std::chrono::floor<std::chrono::days>(local);
    const auto time = local - midnight;
    const auto begins = [&](std::chrono::local_days day) {
        return ((hours.days >> std::chrono::weekday(day).c_encoding()) & 1) != 0;
    };
    if (hours.from < hours.until) return begins(midnight) && time >= hours.from && time < hours.until;
    return (begins(midnight) && time >= hours.from) ||
           (begins(midnight - std::chrono::days(1)) && time < hours.until);
}

std::string first_unmet(const Conditions& conditions, const Known& known) {
    const auto& facts = known.facts;
    if (conditions.calling && !holds(*conditions.calling, known.calling)) return "calling address";
    if (conditions.called && !holds(*conditions.called, known.called)) return "called address";
    if (conditions.calling_name && !name_holds(*conditions.calling_name, facts.calling_name))
        return "calling name";
    if (conditions.hours && !hold(*conditions.hours, facts.now)) return "hours";
    if (conditions.authenticated && *conditions.authenticated != facts.authenticated) return "authenticated";
    if (conditions.registered && *conditions.registered != (facts.registrations > 0)) return "registered";
    return {};
}

bool only_tells(const Rule& rule) { return std::holds_alternative<action::Notify>(rule.action); }

/// Adds the rules of a stage in the order in which they are looked at.
void add_stage(std::vector<const Rule*>& list, const std::vector<Rule>& rules, Stage stage,
               std::chrono::seconds elapsed, bool all_delays) {
    const auto begin = static_cast<std::ptrdiff_t>(list.size());
    for (const auto& rule : rules) {
        if (rule.stage != stage) continue;
        if (stage == Stage::after && !all_delays && rule.after != elapsed) continue;
        if (stage >= Stage::answered && !only_tells(rule)) continue;
        list.push_back(&rule);
    }
    std::stable_sort(list.begin() + begin, list.end(), [](const Rule* one, const Rule* other) {
        if (one->kind != other->kind) return one->kind < other->kind;
        return one->priority > other->priority;
    });
}

std::vector<const Rule*> in_order(const RuleSet& set, Stage stage, std::chrono::seconds elapsed,
                                  const CallFacts& facts) {
    const bool all_delays = facts.registrations == 0;
    std::vector<const Rule*> list;
    for (const auto* rules : {&set.before, &set.account, &set.after})
        add_stage(list, *rules, stage, elapsed, all_delays);
    if (stage == Stage::after && all_delays)
        std::ranges::stable_sort(list, {}, [](const Rule* rule) { return rule->after; });
    return list;
}

}  // namespace

std::string_view to_string(Stage stage) { return stage_names.at(static_cast<std::size_t>(stage)); }
std::optional<Stage> stage_named(std::string_view name) { return by_name<Stage>(stage_names, name); }
std::string_view to_string(Kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }
std::optional<Kind> kind_named(std::string_view name) { return by_name<Kind>(kind_names, name); }

std::vector<std::chrono::seconds> RuleSet::delays() const {
    std::vector<std::chrono::seconds> result;
    for (const auto* rules : {&before, &account, &after}) {
        for (const auto& rule : *rules) {
            if (rule.stage == Stage::after) result.push_back(rule.after);
        }
    }
    std::ranges::sort(result);
    const auto rest = std::ranges::unique(result);
    result.erase(rest.begin(), rest.end());
    return result;
}

std::vector<Step> explain(const RuleSet& set, Stage stage, std::chrono::seconds elapsed,
                          const CallFacts& facts) {
    const Known known(facts);
    std::vector<Step> steps;
    for (const auto* rule : in_order(set, stage, elapsed, facts)) {
        steps.push_back({rule, first_unmet(rule->conditions, known)});
        if (steps.back().unmet.empty() && !only_tells(*rule)) break;
    }
    return steps;
}

std::vector<const Rule*> told_of_caller(const RuleSet& callers, Stage stage, const CallFacts& facts) {
    const Known known(facts);
    std::vector<const Rule*> told;
    for (const auto& rule : callers.caller) {
        if (rule.stage == stage && first_unmet(rule.conditions, known).empty()) told.push_back(&rule);
    }
    return told;
}

Decision evaluate(const RuleSet& set, Stage stage, std::chrono::seconds elapsed, const CallFacts& facts) {
    Decision decision;
    for (const auto& step : explain(set, stage, elapsed, facts)) {
        if (!step.unmet.empty()) continue;
        if (only_tells(*step.rule))
            decision.notify.push_back(step.rule);
        else
            decision.acting = step.rule;
    }
    return decision;
}

}  // namespace rules
