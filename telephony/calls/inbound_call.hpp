// A call that came from outside: a pure state machine as Call is, which takes over when somebody has
// answered.
//
// The caller waits (leg 0) while targets are called. A target is an address with the rules of its account;
// its set are the contacts of the account and the targets that rules or applications added. When the whole
// set has failed, the target's rules say what comes next; a forward puts another target into its place, whose
// failure is this one's, too: the rules of stages that it has not been through are asked. What takes time
// (looking an account up, asking an application, holding an amount) leaves as an errand, and its outcome
// comes back as a call of resolved(), directed() or held().
#pragma once

#include "telephony/applications/notification.hpp"
#include "telephony/calls/call.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/signalling.hpp"
#include "telephony/rules/rule.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace calls {

using TargetNo = std::size_t;

/// A caller who is nobody, or wants to be (RFC 3323, 4.1.1.3).
inline constexpr auto anonymous_address = "sip:anonymous@anonymous.invalid";

/// Who calls, as far as we believe it.
struct Caller {
    std::string address;
    std::vector<std::string> known_as;  ///< for rules: the address, and the caller's others
    std::string name;
    bool authenticated = false;
    bool anonymous = false;                         ///< to those who are called, and to their applications
    std::shared_ptr<const rules::RuleSet> rules{};  ///< of the caller's account; null: it is none of ours

    /// The one address that calls, as a user has it, or as it may be meant by a peer.
    [[nodiscard]] std::vector<std::string> spellings() const {
        return authenticated ? std::vector{address} : known_as;
    }
};

/// What the caller sent.
struct CallRequest {
    Caller caller;
    std::string called;  ///< an address of an account in normal form, or an outside one
    Ticket ticket = 0;
    std::string sdp;  ///< empty: the caller asks for an offer
    std::string dialog;
    int max_forwards = 70;
    std::string session;  ///< the call's identifier, for applications
};

/// What an address turned out to be.
struct Destination {
    enum class Kind : std::uint8_t {
        account,
        outside,
        disabled,   ///< an account whose users are
        unknown,    ///< nobody has it
        forbidden,  ///< outside, and not to be called
        failed      ///< could not be found out
    };
    Kind kind = Kind::unknown;
    std::string address;                          ///< in normal form
    std::shared_ptr<const rules::RuleSet> rules;  ///< of an account
    std::vector<Contact> contacts;                ///< the best first; outside none: the address itself
};

namespace errand {

/// What is this address? Answered by resolved().
struct Resolve {
    TargetNo target = 0;
    std::string address;
    bool dialled = false;  ///< by the caller; otherwise a rule or an application names it
};
/// Answered by directed().
struct Ask {
    TargetNo target = 0;
    applications::Question question;
};
struct Tell {
    applications::Question question;
};
/// Answered by held().
struct Hold {
    applications::Toll toll;
};

}  // namespace errand

using Errand = std::variant<errand::Resolve, errand::Ask, errand::Tell, errand::Hold>;

/// What became of a Hold.
struct HoldOutcome {
    int refusal = 0;                       ///< SIP status; 0: it is held
    std::chrono::milliseconds granted{0};  ///< of a call that is paid by time; 0: it is not
};

struct InboundOptions {
    CallOptions call;
    std::size_t hops_max = 5;       ///< forwards one after the other
    std::size_t branches_max = 16;  ///< dialogs to the targets of one call, ended ones counted
    std::size_t targets_max = 64;   ///< addresses that one call is sent to, ended ones counted
};

class InboundCall {
  public:
    struct Steps {
        Commands commands;
        std::vector<Errand> errands;
    };

    InboundCall(CallRequest request, InboundOptions options, Moment now);

    /// Start is the first one. Any event is right in any state; what comes too late changes nothing.
    [[nodiscard]] Steps on(const Event& event, Moment now);
    [[nodiscard]] Steps resolved(TargetNo target, Destination destination, Moment now);
    [[nodiscard]] Steps directed(TargetNo target, const applications::Directive& directive, Moment now);
    [[nodiscard]] Steps held(const HoldOutcome& outcome, Moment now);
    /// The users of these addresses are disabled: what rings there stops, and who talks by them is hung up.
    [[nodiscard]] Steps withdraw(const std::set<std::string>& addresses, Moment now);
    /// Somebody entitled ends it: the caller of one that nobody has answered is declined.
    [[nodiscard]] Steps decline(Moment now);
    /// The same of one party: of those that are called the others ring on, and who is left of a connected
    /// call stays in it, in silence.
    [[nodiscard]] Steps remove(const std::string& address, Moment now);

    /// Is the amount still wanted that a Hold is to hold? Otherwise the call is over, or was answered before
    /// it had to be paid for.
    [[nodiscard]] bool awaits_hold() const { return holding_ && !over_ && !call_; }
    [[nodiscard]] const CallStatus& status() const { return call_ ? call_->status() : status_; }
    [[nodiscard]] bool finished() const { return finished_; }
    /// Once somebody has answered; null until then.
    [[nodiscard]] const Call* connected() const { return call_ ? &*call_ : nullptr; }
    /// Addresses by which the call came to where it is, of accounts; and of whom applications added.
    [[nodiscard]] std::set<std::string> called() const;
    /// How the party of this leg is called.
    [[nodiscard]] Invitation invitation(LegNo leg) const;

  private:
    /// One dialog of a target's set.
    struct Branch {
        TargetNo target = 0;
        Contact contact;
        std::string sent;  ///< our offer
        bool rang = false;
        bool ended = false;  ///< failed, or sent away
        bool gone = false;
    };

    struct Target {
        std::string address;
        std::size_t hops = 0;
        std::optional<TargetNo> parent;       ///< whose set it belongs to
        std::optional<TargetNo> predecessor;  ///< in whose place it is called
        Destination where{};
        bool ended = false;
        bool replaced = false;  ///< another target is called in its place
        bool ringing = false;   ///< its set is called, or its rules have been looked at for that
        std::set<rules::Stage> done{};
        std::vector<std::vector<Contact>> groups{};  ///< by q, those to be called next
        TimerId ring_timer = 0;
        std::map<TimerId, std::chrono::seconds> delays{};
        bool timed_out = false;
        bool busy = false;
        bool rang = false;
        int status = 0;  ///< the failure to tell its caller
        std::string reason{};
        /// The application that is asked, by a rule of this stage.
        struct Question {
            rules::Stage stage;
            std::chrono::seconds elapsed;
            rules::Rule rule;
        };
        std::optional<Question> question{};
    };

    /// Why a target has failed.
    struct Failure {
        int status;
        std::string reason{};
        bool of_phone = false;  ///< its telephones said so; otherwise somebody refuses in their place
        [[nodiscard]] int beside() const;
    };

    Steps step(Moment now, const std::function<void()>& work);
    void follow(const Event& event);
    [[nodiscard]] std::set<std::string> came_by() const;
    [[nodiscard]] std::set<std::string> added() const;

    void handle(const event::Ringing& event);
    void handle(const event::Answered& event);
    void handle(const event::Refused& event);
    void handle(const event::Requested& event);
    void handle(const event::Timer& event);
    void leg_ended(LegNo leg);

    TargetNo begin(std::string address, std::size_t hops, std::optional<TargetNo> parent,
                   std::optional<TargetNo> predecessor);
    void decide(TargetNo target, rules::Stage stage, std::chrono::seconds elapsed = {});
    void act(TargetNo target, rules::Stage stage, std::chrono::seconds elapsed, const rules::Rule* rule);
    void apply(TargetNo target, const applications::Directive& directive);
    void without_answer(TargetNo target, const Target::Question& asked);
    void go_on(TargetNo target, rules::Stage stage);
    void fork(TargetNo target, rules::Stage stage, const std::vector<std::string>& addresses);
    void redirect(TargetNo target, const std::string& address);
    void come_back(TargetNo target, const Target& failed, const Failure& failure);
    void ring(TargetNo target);
    void ring_group(TargetNo target);
    void invite(TargetNo target, Contact contact);
    void ring_over(TargetNo target);
    void branch_failed(LegNo leg, int status);
    void part_failed(TargetNo target, int status, bool rang);
    void look_at_set(TargetNo target);
    void fail(TargetNo target, const Failure& failure);
    void close(TargetNo target);
    void take_away(TargetNo target, const Failure& failure);
    void clear_set(TargetNo target);
    [[nodiscard]] static rules::Stage failure_stage(const Target& target);
    void send_away(LegNo leg);
    void connect(LegNo leg, const std::string& sdp);
    void refuse(int status, const std::string& reason = {});
    void taken();
    void end(Cause cause);
    void tell(TargetNo target, rules::Stage stage, const std::vector<const rules::Rule*>& rules);
    void tell_callers(rules::Stage stage);
    void tell_all(rules::Stage stage);

    [[nodiscard]] applications::Question question(TargetNo target, rules::Stage stage,
                                                  const std::string& notification) const;
    [[nodiscard]] rules::CallFacts facts(TargetNo target) const;
    [[nodiscard]] bool set_live(TargetNo target) const;
    [[nodiscard]] bool has_children(TargetNo target) const;
    [[nodiscard]] bool alone(LegNo leg) const;
    [[nodiscard]] std::optional<TargetNo> next_up(TargetNo target) const;
    [[nodiscard]] TimerId set_timer(std::chrono::milliseconds after);
    [[nodiscard]] std::string ours(LegNo leg, std::string_view sdp, std::uint64_t version) const;
    [[nodiscard]] std::string to_caller(const std::string& sdp);
    void answer(int status, std::string sdp = {});

    CallRequest request_;
    InboundOptions options_;
    CallStatus status_;
    std::vector<Target> targets_;
    std::vector<Branch> branches_;  // of leg 1 and up
    std::optional<Call> call_;      // once somebody has answered
    TargetNo winner_ = 0;
    LegNo answered_ = 0;  // its leg
    struct Holding {
        TargetNo target;
        applications::Directive directive;
    };
    std::optional<Holding> holding_;
    std::string told_sdp_;  // the last description that the caller got of a target's
    std::uint64_t told_version_ = 0;
    bool told_ringing_ = false;
    bool over_ = false;  // the caller has a final failure, or is gone
    bool caller_gone_ = false;
    bool told_end_ = false;
    bool finished_ = false;
    bool changed_ = false;
    TimerId last_timer_ = 0;
    Moment now_;
    Steps steps_;
};

}  // namespace calls
