// Elements to rules.
#include "telephony/callhandling/translation.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace callhandling {
namespace {

using rules::Kind;
using rules::Rule;
using rules::Stage;

constexpr std::size_t address_max = 512;
/// As in RFC 5359, clause 2.13 (incoming call screening).
constexpr int screened_status = 403;
constexpr auto screened_reason = "Screening Failure";

bool is_pattern(const std::string& address) {
    const auto colon = address.find(':');
    const bool uri = colon != std::string::npos && colon > 0 && colon + 1 < address.size();
    const bool plain = std::ranges::all_of(address, [](unsigned char c) { return c > 0x20 && c != 0x7F; });
    return (uri || address == "*") && plain && address.size() <= address_max;
}

/// Whom a caller's address may mean, with wildcards. Throws BadAddress.
std::vector<std::string> patterns_of(const std::string& text, const ledger::NumberingPlan& numbers,
                                     const std::string& part) {
    auto readings = ledger::readings_of(text, numbers);
    std::erase_if(readings, [](const std::string& reading) { return !is_pattern(reading); });
    if (readings.empty()) throw BadAddress{part};
    return readings;
}

/// Whom to call. Throws BadAddress.
std::string target_of(const std::string& text, const calls::DialPlan& plan, const std::string& part) {
    auto target = plan.callable(text);
    if (!target) throw BadAddress{part};
    return std::move(*target);
}

std::string part_of(std::string_view list, std::string_view member = {}) {
    auto part = std::string(names::rules) + '.' + std::string(list);
    if (!member.empty()) part += '.' + std::string(member);
    return part;
}

class Translator {
  public:
    Translator(const ledger::NumberingPlan& numbers, const calls::DialPlan& plan)
        : numbers_(numbers), plan_(plan) {}

    std::vector<Rule> translate(const CallHandlingRules& given) {
        screen("accept", Kind::accept_list, names::accept_list, given.accept_list);
        screen("block", Kind::block_list, names::block_list, given.block_list);
        std::vector<std::string> callers;
        for (std::size_t i = 0; i < given.forward_list.size(); ++i) {
            const auto& element = given.forward_list[i];
            auto patterns =
                patterns_of(element.calling, numbers_, part_of(names::forward_list, names::calling_address));
            rules::Conditions conditions;
            conditions.calling = rules::Patterns{true, patterns};
            forward("forward-list " + std::to_string(i + 1), Kind::forward_list, names::forward_list, element,
                    conditions);
            std::ranges::move(patterns, std::back_inserter(callers));
        }
        if (given.forward) {
            rules::Conditions conditions;
            if (!callers.empty()) conditions.calling = rules::Patterns{false, std::move(callers)};
            forward("forward", Kind::forward, names::forward, *given.forward, conditions);
        }
        return std::move(rules_);
    }

  private:
    void screen(std::string name, Kind kind, std::string_view list,
                const std::vector<std::string>& addresses) {
        if (addresses.empty()) return;
        rules::Patterns patterns{kind == Kind::block_list, {}};
        for (const auto& address : addresses)
            std::ranges::move(patterns_of(address, numbers_, part_of(list)),
                              std::back_inserter(patterns.patterns));
        Rule rule;
        rule.name = std::move(name);
        rule.kind = kind;
        rule.conditions.calling = std::move(patterns);
        rule.action = rules::action::Reject{screened_status, screened_reason};
        rules_.push_back(std::move(rule));
    }

    /// Element: UnconditionalForward or ConditionalForward.
    template <class Element>
    void forward(const std::string& name, Kind kind, std::string_view list, const Element& element,
                 const rules::Conditions& conditions) {
        if (!element.forwarding && !element.on_busy && !element.on_no_answer)
            throw BadAddress{part_of(list, names::forwarding_address)};
        const auto add = [&](const std::string& suffix, Stage stage, std::string_view member,
                             const std::optional<std::string>& address) {
            if (!address) return;
            Rule rule;
            rule.name = name + suffix;
            rule.kind = kind;
            rule.stage = stage;
            rule.conditions = conditions;
            rule.action = rules::action::Redirect{target_of(*address, plan_, part_of(list, member))};
            rules_.push_back(std::move(rule));
        };
        add("", Stage::immediately, names::forwarding_address, element.forwarding);
        add(" on busy", Stage::busy, names::on_busy_address, element.on_busy);
        add(" on no answer", Stage::no_answer, names::on_no_answer_address, element.on_no_answer);
    }

    const ledger::NumberingPlan& numbers_;
    const calls::DialPlan& plan_;
    std::vector<Rule> rules_;
};

}  // namespace

std::variant<std::vector<Rule>, BadAddress> translate(const CallHandlingRules& given,
                                                      const ledger::NumberingPlan& numbers,
                                                      const calls::DialPlan& plan) {
    try {
        return Translator(numbers, plan).translate(given);
    } catch (BadAddress& bad) {
        return std::move(bad);
    }
}

}  // namespace callhandling
