// What one party asks of the other through us: re-INVITE and UPDATE (hold, resume, other media) and INFO
// (DTMF).
#include "telephony/calls/call.hpp"
#include "telephony/calls/sdp.hpp"

#include <algorithm>
#include <utility>

namespace calls {

void Call::answer(LegNo leg, Ticket ticket, int status, std::string sdp) {
    Body body;
    if (!sdp.empty()) body = {"application/sdp", std::move(sdp)};
    commands_.emplace_back(command::Answer{leg, ticket, status, std::move(body)});
}

/// Who talks directly with this one.
std::optional<LegNo> Call::partner_of(LegNo leg) const {
    if (legs_[leg].state != State::talking || legs_[leg].on_bridge) return std::nullopt;
    for (const auto other : live_legs()) {
        if (other != leg && legs_[other].state == State::talking && !legs_[other].on_bridge) return other;
    }
    return std::nullopt;
}

void Call::handle(const event::Requested& event) {
    if (!live(event.leg)) {
        answer(event.leg, event.ticket, 481);
        return;
    }
    const auto partner = partner_of(event.leg);
    if (event.method == Method::info) {
        if (!partner) {
            answer(event.leg, event.ticket, 200);
            return;
        }
        relays_[event.ticket] = event.leg;
        commands_.emplace_back(command::Relay{*partner, event.ticket, event.method, event.body});
        return;
    }
    const auto state = legs_[event.leg].state;
    const bool settled =
        state == State::talking || state == State::parked || state == State::aside || state == State::held;
    if (!settled || exchange_) {
        answer(event.leg, event.ticket, 491);
        return;
    }
    if (partner)
        relay_offer(event, *partner);
    else
        answer_alone(event);
}

void Call::relay_offer(const event::Requested& request, LegNo partner) {
    auto& leg = legs_[request.leg];
    const auto& offer = request.body.text;
    const auto lines = sdp::media_lines(offer);
    if (options_.fixed_media && sdp::adds_media(offer, leg.described)) {
        answer(request.leg, request.ticket, 488);
        return;
    }
    exchange_ = Exchange{.from = request.leg,
                         .to = partner,
                         .ticket = request.ticket,
                         .method = request.method,
                         .lines = lines,
                         .offerless = offer.empty(),
                         .before = leg.described};
    auto& other = legs_[partner];
    std::string sdp;
    if (!offer.empty()) {
        leg.described = theirs(request.leg, offer);
        leg.lines = std::max(leg.lines, lines);
        sdp = sdp::padded(ours(partner, leg.described), other.lines);
        other.lines = sdp::media_lines(sdp);
    }
    other.asked_offer = offer.empty();
    other.timer = set_timer(options_.reinvite_timeout);
    if (request.method == Method::update) {
        Body body{"application/sdp", std::move(sdp)};
        commands_.emplace_back(command::Relay{partner, request.ticket, request.method, std::move(body)});
    } else {
        commands_.emplace_back(command::Reinvite{partner, std::move(sdp)});
    }
}

/// A party without a partner: in silence, or on the bridge.
void Call::answer_alone(const event::Requested& request) {
    auto& leg = legs_[request.leg];
    const auto& offer = request.body.text;
    if (leg.on_bridge || leg.state == State::held) {
        answer_mixed(request);
        return;
    }
    if (offer.empty()) {
        answer(request.leg, request.ticket, 488);
        return;
    }
    leg.described = theirs(request.leg, offer);
    leg.lines = std::max(leg.lines, sdp::media_lines(offer));
    answer(request.leg, request.ticket, 200, silence(request.leg, offer));
}

/// The other party accepted: its description goes back to the one that asked.
void Call::finish_exchange(LegNo leg, const std::string& sdp) {
    auto& exchange = *exchange_;
    const auto from = exchange.from;
    if (exchange.withdrawn) return undo_exchange(leg, sdp);
    if (sdp.empty()) {
        commands_.emplace_back(command::Ack{leg, {}});
        refuse_exchange(500);
        return;
    }
    const auto& described = legs_[leg].described = theirs(leg, sdp);
    auto& asker = legs_[from];
    if (exchange.offerless) {
        auto offer = sdp::padded(ours(from, described), asker.lines);
        asker.lines = sdp::media_lines(offer);
        exchange.lines = sdp::media_lines(sdp);
        exchange.answered = true;
        legs_[leg].timer = set_timer(options_.reinvite_timeout);
        answer(from, exchange.ticket, 200, std::move(offer));
        return;
    }
    commands_.emplace_back(command::Ack{leg, {}});
    answer(from, exchange.ticket, 200, ours(from, sdp::cut(described, exchange.lines)));
    exchange_.reset();
}

/// The other party does not take it: the asker's session is what it was (RFC 3261, 14.1).
void Call::refuse_exchange(int status) {
    const auto exchange = *std::exchange(exchange_, std::nullopt);
    legs_[exchange.from].described = exchange.before;
    if (!exchange.withdrawn) answer(exchange.from, exchange.ticket, status);
}

void Call::handle(const event::Withdrawn& event) {
    if (event.ticket != 0 && live(event.leg) && legs_[event.leg].changing == event.ticket)
        return stay_mixed(event.leg);
    const bool waited = exchange_ && exchange_->from == event.leg && exchange_->ticket == event.ticket;
    if (waited && !exchange_->answered && !exchange_->withdrawn) withdraw_exchange();
}

void Call::withdraw_exchange() {
    exchange_->withdrawn = true;
    legs_[exchange_->to].timer = set_timer(options_.reinvite_timeout);
    commands_.emplace_back(command::Withdraw{exchange_->to});
}

/// Its 2xx crossed our CANCEL: it is offered what holds, instead of what it took. Where the asker has left
/// nothing does.
void Call::undo_exchange(LegNo leg, const std::string& sdp) {
    commands_.emplace_back(command::Ack{leg, exchange_->offerless ? silence(leg, sdp) : std::string()});
    const auto from = exchange_->from;
    refuse_exchange(487);
    if (!live(from)) return;
    // Where it does not take that now, both begin again.
    legs_[leg].state = State::parked;
    reinvite(leg, State::offered, sdp::padded(ours(leg, legs_[from].described), legs_[leg].lines));
}

/// Who is asked for other media may ask a person: that one takes too long ends no call. False: it is no such
/// wait, or nothing is heard of that party any more.
bool Call::out_of_patience(LegNo leg) {
    const bool waits = exchange_ && exchange_->to == leg && !exchange_->answered && !exchange_->withdrawn;
    if (!waits || exchange_->method != Method::reinvite) return false;
    answer(exchange_->from, exchange_->ticket, 480);
    withdraw_exchange();
    return true;
}

void Call::handle(const event::Acknowledged& event) {
    if (live(event.leg) && std::exchange(legs_[event.leg].answers, false))
        return take_answer(event.leg, event.sdp);
    if (!exchange_ || !exchange_->answered || exchange_->from != event.leg) return;
    const auto to = exchange_->to;
    const auto lines = exchange_->lines;
    exchange_.reset();
    legs_[to].timer = 0;
    if (event.sdp.empty()) {
        give_up(event.leg, Ending::unusable);
        return;
    }
    const auto& described = legs_[event.leg].described = theirs(event.leg, event.sdp);
    commands_.emplace_back(command::Ack{to, ours(to, sdp::cut(described, lines))});
}

void Call::handle(const event::Replied& event) {
    // Of this dialog, not of the one with who asked, which the same response would end.
    const bool dialog_lost = event.status == 408 || event.status == 481;
    const int status = dialog_lost ? 500 : event.status;
    if (const auto relay = relays_.find(event.ticket); relay != relays_.end()) {
        commands_.emplace_back(command::Answer{relay->second, event.ticket, status, event.body});
        relays_.erase(relay);
    } else if (exchange_ && exchange_->ticket == event.ticket && exchange_->to == event.leg) {
        if (live(event.leg)) finish_update(event, status);
    } else {
        return;
    }
    if (dialog_lost && live(event.leg)) give_up(event.leg, Ending::lost);
}

/// The other party's answer to an UPDATE.
void Call::finish_update(const event::Replied& event, int status) {
    legs_[event.leg].timer = 0;
    if (status >= 300 || event.body.text.empty()) {
        refuse_exchange(status >= 300 ? status : 500);
        return;
    }
    const auto from = exchange_->from;
    const auto lines = exchange_->lines;
    exchange_.reset();
    const auto& described = legs_[event.leg].described = theirs(event.leg, event.body.text);
    answer(from, event.ticket, 200, ours(from, sdp::cut(described, lines)));
}

/// One side of an exchange ends: the other is answered, or acknowledged.
void Call::abandon_exchange(LegNo leg) {
    std::erase_if(relays_, [&](const auto& relay) {
        if (relay.second == leg) return true;
        if (partner_of(relay.second) != leg) return false;
        answer(relay.second, relay.first, 481);
        return true;
    });
    if (!exchange_ || (exchange_->from != leg && exchange_->to != leg)) return;
    const bool asked = exchange_->method == Method::reinvite && !exchange_->answered && live(exchange_->to);
    if (exchange_->from == leg && asked) {
        // The other's re-INVITE goes on until it is answered: there is one at a time (RFC 3261, 14.1).
        if (!exchange_->withdrawn) withdraw_exchange();
        return;
    }
    const auto exchange = *exchange_;
    exchange_.reset();
    if (exchange.to == leg && !exchange.answered && !exchange.withdrawn)
        answer(exchange.from, exchange.ticket, 481);
    if (exchange.from == leg && exchange.answered && live(exchange.to)) {
        auto& other = legs_[exchange.to];
        other.timer = 0;
        commands_.emplace_back(command::Ack{exchange.to, silence(exchange.to, other.described)});
    }
}

}  // namespace calls
