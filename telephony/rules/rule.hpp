// Signal Rules: what an account wants done with calls to it. Pure: no SQL, no SIP.
//
// Source: CommuniGate Pro, "Automated Signal Processing Rules" (stages, priorities, conditions), and the
// order of processing of Parlay X Call Handling (ES 202 391-10).
#pragma once

#include "base/time_zone.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rules {

/// When a rule is looked at. In `answered` and `ended` only action::Notify has an effect.
enum class Stage : std::uint8_t {
    immediately,  ///< before anybody is called
    after,        ///< when it has rung for Rule::after, or at once where nothing is registered
    busy,         ///< 486, 600, 603
    no_answer,    ///< rung to the end
    error,        ///< every other failure; nothing registered, too
    answered,
    ended,
};
inline constexpr std::array stages{Stage::immediately, Stage::after,    Stage::busy, Stage::no_answer,
                                   Stage::error,       Stage::answered, Stage::ended};
[[nodiscard]] std::string_view to_string(Stage stage);  ///< `no-answer`
[[nodiscard]] std::optional<Stage> stage_named(std::string_view name);

/// What a rule is for: rules of one account in one stage are looked at in this order, and those of one kind
/// by priority, the highest first, then as they stand.
enum class Kind : std::uint8_t { notify, accept_list, block_list, ask, forward_list, forward, other };
inline constexpr std::array rule_kinds{Kind::notify,       Kind::accept_list, Kind::block_list, Kind::ask,
                                       Kind::forward_list, Kind::forward,     Kind::other};
[[nodiscard]] std::string_view to_string(Kind kind);  ///< `accept-list`
[[nodiscard]] std::optional<Kind> kind_named(std::string_view name);

/// Is one of these, or is none of them. In a pattern `*` stands for any characters, none too.
struct Patterns {
    bool in = true;
    std::vector<std::string> patterns;
    bool operator==(const Patterns&) const = default;
};

/// Hours of days of the week, as clocks show them in a time zone.
struct Hours {
    std::uint8_t days = 0x7f;       ///< a bit for each day on which it begins, Sunday's the lowest
    std::chrono::minutes from{0};   ///< since midnight
    std::chrono::minutes until{0};  ///< not included; at or before `from`: on the next day
    base::TimeZone zone;
    bool operator==(const Hours&) const = default;
};

/// All that are given must hold.
struct Conditions {
    std::optional<Patterns> calling;       ///< addresses in normal form
    std::optional<Patterns> called;        ///< addresses in normal form
    std::optional<Patterns> calling_name;  ///< A-Z as a-z
    std::optional<Hours> hours;
    std::optional<bool> authenticated;  ///< the caller is somebody whom we know by a password
    std::optional<bool> registered;     ///< a device is there that can be called
    bool operator==(const Conditions&) const = default;
};

namespace action {

/// The call ends with this SIP status.
struct Reject {
    int status = 603;
    std::string reason;
    bool operator==(const Reject&) const = default;
};
/// This address is called, and nothing else that was going to be.
struct Redirect {
    std::string address;
    bool operator==(const Redirect&) const = default;
};
/// These addresses are called, too.
struct Fork {
    std::vector<std::string> addresses;
    bool operator==(const Fork&) const = default;
};
/// The call goes on as if there were no rule after this one in its stage.
struct Stop {
    bool operator==(const Stop&) const = default;
};
/// The application of this notification decides.
struct Ask {
    std::string notification;
    bool operator==(const Ask&) const = default;
};
/// The application of this notification is told. Never the last rule of a stage.
struct Notify {
    std::string notification;
    bool operator==(const Notify&) const = default;
};

}  // namespace action

using Action =
    std::variant<action::Reject, action::Redirect, action::Fork, action::Stop, action::Ask, action::Notify>;

struct Rule {
    std::string name;
    int priority = 5;
    Stage stage = Stage::immediately;
    std::chrono::seconds after{0};  ///< of Stage::after
    Kind kind = Kind::other;
    Conditions conditions;
    Action action;
    bool operator==(const Rule&) const = default;
};

/// What is known of a call. Addresses are in the ledger's normal form.
struct CallFacts {
    /// Everything by which the caller is known: the address of the call and, of a caller who is recognised,
    /// the other addresses of the account. One of them is enough for Patterns. Empty: anonymous.
    std::vector<std::string> calling;
    std::string calling_name;
    std::string called;  ///< as it was called
    bool authenticated = false;
    std::size_t registrations = 0;  ///< of the called account
    std::chrono::sys_seconds now{};
};

/// What concerns the calls of one account: those to it, and those by it.
struct RuleSet {
    std::vector<Rule> before;  ///< domain-wide, priority > 5
    std::vector<Rule> account;
    std::vector<Rule> after;     ///< domain-wide, priority <= 5
    std::vector<Rule> caller{};  ///< of calls that the account makes: action::Notify only

    /// The delays of Stage::after, ascending, each once: when the call has to look at its rules again.
    [[nodiscard]] std::vector<std::chrono::seconds> delays() const;
    bool operator==(const RuleSet&) const = default;
};

/// Above this, a domain-wide rule comes before the account's own ones.
inline constexpr int account_priority = 5;

/// What a stage comes to. The rules are those of the set that was given.
struct Decision {
    std::vector<const Rule*> notify;  ///< each to be told
    const Rule* acting = nullptr;     ///< the one rule that acts, never a Notify; null: the call goes on
};

/// `elapsed` counts in Stage::after only: the delay that is over. With nothing registered, rules of every
/// delay are looked at, the shortest first.
[[nodiscard]] Decision evaluate(const RuleSet& set, Stage stage, std::chrono::seconds elapsed,
                                const CallFacts& facts);

/// Who is told of a call because of who makes it: rules of the caller's RuleSet::caller.
[[nodiscard]] std::vector<const Rule*> told_of_caller(const RuleSet& callers, Stage stage,
                                                      const CallFacts& facts);

/// One rule that was looked at on the way to a decision.
struct Step {
    const Rule* rule = nullptr;
    std::string unmet;  ///< for people: the condition that does not hold; empty: the rule applies
};

/// The steps by which evaluate() comes to its decision, in order.
[[nodiscard]] std::vector<Step> explain(const RuleSet& set, Stage stage, std::chrono::seconds elapsed,
                                        const CallFacts& facts);

}  // namespace rules
