// The caller and the branches: how the call rings, is answered, and ends. inbound_target.cpp has what rules
// and applications make of it.
#include "telephony/calls/inbound_call.hpp"

#include "telephony/calls/sdp.hpp"

#include <algorithm>
#include <utility>

namespace calls {

InboundCall::InboundCall(CallRequest request, InboundOptions options, Moment now)
    : request_(std::move(request)), options_(std::move(options)), now_(now) {
    status_.created = now;
    auto& caller = status_.parties.emplace_back();
    caller.address = request_.caller.address;
    if (!request_.dialog.empty()) caller.dialogs = {request_.dialog};
}

/// Does one thing, and then what follows from it.
InboundCall::Steps InboundCall::step(Moment now, const std::function<void()>& work) {
    now_ = now;
    steps_ = {};
    changed_ = false;
    if (!finished_) work();
    if (changed_) steps_.commands.emplace_back(command::Changed{});
    const bool left = std::ranges::any_of(branches_, [](const Branch& branch) { return !branch.gone; });
    if (over_ && !call_ && caller_gone_ && !left && !holding_ && !finished_) {
        finished_ = true;
        steps_.commands.emplace_back(command::Finished{});
    }
    return std::move(steps_);
}

InboundCall::Steps InboundCall::on(const Event& event, Moment now) {
    return step(now, [&] {
        if (call_) return follow(event);
        struct Handle {
            InboundCall& self;
            void operator()(const event::Start&) const {
                self.changed_ = true;
                self.begin(self.request_.called, 0, {}, {});
            }
            void operator()(const event::Ringing& e) const { self.handle(e); }
            void operator()(const event::Answered& e) const { self.handle(e); }
            void operator()(const event::Refused& e) const { self.handle(e); }
            void operator()(const event::Requested& e) const { self.handle(e); }
            void operator()(const event::Timer& e) const { self.handle(e); }
            void operator()(const event::HungUp& e) const { self.leg_ended(e.leg); }
            void operator()(const event::Lost& e) const { self.leg_ended(e.leg); }
            void operator()(const event::Gone& e) const { self.leg_ended(e.leg); }
            void operator()(const event::End&) const { self.refuse(503); }
            void operator()(const event::Taken&) const { self.taken(); }
            // Of calls that are connected.
            void operator()(const event::Rejected&) const {}
            void operator()(const event::Withdrawn&) const {}
            void operator()(const event::Acknowledged&) const {}
            void operator()(const event::Replied&) const {}
            void operator()(const event::Joined&) const {}
            void operator()(const event::Unbridged&) const {}
            void operator()(const event::Granted&) const {}
            void operator()(const event::Add&) const {}
            void operator()(const event::Remove&) const {}
            void operator()(const event::Arrived&) const {}
            void operator()(const event::Moved&) const {}
        };
        std::visit(Handle{*this}, event);
    });
}

/// Somebody has answered: the call is Call's.
void InboundCall::follow(const Event& event) {
    auto commands = call_->on(event, now_);
    std::ranges::move(commands, std::back_inserter(steps_.commands));
    finished_ = call_->finished();
    if (call_->status().ended && !std::exchange(told_end_, true)) tell_all(rules::Stage::ended);
}

InboundCall::Steps InboundCall::held(const HoldOutcome& outcome, Moment now) {
    return step(now, [&] {
        if (!holding_) return;
        const auto holding = std::move(*std::exchange(holding_, std::nullopt));
        // Too late to be paid for: whoever holds it has asked awaits_hold().
        if (over_ || call_) return;
        options_.call.held = outcome.refusal == 0;
        options_.call.granted = outcome.granted;
        if (outcome.refusal != 0)
            refuse(outcome.refusal);
        else
            apply(holding.target, holding.directive);
    });
}

TimerId InboundCall::set_timer(std::chrono::milliseconds after) {
    steps_.commands.emplace_back(command::SetTimer{++last_timer_, after});
    return last_timer_;
}

std::string InboundCall::ours(LegNo leg, std::string_view sdp, std::uint64_t version) const {
    const sdp::Origin origin{options_.call.session + leg, version, options_.call.address};
    return sdp::with_origin(sdp, origin);
}

/// The same description keeps its version (RFC 3264, 8).
std::string InboundCall::to_caller(const std::string& sdp) {
    if (std::exchange(told_sdp_, sdp) != sdp || told_version_ == 0) ++told_version_;
    const bool answers = !request_.sdp.empty();
    return ours(0, answers ? sdp::cut(sdp, sdp::media_lines(request_.sdp)) : sdp, told_version_);
}

void InboundCall::answer(int status, std::string sdp) {
    Body body;
    if (!sdp.empty()) body = {"application/sdp", std::move(sdp)};
    steps_.commands.emplace_back(command::Answer{0, request_.ticket, status, std::move(body)});
}

Invitation InboundCall::invitation(LegNo leg) const {
    Invitation result;
    result.from = request_.caller.address;
    result.from_name = request_.caller.name;
    result.anonymous = request_.caller.anonymous;
    if (leg > branches_.size()) {
        // Added by an application once the call was connected.
        result.target = status().parties.at(leg).address;
        return result;
    }
    const auto& branch = branches_.at(leg - 1);
    result.target = targets_[branch.target].address;
    result.located = true;
    result.contact = branch.contact.uri;
    result.route = branch.contact.route;
    result.flow = branch.contact.flow;
    result.sdp = branch.sent;
    result.max_forwards = request_.max_forwards - 1;
    return result;
}

// --- branches

void InboundCall::invite(TargetNo target, Contact contact) {
    const LegNo leg = branches_.size() + 1;
    auto& branch = branches_.emplace_back();
    branch.target = target;
    branch.contact = std::move(contact);
    if (!request_.sdp.empty()) branch.sent = ours(leg, request_.sdp, 1);
    status_.parties.emplace_back().address = targets_[target].address;
    steps_.commands.emplace_back(command::Invite{leg, targets_[target].address});
}

/// Is this the only one that the caller can hear of?
bool InboundCall::alone(LegNo leg) const {
    for (LegNo other = 1; other <= branches_.size(); ++other) {
        if (other != leg && (!branches_[other - 1].ended || branches_[other - 1].rang)) return false;
    }
    const auto moves = [](const Target& target, const rules::Rule& rule) {
        if (std::holds_alternative<rules::action::Notify>(rule.action)) return false;
        if (rule.stage == rules::Stage::after) return !target.replaced;
        return !target.done.contains(rule.stage);
    };
    for (std::optional<TargetNo> number = branches_[leg - 1].target; number; number = next_up(*number)) {
        const auto& target = targets_[*number];
        for (const auto* list :
             {&target.where.rules->before, &target.where.rules->account, &target.where.rules->after}) {
            const auto moves_on = [&](const rules::Rule& rule) { return moves(target, rule); };
            if (std::ranges::any_of(*list, moves_on)) return false;
        }
    }
    return true;
}

void InboundCall::handle(const event::Ringing& event) {
    if (event.leg == 0 || event.leg > branches_.size() || over_) return;
    auto& branch = branches_[event.leg - 1];
    if (branch.ended) return;
    branch.rang = true;
    targets_[branch.target].rang = true;
    if (!event.dialog.empty()) {
        status_.parties[event.leg].dialogs = {event.dialog};
        changed_ = true;
    }
    // Early media is heard where nobody else can answer: two descriptions in one dialog would confuse.
    if (!event.sdp.empty() && !request_.sdp.empty() && alone(event.leg)) {
        told_ringing_ = true;
        answer(event.status, to_caller(event.sdp));
    } else if (event.status == 180 && !std::exchange(told_ringing_, true)) {
        answer(180);
    }
}

void InboundCall::handle(const event::Answered& event) {
    if (event.leg == 0 || event.leg > branches_.size() || over_) return;
    auto& branch = branches_[event.leg - 1];
    if (branch.ended) return;
    if (!event.dialog.empty()) status_.parties[event.leg].dialogs = {event.dialog};
    if (!event.sdp.empty()) return connect(event.leg, event.sdp);
    // A 2xx without a description answers nothing (RFC 3261, 13.2.1).
    send_away(event.leg);
    part_failed(branch.target, 500, branch.rang);
}

void InboundCall::handle(const event::Refused& event) {
    if (event.leg == 0 || event.leg > branches_.size()) return;
    branches_[event.leg - 1].gone = true;
    if (!over_ && !branches_[event.leg - 1].ended) branch_failed(event.leg, event.status);
}

/// A party before there is a call: what it asks for is answered without the other one.
void InboundCall::handle(const event::Requested& event) {
    const bool info = event.method == Method::info;
    steps_.commands.emplace_back(command::Answer{event.leg, event.ticket, info ? 200 : 491, {}});
}

void InboundCall::leg_ended(LegNo leg) {
    if (leg == 0) {
        caller_gone_ = true;
        if (!over_) end(cause_of(Ending::ended_early));
        return;
    }
    if (leg > branches_.size()) return;
    auto& branch = branches_[leg - 1];
    branch.gone = true;
    if (!over_ && !branch.ended) branch_failed(leg, 500);
}

void InboundCall::branch_failed(LegNo leg, int status) {
    auto& branch = branches_[leg - 1];
    branch.ended = true;
    auto& party = status_.parties[leg];
    party.phase = Phase::terminated;
    party.ended = now_;
    party.cause = cause_of(status, branch.rang);
    party.dialogs.clear();
    changed_ = true;
    part_failed(branch.target, status, branch.rang);
}

/// Whatever its state: CANCEL, or BYE.
void InboundCall::send_away(LegNo leg) {
    auto& branch = branches_[leg - 1];
    if (branch.ended) return;
    branch.ended = true;
    auto& party = status_.parties[leg];
    party.phase = Phase::terminated;
    party.ended = now_;
    party.cause = cause_of(Ending::ended_early);
    party.dialogs.clear();
    changed_ = true;
    steps_.commands.emplace_back(command::End{leg});
}

/// The first 2xx wins.
void InboundCall::connect(LegNo leg, const std::string& sdp) {
    winner_ = branches_[leg - 1].target;
    answered_ = leg;
    for (LegNo other = 1; other <= branches_.size(); ++other) {
        if (other != leg) send_away(other);
    }
    tell_all(rules::Stage::answered);
    for (TargetNo target = 0; target < targets_.size(); ++target) targets_[target].ended = true;
    for (const auto party : {LegNo{0}, leg}) {
        status_.parties[party].phase = Phase::connected;
        status_.parties[party].started = now_;
    }
    const bool offered = !request_.sdp.empty();
    if (offered) steps_.commands.emplace_back(command::Ack{leg, {}});
    if (options_.call.held) steps_.commands.emplace_back(command::Secure{});
    auto description = to_caller(sdp);
    answer(200, std::move(description));
    Connection connection;
    connection.status = status_;
    connection.callee = leg;
    connection.gone.push_back(false);
    for (const auto& branch : branches_) connection.gone.push_back(branch.gone);
    connection.caller_sdp = request_.sdp;
    connection.callee_sdp = sdp;
    connection.caller_version = told_version_;
    connection.callee_version = offered ? 1 : 0;
    connection.ticket = request_.ticket;
    connection.last_timer = last_timer_;
    call_.emplace(std::move(connection), options_.call, now_);
    auto commands = call_->on(event::Start{}, now_);
    std::ranges::move(commands, std::back_inserter(steps_.commands));
    changed_ = false;  // that is among them
}

// --- the end

/// The caller gets a final failure.
void InboundCall::refuse(int status, const std::string& reason) {
    if (over_) return;
    steps_.commands.emplace_back(command::Refuse{0, status, reason});
    const bool rang = std::ranges::any_of(branches_, &Branch::rang);
    end(cause_of(status, rang));
}

/// What is held for it is not this server's to give back any more.
void InboundCall::taken() {
    if (over_) return;
    options_.call.held = false;
    steps_.commands.emplace_back(command::Refuse{0, 503});
    end(cause_of(Ending::lost));
}

void InboundCall::end(Cause cause) {
    over_ = true;
    for (TargetNo target = 0; target < targets_.size(); ++target) close(target);
    status_.phase = Phase::terminated;
    status_.ended = now_;
    status_.cause = cause;
    auto& caller = status_.parties[0];
    caller.phase = Phase::terminated;
    caller.ended = now_;
    caller.cause = cause;
    caller.dialogs.clear();
    if (options_.call.held) steps_.commands.emplace_back(command::Release{});
    changed_ = true;
}

}  // namespace calls
