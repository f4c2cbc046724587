// Targets: what rules and applications say, and what becomes of a set that nobody answered in.
#include "telephony/calls/inbound_call.hpp"

#include "telephony/calls/contact_search.hpp"

#include <algorithm>
#include <utility>

namespace calls {
namespace {

using rules::Stage;

constexpr int loop_status = 483;  // Too Many Hops
constexpr int busy_status = 486;
constexpr int disabled_status = 480;
constexpr int declined_status = 603;
constexpr auto disabled_reason = "Not In Service";

applications::Event event_of(Stage stage) {
    switch (stage) {
        case Stage::immediately:
            return applications::Event::called_number;
        case Stage::after:
        case Stage::no_answer:
            return applications::Event::no_answer;
        case Stage::busy:
            return applications::Event::busy;
        case Stage::error:
            break;
        case Stage::answered:
            return applications::Event::answer;
        case Stage::ended:
            return applications::Event::disconnected;
    }
    return applications::Event::not_reachable;
}

/// The same rules as if this one were not there.
std::shared_ptr<const rules::RuleSet> without(const rules::RuleSet& set, const rules::Rule& rule) {
    auto rest = std::make_shared<rules::RuleSet>(set);
    for (auto* list : {&rest->before, &rest->account, &rest->after}) {
        const auto found = std::ranges::find(*list, rule);
        if (found == list->end()) continue;
        list->erase(found);
        break;
    }
    return rest;
}

}  // namespace

/// As the others of its set see it. That somebody is nowhere to be had (6xx) only a telephone knows: where a
/// rule or an application says so, the others ring on.
int InboundCall::Failure::beside() const { return everywhere(status) && !of_phone ? busy_status : status; }

/// The stage that the failure of a whole set is.
Stage InboundCall::failure_stage(const Target& target) {
    const auto cause = cause_of(target.status, target.rang);
    if (target.timed_out || (cause == Cause::no_answer && !target.busy)) return Stage::no_answer;
    return target.busy ? Stage::busy : Stage::error;
}

TargetNo InboundCall::begin(std::string address, std::size_t hops, std::optional<TargetNo> parent,
                            std::optional<TargetNo> predecessor) {
    const TargetNo number = targets_.size();
    auto& target = targets_.emplace_back();
    target.address = std::move(address);
    target.hops = hops;
    target.parent = parent;
    target.predecessor = predecessor;
    target.where.rules = std::make_shared<const rules::RuleSet>();
    // A few forks after each other, each of a few addresses, would make thousands.
    if (hops > options_.hops_max || number >= options_.targets_max)
        fail(number, {loop_status});
    else
        steps_.errands.emplace_back(
            errand::Resolve{number, target.address, !parent.has_value() && !predecessor.has_value()});
    return number;
}

InboundCall::Steps InboundCall::resolved(TargetNo number, Destination destination, Moment now) {
    return step(now, [&] {
        if (over_ || call_ || number >= targets_.size() || targets_[number].ended) return;
        auto& target = targets_[number];
        if (!destination.rules) destination.rules = std::make_shared<const rules::RuleSet>();
        const auto kind = destination.kind;
        target.where = std::move(destination);
        if (!target.where.address.empty()) target.address = target.where.address;
        if (number == 0 && kind != Destination::Kind::failed) {
            tell_callers(Stage::immediately);
            const bool callable = kind == Destination::Kind::account || kind == Destination::Kind::outside;
            if (!callable) tell_callers(Stage::error);
        }
        switch (kind) {
            case Destination::Kind::account:
                return decide(number, Stage::immediately);
            case Destination::Kind::outside:
                if (target.where.contacts.empty()) target.where.contacts = {Contact{}};
                return ring(number);
            case Destination::Kind::disabled:
                return fail(number, {disabled_status, disabled_reason});
            case Destination::Kind::unknown:
                return fail(number, {404});
            case Destination::Kind::forbidden:
                return fail(number, {403});
            case Destination::Kind::failed:
                return fail(number, {503});
        }
    });
}

rules::CallFacts InboundCall::facts(TargetNo number) const {
    const auto& target = targets_[number];
    rules::CallFacts facts;
    facts.calling = request_.caller.known_as;
    facts.calling_name = request_.caller.name;
    facts.called = target.address;
    facts.authenticated = request_.caller.authenticated;
    facts.registrations = target.where.contacts.size();
    facts.now = std::chrono::floor<std::chrono::seconds>(now_.wall);
    return facts;
}

/// As those may know it who watch the called address.
applications::Question InboundCall::question(TargetNo target, Stage stage,
                                             const std::string& notification) const {
    applications::Question question;
    question.notification = notification;
    question.event = event_of(stage);
    const auto& caller = request_.caller;
    question.calling = caller.anonymous ? anonymous_address : caller.address;
    if (!caller.anonymous) question.calling_name = caller.name;
    question.called = targets_[target].address;
    question.session = request_.session;
    return question;
}

void InboundCall::tell(TargetNo target, Stage stage, const std::vector<const rules::Rule*>& rules) {
    for (const auto* rule : rules) {
        const auto& notify = std::get<rules::action::Notify>(rule->action);
        steps_.errands.emplace_back(errand::Tell{question(target, stage, notify.notification)});
    }
}

/// Those who watch the caller: of what becomes of the address that was called.
void InboundCall::tell_callers(Stage stage) {
    if (!request_.caller.rules) return;
    auto known = facts(0);
    // As for those who are called: this address, not others of the same account.
    known.calling = request_.caller.spellings();
    for (const auto* rule : rules::told_of_caller(*request_.caller.rules, stage, known)) {
        auto told = question(0, stage, std::get<rules::action::Notify>(rule->action).notification);
        // Whom one watches one knows.
        told.calling = request_.caller.address;
        told.calling_name = request_.caller.name;
        steps_.errands.emplace_back(errand::Tell{std::move(told)});
    }
}

/// Those who watch the caller, or any of the addresses that the call came by.
void InboundCall::tell_all(Stage stage) {
    tell_callers(stage);
    for (std::optional<TargetNo> number = winner_; number; number = next_up(*number)) {
        const auto& rules = *targets_[*number].where.rules;
        tell(*number, stage, rules::evaluate(rules, stage, {}, facts(*number)).notify);
    }
}

/// Through whom the call came to this target.
std::optional<TargetNo> InboundCall::next_up(TargetNo number) const {
    const auto& target = targets_[number];
    return target.predecessor ? target.predecessor : target.parent;
}

/// Asks the rules of a stage, once.
void InboundCall::decide(TargetNo number, Stage stage, std::chrono::seconds elapsed) {
    auto& target = targets_[number];
    // Of the stages only "after" comes again, for another delay.
    if (!target.done.insert(stage).second && stage != Stage::after) return go_on(number, stage);
    const auto set = target.where.rules;
    const auto decision = rules::evaluate(*set, stage, elapsed, facts(number));
    tell(number, stage, decision.notify);
    if (number == 0 && stage != Stage::immediately) tell_callers(stage);
    act(number, stage, elapsed, decision.acting);
}

void InboundCall::act(TargetNo number, Stage stage, std::chrono::seconds elapsed, const rules::Rule* rule) {
    if (rule == nullptr) return go_on(number, stage);
    struct Act {
        InboundCall& self;
        TargetNo number;
        Stage stage;
        std::chrono::seconds elapsed;
        const rules::Rule& rule;
        void operator()(const rules::action::Reject& reject) const {
            self.fail(number, {reject.status, reject.reason});
        }
        void operator()(const rules::action::Redirect& redirect) const {
            self.redirect(number, redirect.address);
        }
        void operator()(const rules::action::Fork& fork) const { self.fork(number, stage, fork.addresses); }
        void operator()(const rules::action::Stop&) const { self.go_on(number, stage); }
        void operator()(const rules::action::Ask& ask) const {
            self.targets_[number].question = Target::Question{stage, elapsed, rule};
            self.steps_.errands.emplace_back(
                errand::Ask{number, self.question(number, stage, ask.notification)});
        }
        void operator()(const rules::action::Notify&) const {}  // never the one that acts
    };
    // The rule may go with the target's set.
    const auto kept = *rule;
    std::visit(Act{*this, number, stage, elapsed, kept}, kept.action);
}

InboundCall::Steps InboundCall::directed(TargetNo number, const applications::Directive& directive,
                                         Moment now) {
    return step(now, [&] {
        if (over_ || call_ || number >= targets_.size() || !targets_[number].question) return;
        const bool charges = directive.toll && directive.verb != applications::Verb::end_call;
        // One charge a call: the first application that asks for one gets it.
        if (charges && !options_.call.held && !holding_) {
            holding_ = Holding{number, directive};
            steps_.errands.emplace_back(errand::Hold{*directive.toll});
            return;
        }
        apply(number, directive);
    });
}

void InboundCall::apply(TargetNo number, const applications::Directive& directive) {
    auto& target = targets_[number];
    if (target.ended || !target.question) return;
    const auto asked = *std::exchange(target.question, std::nullopt);
    const bool addressed = !directive.addresses.empty();
    switch (directive.verb) {
        case applications::Verb::route:
            if (addressed) return redirect(number, directive.addresses.front());
            break;
        case applications::Verb::fork:
            if (addressed) return fork(number, asked.stage, directive.addresses);
            break;
        case applications::Verb::end_call:
            return fail(number, {declined_status});
        case applications::Verb::carry_on:
            break;
    }
    without_answer(number, asked);
}

/// As if the rule that asked were not there. Who is told was told.
void InboundCall::without_answer(TargetNo number, const Target::Question& asked) {
    auto& target = targets_[number];
    target.where.rules = without(*target.where.rules, asked.rule);
    const auto set = target.where.rules;
    const auto decision = rules::evaluate(*set, asked.stage, asked.elapsed, facts(number));
    act(number, asked.stage, asked.elapsed, decision.acting);
}

/// No rule acts.
void InboundCall::go_on(TargetNo number, Stage stage) {
    auto& target = targets_[number];
    switch (stage) {
        case Stage::immediately:
            return ring(number);
        case Stage::after:
            if (target.where.contacts.empty()) return decide(number, Stage::error);
            return look_at_set(number);
        default:
            return fail(number, {target.status != 0 ? target.status : 480, target.reason, true});
    }
}

/// Whatever rings goes on ringing.
void InboundCall::fork(TargetNo number, Stage stage, const std::vector<std::string>& addresses) {
    const auto hops = targets_[number].hops + 1;
    targets_[number].ringing = true;
    for (const auto& address : addresses) {
        const auto here = [&](const Target& target) {
            return !target.ended && !target.replaced && target.address == address;
        };
        // Called already.
        if (std::ranges::any_of(targets_, here)) continue;
        begin(address, hops, number, std::nullopt);
        if (over_ || targets_[number].ended || targets_[number].replaced) return;
    }
    if (stage == Stage::immediately) return ring(number);
    if (stage == Stage::no_answer) {
        targets_[number].timed_out = false;
        targets_[number].ring_timer = set_timer(options_.call.no_answer);
    }
    look_at_set(number);
}

/// The address is called instead of this target, whose other rules say what comes when that fails.
void InboundCall::redirect(TargetNo number, const std::string& address) {
    auto& target = targets_[number];
    target.replaced = true;
    target.question.reset();
    target.ring_timer = 0;
    target.delays.clear();
    target.groups.clear();
    clear_set(number);
    const auto hops = target.hops + 1;
    const auto parent = target.parent;
    begin(address, hops, parent, number);
}

/// What was called in its place has failed: a busy, silent or unreachable one is this target's, too.
void InboundCall::come_back(TargetNo number, const Target& failed, const Failure& failure) {
    auto& target = targets_[number];
    target.replaced = false;
    // Forwards are counted one after the other, wherever they were made.
    target.hops = failed.hops;
    target.status = target.parent ? failure.beside() : failure.status;
    target.reason = failure.reason;
    target.rang = failed.rang;
    target.timed_out = failed.timed_out && failed.status == failure.status;
    target.busy = cause_of(failure.status, failed.rang) == Cause::busy;
    decide(number, failure_stage(target));
}

/// Calls the target's contacts.
void InboundCall::ring(TargetNo number) {
    auto& target = targets_[number];
    target.ringing = true;
    if (target.where.contacts.empty()) {
        if (has_children(number)) return;
        return decide(number, Stage::after);
    }
    target.groups = by_preference(target.where.contacts);
    for (const auto delay : target.where.rules->delays()) target.delays[set_timer(delay)] = delay;
    ring_group(number);
}

/// Contacts of one preference are called at once.
void InboundCall::ring_group(TargetNo number) {
    const auto group = std::move(targets_[number].groups.back());
    targets_[number].groups.pop_back();
    targets_[number].timed_out = false;
    targets_[number].ring_timer = set_timer(options_.call.no_answer);
    for (const auto& contact : group) {
        if (branches_.size() < options_.branches_max) invite(number, contact);
    }
    if (!set_live(number)) {
        targets_[number].status = 503;
        look_at_set(number);
    }
}

void InboundCall::handle(const event::Timer& event) {
    if (over_ || event.id == 0) return;
    for (TargetNo number = 0; number < targets_.size(); ++number) {
        auto& target = targets_[number];
        if (target.ended) continue;
        if (target.ring_timer == event.id) return ring_over(number);
        const auto delay = target.delays.find(event.id);
        if (delay == target.delays.end()) continue;
        const auto elapsed = delay->second;
        target.delays.erase(delay);
        // While an application is asked, it decides.
        if (!target.question) decide(number, Stage::after, elapsed);
        return;
    }
}

/// It has rung to the end.
void InboundCall::ring_over(TargetNo number) {
    auto& target = targets_[number];
    target.ring_timer = 0;
    target.timed_out = true;
    if (target.status == 0 || !everywhere(target.status)) target.status = 480;
    if (!target.groups.empty() || has_children(number)) {
        for (LegNo leg = 1; leg <= branches_.size(); ++leg) {
            if (branches_[leg - 1].target == number) send_away(leg);
        }
        return look_at_set(number);
    }
    // Its phones ring on while the rules are asked.
    if (!target.question) decide(number, Stage::no_answer);
}

bool InboundCall::has_children(TargetNo number) const {
    return std::ranges::any_of(
        targets_, [&](const Target& target) { return !target.ended && target.parent == number; });
}

/// Can anybody of its set still answer?
bool InboundCall::set_live(TargetNo number) const {
    return has_children(number) || std::ranges::any_of(branches_, [&](const Branch& branch) {
               return branch.target == number && !branch.ended;
           });
}

/// A branch of its set, or a target that was added to it, has failed.
void InboundCall::part_failed(TargetNo number, int status, bool rang) {
    auto& target = targets_[number];
    if (target.ended) return;
    target.busy = target.busy || cause_of(status, rang) == Cause::busy;
    target.status = telling_failure(target.status, status, rang);
    if (everywhere(status)) {
        target.groups.clear();
        clear_set(number);
    }
    look_at_set(number);
}

/// When nobody of the set is left: the next contacts, or what the rules say.
void InboundCall::look_at_set(TargetNo number) {
    auto& target = targets_[number];
    if (target.ended || target.question || !target.ringing || set_live(number)) return;
    if (!target.groups.empty()) return ring_group(number);
    target.ring_timer = 0;
    target.delays.clear();
    decide(number, failure_stage(target));
}

/// Nobody of its set answers any more.
void InboundCall::fail(TargetNo number, const Failure& failure) {
    const auto failed = targets_[number];
    close(number);
    if (failed.predecessor) return come_back(*failed.predecessor, failed, failure);
    if (!failed.parent) return refuse(failure.status, failure.reason);
    part_failed(*failed.parent, failure.beside(), failed.rang);
}

std::set<std::string> InboundCall::called() const {
    std::set<std::string> addresses;
    if (call_) {
        addresses = came_by();
        addresses.merge(added());
    } else if (!over_) {
        for (const auto& target : targets_) {
            if (!target.ended && target.where.kind == Destination::Kind::account)
                addresses.insert(target.address);
        }
    }
    return addresses;
}

/// Of accounts: by which a connected call reached who answered it, and is still there.
std::set<std::string> InboundCall::came_by() const {
    std::set<std::string> addresses;
    if (call_->status().parties[answered_].phase == Phase::terminated) return addresses;
    for (std::optional<TargetNo> number = winner_; number; number = next_up(*number)) {
        const auto& target = targets_[*number];
        if (target.where.kind == Destination::Kind::account) addresses.insert(target.address);
    }
    return addresses;
}

/// By applications, and still there.
std::set<std::string> InboundCall::added() const {
    std::set<std::string> addresses;
    const auto& parties = call_->status().parties;
    for (LegNo leg = branches_.size() + 1; leg < parties.size(); ++leg) {
        if (parties[leg].phase != Phase::terminated) addresses.insert(parties[leg].address);
    }
    return addresses;
}

InboundCall::Steps InboundCall::withdraw(const std::set<std::string>& addresses, Moment now) {
    const auto gone = [&](const std::string& address) { return addresses.contains(address); };
    if (call_) {
        return step(now, [&] {
            if (std::ranges::any_of(came_by(), gone)) return follow(event::End{});
            // The others go on without whom an application had added.
            for (const auto& address : added()) {
                if (gone(address)) follow(event::Remove{address});
            }
        });
    }
    return step(now, [&] {
        for (TargetNo number = 0; number < targets_.size() && !over_; ++number) {
            const auto& target = targets_[number];
            if (!target.ended && gone(target.address)) take_away(number, {disabled_status, disabled_reason});
        }
    });
}

InboundCall::Steps InboundCall::decline(Moment now) {
    if (call_) return on(event::End{}, now);
    return step(now, [&] { refuse(declined_status); });
}

InboundCall::Steps InboundCall::remove(const std::string& address, Moment now) {
    if (call_) return on(event::Remove{address}, now);
    if (address == request_.caller.address) return decline(now);
    return step(now, [&] {
        for (TargetNo number = 0; number < targets_.size() && !over_; ++number) {
            const auto& target = targets_[number];
            if (!target.ended && target.address == address) take_away(number, {declined_status});
        }
    });
}

/// With whoever is called in its place.
void InboundCall::take_away(TargetNo number, const Failure& failure) {
    for (TargetNo next = number + 1; next < targets_.size(); ++next) {
        const auto& before = targets_[next].predecessor;
        if (before && (*before == number || targets_[*before].ended)) close(next);
    }
    fail(number, failure);
}

void InboundCall::close(TargetNo number) {
    auto& target = targets_[number];
    if (target.ended) return;
    target.ended = true;
    target.question.reset();
    clear_set(number);
}

/// Nobody of its set is called any more.
void InboundCall::clear_set(TargetNo number) {
    for (LegNo leg = 1; leg <= branches_.size(); ++leg) {
        if (branches_[leg - 1].target == number) send_away(leg);
    }
    for (TargetNo child = 0; child < targets_.size(); ++child) {
        if (targets_[child].parent == number) close(child);
    }
}

}  // namespace calls
