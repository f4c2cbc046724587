// Parties on the bridge: how they get there, and what is done when it fails; and parties that change calls.
#include "telephony/calls/call.hpp"
#include "telephony/calls/sdp.hpp"

#include <algorithm>
#include <utility>

namespace calls {

void Call::progress_bridge() {
    for (const auto number : live_legs()) {
        auto& leg = legs_[number];
        if (leg.state == State::idle) invite(number);
        if (leg.state == State::answered) join(number, leg.described);
        const bool talks_past_it = leg.state == State::talking && !leg.on_bridge && !exchange_;
        if (talks_past_it || leg.state == State::parked) reinvite(number, State::moving, {});
    }
}

void Call::join(LegNo leg, std::string offer) {
    legs_[leg].state = State::joining;
    legs_[leg].timer = set_timer(options_.reinvite_timeout);
    const auto& audio = legs_[leg].audio;
    commands_.emplace_back(command::Join{leg, std::move(offer), audio && !audio->sends});
}

/// Of two, the first one: until the second one has answered.
bool Call::hears_ringing(const std::vector<LegNo>& parties) const {
    if (!options_.ringback || !options_.bridge || bridge_failed_ || parties.size() < 2) return false;
    const auto second = legs_[parties[1]].state;
    return second == State::idle || second == State::inviting;
}

/// Two that talk directly are mixed for that, as long as the bridge does it.
bool Call::hears_funds_end() const { return funds_end_ && options_.bridge && !bridge_failed_; }

/// One who is alone on the bridge while another is called hears that; everybody, that the funds end.
void Call::progress_tone() {
    const auto mixed = std::ranges::count_if(
        legs_, [](const Leg& leg) { return leg.on_bridge && leg.state == State::talking; });
    const bool inviting = std::ranges::count(legs_, State::inviting, &Leg::state) > 0;
    auto wanted = Tone::none;
    if (options_.ringback && mixed == 1 && inviting) wanted = Tone::ringing;
    if (funds_end_ && mixed > 0) wanted = Tone::funds_end;
    if (ending_) wanted = Tone::none;
    if (std::exchange(tone_, wanted) != wanted) commands_.emplace_back(command::Play{wanted});
}

void Call::handle(const event::Joined& event) {
    if (!live(event.leg) || legs_[event.leg].state != State::joining) return;
    auto& leg = legs_[event.leg];
    leg.timer = 0;
    leg.on_bridge = true;
    leg.bridge_tries = 0;
    leg.bridge_sdp = event.sdp;
    if (std::ranges::count(legs_, State::talking, &Leg::state) > 0) secure();
    if (const auto ticket = std::exchange(leg.changing, 0); ticket != 0) {
        leg.described = std::move(leg.offered);
        answer(event.leg, ticket, 200, mixed(event.leg, event.sdp));
    } else {
        commands_.emplace_back(command::Ack{event.leg, mixed(event.leg, event.sdp)});
    }
    talk(event.leg);
}

void Call::handle(const event::Unbridged& event) {
    if (!live(event.leg)) return;
    auto& leg = legs_[event.leg];
    const bool joining = leg.state == State::joining;
    if (!joining && !leg.on_bridge) return;
    leg.on_bridge = false;
    leg.timer = 0;
    const auto changing = std::exchange(leg.changing, 0);
    // Its 2xx waits for us, or its offer, which changes nothing then: what it had is asked for again.
    if (changing != 0)
        answer(event.leg, changing, 488);
    else if (joining)
        commands_.emplace_back(command::Ack{event.leg, silence(event.leg, leg.described)});
    if (!bridged_) {
        // It only heard something there: the other one's ringing, or that the funds end.
        leg.state = State::parked;
        bridge_failed_ = true;
        return;
    }
    leg.state = State::aside;
    if ((event.unfit && changing == 0) || leg.bridge_tries == options_.bridge_retries) {
        give_up_bridge(event.leg);
        return;
    }
    ++leg.bridge_tries;
    leg.timer = set_timer(options_.bridge_retry);
}

/// One that may not receive says the same without holding anybody.
bool Call::holds(LegNo leg, std::string_view sdp) const {
    const auto& audio = legs_[leg].audio;
    return sdp::on_hold(sdp) && (!audio || audio->receives);
}

/// A party that is mixed, or held itself out of the mix, offers something: a refresh, hold, other media.
void Call::answer_mixed(const event::Requested& request) {
    auto& leg = legs_[request.leg];
    const auto& offer = request.body.text;
    const auto lines = sdp::media_lines(offer);
    const bool held = leg.state == State::held;
    if (offer.empty()) {
        // All that it may have (RFC 3261, 14.2): one that held itself may come back by that.
        leg.answers = true;
        answer(request.leg, request.ticket, 200, mixed(request.leg, leg.bridge_sdp));
        return;
    }
    if (sdp::same_origin(offer, leg.described)) {
        answer(request.leg, request.ticket, 200,
               held ? silence(request.leg, leg.described) : mixed(request.leg, leg.bridge_sdp));
        return;
    }
    if (options_.fixed_media && sdp::adds_media(offer, leg.described)) {
        answer(request.leg, request.ticket, 488);
        return;
    }
    leg.lines = std::max(leg.lines, lines);
    if (holds(request.leg, offer)) {
        // Nobody wants to hear its music.
        leg.described = theirs(request.leg, offer);
        leave_bridge(request.leg);
        leg.state = State::held;
        answer(request.leg, request.ticket, 200, silence(request.leg, offer));
        return;
    }
    leg.on_bridge = false;
    leg.changing = request.ticket;
    leg.offered = theirs(request.leg, offer);
    join(request.leg, leg.offered);
}

/// The bridge sends to where it was told at first: a party that answers from elsewhere, or comes back, is
/// asked for an offer.
void Call::take_answer(LegNo number, const std::string& sdp) {
    auto& leg = legs_[number];
    const bool is_mixed = leg.on_bridge && leg.state == State::talking;
    if (sdp.empty() || (!is_mixed && leg.state != State::held)) return;
    const bool hold = holds(number, sdp);
    if (hold ? leg.state == State::held : is_mixed && sdp::same_audio(theirs(number, sdp), leg.described))
        return;
    leg.described = theirs(number, sdp);
    leave_bridge(number);
    leg.state = hold ? State::held : State::parked;
}

/// Its offer went to the bridge, and was cancelled before that answered: what it had is asked for again.
void Call::stay_mixed(LegNo leg) {
    legs_[leg].changing = 0;
    legs_[leg].timer = 0;
    leave_bridge(leg);
    legs_[leg].state = State::parked;
}

/// Two parties can do without the bridge; of more, the one that it does not take must go.
void Call::give_up_bridge(LegNo leg) {
    if (live() > 2) {
        give_up(leg, Ending::unusable);
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

std::vector<sdp::Medium> Call::media(LegNo number) const {
    const auto& leg = legs_[number];
    if (!live(number) || leg.state != State::talking) return {};
    auto own = sdp::media(leg.described);
    // The bridge mixes the first audio, and refuses the rest.
    const auto audio = std::ranges::find(own, "audio", &sdp::Medium::kind);
    if (leg.on_bridge) return audio == own.end() ? std::vector<sdp::Medium>() : std::vector{*audio};
    const auto partner = partner_of(number);
    if (!partner) return {};
    const auto theirs = sdp::media(legs_[*partner].described);
    std::erase_if(own, [&](const sdp::Medium& medium) {
        return std::ranges::find(theirs, medium.kind, &sdp::Medium::kind) == theirs.end();
    });
    // Who is on hold hears nobody, whatever it offered itself.
    for (auto& medium : own) {
        const auto& other = *std::ranges::find(theirs, medium.kind, &sdp::Medium::kind);
        medium.sends = medium.sends && other.receives;
        medium.receives = medium.receives && other.sends;
    }
    return own;
}

std::optional<PartyDialog> Call::movable(std::string_view address) const {
    for (const auto number : live_legs()) {
        const auto& party = status_.parties[number];
        const auto& leg = legs_[number];
        if (party.address != address) continue;
        const bool quiet = leg.state == State::talking || leg.state == State::parked ||
                           leg.state == State::aside || leg.state == State::held;
        if (!quiet || exchange_ || !relays_.empty()) return std::nullopt;
        return PartyDialog{number,    party.address, party.dialogs, leg.described,
                           leg.lines, leg.audio,     leg.session,   leg.version};
    }
    return std::nullopt;
}

void Call::handle(const event::Arrived& event) {
    if (ending_) return;
    waits_ = true;
    const auto number = add_party(event.party.address, event.party.audio);
    auto& party = status_.parties[number];
    party.phase = Phase::connected;
    party.started = now_;
    party.dialogs = event.party.dialogs;
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
    left(event.leg, cause_of(Ending::ended));
}

/// What comes next lets parties talk: a charge that is held for that must be known to whoever takes over.
void Call::secure() {
    if (!options_.held || settled_ || secured_) return;
    secured_ = true;
    commands_.emplace_back(command::Secure{});
}

}  // namespace calls
