// The call's state machine: setting up, connecting and ending. call_relay.cpp has what the parties ask of
// each other in between.
#include "telephony/calls/call.hpp"

#include "telephony/calls/sdp.hpp"

#include <algorithm>
#include <utility>

namespace calls {

std::int64_t seconds_between(const std::optional<Moment>& start, const std::optional<Moment>& end) {
    if (!start || !end || end->steady < start->steady) return 0;
    return std::chrono::round<std::chrono::seconds>(end->steady - start->steady).count();
}

std::int64_t billed_seconds(const CallStatus& status) {
    const auto lasted = status.ended.value_or(*status.started).steady - status.started->steady;
    return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(lasted).count());
}

Call::Call(const std::vector<std::string>& parties, CallOptions options, Moment now)
    : options_(std::move(options)), waits_(parties.size() < 2), now_(now) {
    status_.created = now;
    for (const auto& address : parties) add_party(address, options_.audio);
}

Call::Call(Connection connection, CallOptions options, Moment now)
    : options_(std::move(options)),
      status_(std::move(connection.status)),
      legs_(status_.parties.size()),
      callee_(connection.callee),
      secured_(true),
      last_timer_(connection.last_timer),
      now_(now) {
    for (LegNo leg = 0; leg < legs_.size(); ++leg)
        legs_[leg].state = connection.gone[leg] ? State::gone : State::leaving;
    const auto take = [&](LegNo leg, const std::string& sdp, std::uint64_t version) {
        legs_[leg].state = State::answered;
        legs_[leg].described = sdp;
        legs_[leg].lines = sdp::media_lines(sdp.empty() ? connection.callee_sdp : sdp);
        legs_[leg].session = options_.session + leg;
        legs_[leg].version = version;
    };
    take(0, connection.caller_sdp, connection.caller_version);
    take(connection.callee, connection.callee_sdp, connection.callee_version);
    if (!connection.caller_sdp.empty()) return;
    exchange_ = Exchange{.from = 0,
                         .to = connection.callee,
                         .ticket = connection.ticket,
                         .method = Method::reinvite,
                         .lines = sdp::media_lines(connection.callee_sdp),
                         .offerless = true,
                         .answered = true};
}

Commands Call::on(const Event& event, Moment now) {
    now_ = now;
    commands_.clear();
    changed_ = false;
    if (!finished_) {
        std::visit([this](const auto& known) { handle(known); }, event);
        progress();
        progress_tone();
    }
    if (changed_) commands_.emplace_back(command::Changed{});
    if (ending_ && !finished_ && std::ranges::all_of(legs_, [](const Leg& leg) {
            return leg.state == State::gone || leg.state == State::idle;
        })) {
        finished_ = true;
        commands_.emplace_back(command::Finished{});
    }
    return std::move(commands_);
}

std::size_t Call::live() const { return live_legs().size(); }

bool Call::has(std::string_view address) const {
    for (const auto leg : live_legs()) {
        if (status_.parties[leg].address == address) return true;
    }
    return false;
}

std::optional<sdp::AudioOnly> Call::audio(std::string_view address) const {
    for (const auto leg : live_legs()) {
        if (status_.parties[leg].address == address) return legs_[leg].audio;
    }
    return std::nullopt;
}

bool Call::live(LegNo leg) const {
    return known(leg) && legs_[leg].state != State::leaving && legs_[leg].state != State::gone &&
           !status_.parties[leg].ended;
}

std::vector<LegNo> Call::live_legs() const {
    std::vector<LegNo> result;
    for (LegNo leg = 0; leg < legs_.size(); ++leg) {
        if (live(leg)) result.push_back(leg);
    }
    return result;
}

TimerId Call::set_timer(std::chrono::milliseconds after) {
    commands_.emplace_back(command::SetTimer{++last_timer_, after});
    return last_timer_;
}

/// The bridge's description as ours towards this leg.
std::string Call::mixed(LegNo leg, std::string_view sdp) {
    const sdp::Origin origin{legs_[leg].session, ++legs_[leg].version, options_.address};
    return sdp::with_origin(sdp, origin);
}

/// A description of others as ours towards this leg: what it may not send we do not receive.
std::string Call::ours(LegNo leg, std::string_view sdp) {
    auto text = mixed(leg, sdp);
    const auto& audio = legs_[leg].audio;
    return audio ? sdp::limited(text, {audio->receives, audio->sends}) : text;
}

/// A description of this leg's, as others are to see it.
std::string Call::theirs(LegNo leg, std::string sdp) const {
    const auto& audio = legs_[leg].audio;
    return audio && !sdp.empty() ? sdp::limited(sdp, *audio) : std::move(sdp);
}

/// Takes every medium of a description and sends and receives nothing.
std::string Call::silence(LegNo leg, std::string_view sdp) {
    const sdp::Origin origin{legs_[leg].session, ++legs_[leg].version, options_.address};
    return sdp::held_answer(sdp, origin);
}

// --- the way to the connection

void Call::handle(const event::Start&) {
    changed_ = true;
    if (!callee_) return;
    talk(0);
    talk(*std::exchange(callee_, std::nullopt));
}

void Call::handle(const event::Ringing& event) {
    if (!live(event.leg)) return;
    legs_[event.leg].rang = true;
    if (event.dialog.empty() || legs_[event.leg].state != State::inviting) return;
    status_.parties[event.leg].dialogs.push_back(event.dialog);
    changed_ = true;
}

void Call::handle(const event::Answered& event) {
    if (!live(event.leg)) return;
    auto& leg = legs_[event.leg];
    const auto state = leg.state;
    leg.timer = 0;
    leg.retries = 0;
    if (!event.dialog.empty()) status_.parties[event.leg].dialogs = {event.dialog};
    if (exchange_ && exchange_->to == event.leg && !exchange_->answered) {
        finish_exchange(event.leg, event.sdp);
        return;
    }
    if (event.sdp.empty() && state != State::parking) {
        // An INVITE without a description must be answered with one (RFC 3261, 13.2.1).
        give_up(event.leg, Ending::unusable);
        return;
    }
    if (!event.sdp.empty()) {
        leg.described = theirs(event.leg, event.sdp);
        leg.lines = std::max(leg.lines, sdp::media_lines(event.sdp));
    }
    switch (state) {
        case State::inviting: {
            auto& party = status_.parties[event.leg];
            party.phase = Phase::connected;
            party.started = now_;
            changed_ = true;
            leg.state = State::answered;
            break;
        }
        case State::moving:
            leg.state = State::answered;
            break;
        case State::parking:
            commands_.emplace_back(command::Ack{event.leg, {}});
            leg.state = State::parked;
            break;
        case State::offered:
            join_pair(event.leg, leg.described);
            break;
        default:
            // A re-INVITE whose reason is gone: acknowledged, so that the peer stops repeating its 2xx.
            commands_.emplace_back(
                command::Ack{event.leg, leg.asked_offer ? silence(event.leg, event.sdp) : std::string()});
    }
}

/// The first party answered the second one's offer: both are acknowledged, and talk.
void Call::join_pair(LegNo first, const std::string& answer) {
    commands_.emplace_back(command::Ack{first, {}});
    talk(first);
    for (const auto second : live_legs()) {
        if (second == first || legs_[second].state != State::answered) continue;
        const auto lines = sdp::media_lines(legs_[second].described);
        commands_.emplace_back(command::Ack{second, ours(second, sdp::cut(answer, lines))});
        talk(second);
        return;
    }
}

void Call::talk(LegNo leg) {
    legs_[leg].state = State::talking;
    if (status_.started) return;
    const auto talking = std::ranges::count(legs_, State::talking, &Leg::state);
    if (talking < 2) return;
    status_.started = now_;
    status_.phase = Phase::connected;
    changed_ = true;
    if (options_.max_duration.count() > 0) duration_timer_ = set_timer(options_.max_duration);
    if (options_.granted.count() > 0) await_grant();
    settle();
}

/// One charge or one release, whatever comes later.
void Call::settle() {
    if (!options_.held || settled_) return;
    const bool by_time = options_.granted.count() > 0;
    if (by_time && status_.started && !ending_) return;
    settled_ = true;
    if (status_.started)
        commands_.emplace_back(command::Capture{});
    else
        commands_.emplace_back(command::Release{});
}

/// The call ends when the time that is paid for does, whatever became of asking for more.
void Call::await_grant() {
    const auto left = status_.started->steady + options_.granted - now_.steady;
    constexpr std::chrono::milliseconds none{0};
    grant_timer_ = set_timer(std::max(left, none));
    extend_timer_ = set_timer(std::max(left - options_.extend_ahead, none));
    if (options_.bridge && options_.funds_notice.count() > 0)
        notice_timer_ = set_timer(std::max(left - options_.funds_notice, none));
}

void Call::handle(const event::Granted& event) {
    if (ending_ || !status_.started || event.total <= options_.granted) return;
    options_.granted = event.total;
    funds_end_ = false;
    await_grant();
}

void Call::handle(const event::Refused& event) {
    if (!known(event.leg)) return;
    left(event.leg, cause_of(event.status, legs_[event.leg].rang));
}

void Call::handle(const event::Rejected& event) {
    if (!live(event.leg)) return;
    auto& leg = legs_[event.leg];
    leg.timer = 0;
    const bool dialog_lost = event.status == 408 || event.status == 481;
    if (exchange_ && exchange_->to == event.leg && !exchange_->answered) {
        refuse_exchange(dialog_lost ? 500 : event.status);
        if (!dialog_lost) return;
    } else if (leg.state != State::offered && leg.state != State::moving && leg.state != State::parking) {
        if (!dialog_lost) return;
    } else if (const auto pause = pause_before_retry(event.status, leg.retries)) {
        ++leg.retries;
        leg.state = State::glare;
        leg.timer = set_timer(*pause);
        return;
    }
    give_up(event.leg, dialog_lost ? Ending::lost : Ending::unusable);
}

std::optional<std::chrono::milliseconds> Call::pause_before_retry(int status, int retries) const {
    if (status == 491 && retries < options_.glare_retries) return options_.glare_retry;
    // Mostly it has overtaken our ACK to the last one, in a proxy of several processes.
    if (status == 500 && retries < options_.unready_retries)
        return retries == 0 ? options_.unready_retry : options_.glare_retry;
    return std::nullopt;
}

void Call::handle(const event::Timer& event) {
    if (event.id == 0) return;
    if (event.id == duration_timer_ || event.id == grant_timer_) {
        end_call(cause_of(Ending::ended), std::nullopt);
        return;
    }
    if (event.id == extend_timer_) {
        if (!ending_) commands_.emplace_back(command::Extend{});
        return;
    }
    if (event.id == notice_timer_) {
        funds_end_ = true;
        return;
    }
    for (const auto number : live_legs()) {
        auto& leg = legs_[number];
        if (leg.timer != event.id) continue;
        leg.timer = 0;
        if (leg.state == State::glare) {
            leg.state = leg.before;
            return;
        }
        if (leg.state == State::aside) {
            leg.state = State::parked;
            return;
        }
        if (leg.state == State::joining) {
            commands_.emplace_back(command::Leave{number});
            handle(event::Unbridged{number});
            return;
        }
        if (leg.state == State::inviting) {
            give_up(number, Ending::unanswered);
            return;
        }
        if (!out_of_patience(number)) handle(event::Rejected{number, 408});
        return;
    }
}

// --- progress

void Call::progress() {
    if (ending_) return;
    const auto count = live();
    if (count == 0) {
        end_call(ended(status_.started.has_value()), std::nullopt);
        return;
    }
    const bool alone = waits_ && count == 1 && !bridge_failed_;
    if (options_.bridge && (count > 2 || alone)) bridged_ = true;
    if (bridged_ || hears_funds_end())
        progress_bridge();
    else
        progress_direct();
}

void Call::progress_direct() {
    const auto parties = live_legs();
    const auto first = parties[0];
    const bool rings = hears_ringing(parties);
    for (const auto number : parties) {
        if (legs_[number].state == State::held) legs_[number].state = State::parked;
        if (!legs_[number].on_bridge || legs_[number].state != State::talking) continue;
        if (rings && number == first) continue;
        leave_bridge(number);
        // Alone, it goes into silence below.
        if (parties.size() > 1) legs_[number].state = State::parked;
    }
    const auto state = legs_[first].state;
    if (state == State::idle) invite(first);
    if (state == State::answered && rings) {
        join(first, legs_[first].described);
    } else if (state == State::answered) {
        // Silence until the other one answers.
        commands_.emplace_back(command::Ack{first, silence(first, legs_[first].described)});
        legs_[first].state = State::parked;
    }
    // The other one may be on its way back to it, by undo_exchange.
    const bool awaited = std::ranges::count(legs_, State::offered, &Leg::state) > 0;
    if (state == State::talking && !rings && !exchange_ && !awaited && !partner_of(first)) park(first);
    const bool waits = legs_[first].state == State::parked || (rings && legs_[first].on_bridge);
    if (parties.size() < 2 || !waits) return;
    const auto second = parties[1];
    if (legs_[second].state == State::idle) invite(second);
    if (legs_[first].state != State::parked) return;
    if (legs_[second].state == State::answered) offer_to(first, second);
    const bool talks_to_nobody = legs_[second].state == State::talking;
    if (legs_[second].state == State::parked || talks_to_nobody) reinvite(second, State::moving, {});
}

void Call::invite(LegNo leg) {
    legs_[leg].state = State::inviting;
    legs_[leg].timer = set_timer(options_.no_answer);
    commands_.emplace_back(command::Invite{leg, status_.parties[leg].address});
}

void Call::reinvite(LegNo leg, State state, std::string sdp) {
    legs_[leg].before = legs_[leg].state;
    legs_[leg].state = state;
    legs_[leg].asked_offer = sdp.empty();
    legs_[leg].timer = set_timer(options_.reinvite_timeout);
    commands_.emplace_back(command::Reinvite{leg, std::move(sdp)});
}

/// Into silence, by a re-INVITE that has the party's own media on hold.
void Call::park(LegNo leg) {
    reinvite(leg, State::parking, sdp::padded(silence(leg, legs_[leg].described), legs_[leg].lines));
}

void Call::offer_to(LegNo leg, LegNo offerer) {
    auto offer = sdp::padded(ours(leg, legs_[offerer].described), legs_[leg].lines);
    legs_[leg].lines = sdp::media_lines(offer);
    secure();
    reinvite(leg, State::offered, std::move(offer));
}

// --- the end

void Call::handle(const event::HungUp& event) {
    if (known(event.leg)) left(event.leg, cause_of(Ending::hung_up));
}

void Call::handle(const event::Lost& event) {
    if (!known(event.leg)) return;
    // Nobody pays for the time in which nobody was there.
    auto alive = event.alive.value_or(now_);
    for (const auto* start : {&status_.parties[event.leg].started, &status_.started}) {
        if (*start && alive.steady < (*start)->steady) alive = **start;
    }
    if (alive.steady < now_.steady) now_ = alive;
    left(event.leg, cause_of(Ending::lost));
}

void Call::handle(const event::Gone& event) {
    if (known(event.leg)) left(event.leg, cause_of(Ending::lost));
}

void Call::handle(const event::End&) { end_call(ended(status_.phase == Phase::connected), std::nullopt); }

/// The parties hear of it here, too: the other server may have reached none of them.
void Call::handle(const event::Taken&) {
    if (ending_) return;
    settled_ = true;
    for (const auto leg : live_legs()) leave(leg, cause_of(Ending::lost));
    end_call(cause_of(Ending::lost), std::nullopt);
}

void Call::handle(const event::Add& event) {
    if (ending_ || has(event.address)) return;
    waits_ = true;
    add_party(event.address, event.audio);
    changed_ = true;
}

LegNo Call::add_party(const std::string& address, std::optional<sdp::AudioOnly> audio) {
    const auto leg = legs_.size();
    status_.parties.emplace_back().address = address;
    legs_.emplace_back().session = options_.session + leg;
    legs_.back().audio = audio;
    return leg;
}

void Call::handle(const event::Remove& event) {
    for (const auto leg : live_legs()) {
        if (status_.parties[leg].address != event.address) continue;
        waits_ = true;
        const auto cause = ended(status_.parties[leg].started.has_value());
        leave(leg, cause);
        after_party(leg, cause);
        return;
    }
}

/// Sends a leg away. Its party has ended from now on; the leg is gone when the peer says so.
void Call::leave(LegNo leg, Cause cause) {
    if (!live(leg)) return;
    abandon_exchange(leg);
    close_party(leg, cause);
    auto& entry = legs_[leg];
    leave_bridge(leg);
    if (entry.state == State::idle) {
        entry.state = State::gone;
        return;
    }
    entry.state = State::leaving;
    commands_.emplace_back(command::End{leg, ending_ ? *status_.cause : cause});
}

/// Somebody entitled, or a limit, ended this.
Cause Call::ended(bool connected) { return cause_of(connected ? Ending::ended : Ending::ended_early); }

/// We end a leg because of its party.
void Call::give_up(LegNo leg, Ending why) {
    leave(leg, cause_of(why));
    after_party(leg, cause_of(why));
}

/// The peer, or the network, ended a leg.
void Call::left(LegNo leg, Cause cause) {
    auto& entry = legs_[leg];
    if (entry.state == State::gone || entry.state == State::idle) return;
    const bool was_live = live(leg);
    abandon_exchange(leg);
    leave_bridge(leg);
    entry.state = State::gone;
    if (!was_live) return;
    close_party(leg, cause);
    after_party(leg, cause);
}

void Call::close_party(LegNo leg, Cause cause) {
    auto& party = status_.parties[leg];
    legs_[leg].timer = 0;
    party.phase = Phase::terminated;
    party.ended = now_;
    party.cause = cause;
    party.dialogs.clear();
    changed_ = true;
}

void Call::after_party(LegNo leg, Cause cause) {
    if (ending_) return;
    if (!waits_ && !bridged_) {
        end_call(cause, leg);
        return;
    }
    if (live() == 0) end_call(cause, leg);
}

void Call::end_call(Cause cause, std::optional<LegNo> culprit) {
    if (ending_) return;
    ending_ = true;
    const bool connected = status_.phase == Phase::connected;
    status_.phase = Phase::terminated;
    status_.ended = now_;
    status_.cause = cause;
    status_.culprit = culprit;
    changed_ = true;
    settle();
    for (const auto leg : live_legs()) leave(leg, ended(connected));
}

}  // namespace calls
