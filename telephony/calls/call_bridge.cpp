// Parties on the bridge: how they get there, and what is done when it fails; and parties that change calls.
#include "telephony/calls/call.hpp"
#include "telephony/calls/sdp.hpp"

#include <algorithm>

namespace calls {

void Call::progress_bridge() {
    for (const auto number : live_legs()) {
        auto& leg = legs_[number];
        if (leg.state == State::idle) invite(number);
        if (leg.state == State::answered) {
            leg.state = State::joining;
            leg.timer = set_timer(options_.reinvite_timeout);
            commands_.emplace_back(command::Join{number, leg.described});
        }
        const bool talks_past_it = leg.state == State::talking && !leg.on_bridge && !exchange_;
        if (talks_past_it || leg.state == State::parked) reinvite(number, State::moving, {});
    }
}

void Call::handle(const event::Joined& event) {
    if (!live(event.leg) || legs_[event.leg].state != State::joining) return;
    auto& leg = legs_[event.leg];
    leg.timer = 0;
    leg.on_bridge = true;
    leg.bridge_tries = 0;
    leg.bridge_sdp = event.sdp;
    if (std::ranges::count(legs_, State::talking, &Leg::state) > 0) secure();
    commands_.emplace_back(command::Ack{event.leg, ours(event.leg, event.sdp)});
    talk(event.leg);
}

void Call::handle(const event::Unbridged& event) {
    if (!live(event.leg)) return;
    auto& leg = legs_[event.leg];
    const bool joining = leg.state == State::joining;
    if (!joining && !leg.on_bridge) return;
    leg.on_bridge = false;
    leg.timer = 0;
    // Its 2xx waits for us.
    if (joining) commands_.emplace_back(command::Ack{event.leg, silence(event.leg, leg.described)});
    leg.state = State::aside;
    if (event.unfit || leg.bridge_tries == options_.bridge_retries) {
        give_up_bridge(event.leg);
        return;
    }
    ++leg.bridge_tries;
    leg.timer = set_timer(options_.bridge_retry);
}

/// Two parties can do without the bridge; of more, the one that it does not take must go.
void Call::give_up_bridge(LegNo leg) {
    if (live() > 2) {
        leave(leg, Cause::aborted);
        after_party(leg, Cause::aborted);
        return;
    }
    bridged_ = false;
    bridge_failed_ = true;
    legs_[leg].state = State::parked;
    for (const auto number : live_legs()) legs_[number].bridge_tries = 0;
}

void Call::leave_bridge(LegNo leg) {
    auto& entry = legs_[leg];
    if (entry.on_bridge || entry.state == State::joining) commands_.emplace_back(command::Leave{leg});
    entry.on_bridge = false;
}

std::optional<PartyDialog> Call::movable(std::string_view address) const {
    for (const auto number : live_legs()) {
        const auto& party = status_.parties[number];
        const auto& leg = legs_[number];
        if (party.address != address) continue;
        const bool quiet =
            leg.state == State::talking || leg.state == State::parked || leg.state == State::aside;
        if (!quiet || exchange_ || !relays_.empty()) return std::nullopt;
        return PartyDialog{number,    party.address, party.dialog, leg.described,
                           leg.lines, leg.session,   leg.version};
    }
    return std::nullopt;
}

void Call::handle(const event::Arrived& event) {
    if (ending_) return;
    waits_ = true;
    const auto number = add_party(event.party.address);
    auto& party = status_.parties[number];
    party.phase = Phase::connected;
    party.started = now_;
    party.dialog = event.party.dialog;
    auto& leg = legs_[number];
    leg.described = event.party.described;
    leg.lines = event.party.lines;
    leg.session = event.party.session;
    leg.version = event.party.version;
    leg.state = State::parked;
    changed_ = true;
}

void Call::handle(const event::Moved& event) {
    if (!live(event.leg)) return;
    waits_ = true;
    left(event.leg, Cause::hang_up);
}

/// What comes next lets parties talk: a charge that is held for that must be known to whoever takes over.
void Call::secure() {
    if (!options_.held || settled_ || secured_) return;
    secured_ = true;
    commands_.emplace_back(command::Secure{});
}

}  // namespace calls
