// Dialogs that we make: INVITE to ACK, and their end.
#include "telephony/sip/dialog_state.hpp"
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <strings.h>

#include <limits>

namespace sip {
namespace {

/// 64*T1 (RFC 3261, 17.1.1.2) and some: a leg that is to end is dropped then, whatever the peer does.
constexpr int ending_limit_t1 = 80;

/// More requests of ours than a dialog has seen since its state was kept: numbers may skip, not repeat
/// (RFC 3261, 12.2.1.1).
constexpr std::uint32_t cseq_skip = 100'000;

/// Telephones behind a proxy that are heard of in one call; those that ring reliably are remembered.
constexpr std::size_t forks_max = 32;

/// Whether the leg has the tag of another telephone than this one.
bool is_anothers(nta_leg_t* leg, const char* tag) {
    const auto* had = ::nta_leg_get_rtag(leg);
    return had != nullptr && tag != nullptr && ::strcasecmp(had, tag) != 0;
}

/// RFC 3323, 4.1.1.3.
constexpr auto anonymous_caller = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/// The leg of a dialog that an earlier server left; null when its headers make none.
nta_leg_t* leg_of(nta_agent_t* agent, const DialogState& state, nta_request_f* on_request, Dialog* dialog) {
    const auto cseq = std::to_string(state.cseq + cseq_skip) + " BYE";
    auto* leg = ::nta_leg_tcreate(agent, on_request, dialog, SIPTAG_CALL_ID_STR(state.call_id.c_str()),
                                  SIPTAG_FROM_STR(state.from.c_str()), SIPTAG_TO_STR(state.to.c_str()),
                                  SIPTAG_CSEQ_STR(cseq.c_str()), TAG_END());
    if (leg != nullptr) set_route(leg, state);
    return leg;
}

int on_invite_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    if (dialog->end.over || request != dialog->invite.request) return 0;
    return guarded(dialog, [&] {
        const int status = message != nullptr ? message->sip_status->st_status : nta_outgoing_status(request);
        const bool unwanted = dialog->end.wanted || dialog->invite.unwanted;
        if (status < 200 && unwanted) dialog->engine->cancel(*dialog);
        if (status == 100) return 0;
        dialog->engine->note_response(*dialog, "INVITE", status, message);
        dialog->engine->responded(*dialog, status < 100 ? 408 : status, message);
        return 0;
    });
}

int on_bye_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    const int status = message != nullptr ? message->sip_status->st_status : 408;
    if (status < 200) return 0;
    return guarded(dialog, [&] {
        auto& engine = *dialog->engine;
        engine.note_response(*dialog, "BYE", status, message);
        const bool again = engine.take_challenge(*dialog, status, message);
        // The message goes with it.
        dialog->end.farewell = nullptr;
        nta_outgoing_destroy(request);
        if (again)
            engine.send_bye(*dialog);
        else
            engine.finish(*dialog, calls::event::Gone{});
        return 0;
    });
}

/// To the CANCEL of an INVITE that an earlier server sent.
int on_cancel_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    const bool answered = message != nullptr && message->sip_status->st_status / 100 == 2 &&
                          ::nta_sip_is_internal(message) == 0;
    if (answered) acknowledge_cancelled(dialog->engine->agent, request, message);
    return on_bye_response(dialog, request, message);
}

/// Reason (RFC 3326) of a BYE or CANCEL, by the causes of Q.850.
std::string reason_line(calls::Cause why) {
    const auto line = [](int cause, const char* text) {
        return "Reason: Q.850;cause=" + std::to_string(cause) + ";text=\"" + text + "\"\r\n";
    };
    switch (why) {
        case calls::Cause::hang_up:
            return line(16, "Normal call clearing");
        case calls::Cause::busy:
            return line(17, "User busy");
        case calls::Cause::no_answer:
            return line(19, "No answer from user");
        case calls::Cause::not_reachable:
            return line(20, "Subscriber absent");
        case calls::Cause::aborted:
            break;
    }
    return line(31, "Normal, unspecified");
}

/// What a later server needs to cancel its INVITE.
std::string invited_dialog(const Dialog& dialog) {
    auto* invite = ::nta_outgoing_getrequest(dialog.invite.request);
    auto text = to_string(invited_dialog_state(::sip_object(invite)));
    ::msg_destroy(invite);
    return text;
}

/// A 421 by which the peer wants 100rel, and does not have it yet.
bool demands_reliability(const Dialog& dialog, int status, const sip_t* message) {
    return status == 421 && !dialog.confirmed && !dialog.early.reliable && message != nullptr &&
           ::sip_has_feature(message->sip_require, "100rel") != 0;
}

void on_limit(su_root_magic_t* /*root*/, su_timer_t* /*timer*/, su_timer_arg_t* argument) {
    auto* dialog = static_cast<Dialog*>(argument);
    if (!dialog->end.over) dialog->engine->finish(*dialog, calls::event::Gone{});
}

}  // namespace

void Agent::Engine::invite(LegId id, const calls::Invitation& invitation) {
    auto& dialog = add_dialog(id);
    dialog.invite.way = invitation;
    dialog.flow = invitation.flow;
    dialog.invite.target =
        invitation.contact.empty() ? request_uri(invitation.target, options.gateway) : invitation.contact;
    if (dialog.invite.target.empty()) {
        calls::event::Refused refused;
        refused.status = 404;
        finish(dialog, std::move(refused));
        return;
    }
    // Nobody else hears our password's digest, or whom we take the caller for.
    const bool by_gateway = invitation.contact.empty() && invitation.target.starts_with("tel:");
    const bool trusted = by_gateway || !options.proxy.empty();
    if (trusted) take_credentials(dialog);
    dialog.asserts_identity = trusted && options.assert_identity;
    const auto from = invitation.anonymous ? std::string(anonymous_caller)
                                           : name_addr(invitation.from_name, invitation.from);
    const auto to = name_addr({}, invitation.target);
    dialog.leg = ::nta_leg_tcreate(agent, on_request, &dialog, SIPTAG_FROM_STR(from.c_str()),
                                   SIPTAG_TO_STR(to.c_str()), TAG_END());
    if (dialog.leg == nullptr) {
        calls::event::Refused refused;
        refused.status = 400;
        finish(dialog, std::move(refused));
        return;
    }
    ::nta_leg_tag(dialog.leg, nullptr);
    send_invite(dialog, invitation.sdp);
}

/// The peer, or a proxy before it, may ask for them.
void Agent::Engine::take_credentials(Dialog& dialog) const {
    if (!options.credentials.user.empty()) dialog.auth = std::make_unique<OutgoingAuth>(options.credentials);
}

void Agent::Engine::send_invite(Dialog& dialog, const std::string& sdp) {
    if (dialog.invite.request != nullptr)
        ::nta_outgoing_destroy(std::exchange(dialog.invite.request, nullptr));
    dialog.invite.status = 0;
    dialog.invite.unwanted = dialog.invite.cancelled = false;
    dialog.invite.sdp = sdp;
    dialog.invite.peer_sdp.clear();
    if (!dialog.confirmed) dialog.early.rseqs.clear();
    dialog.invite.by_flow = !dialog.confirmed && flows.find(dialog.flow) != nullptr;
    dialog.invite.moved = false;
    Request request;
    request.method = sip_method_invite;
    request.name = "INVITE";
    request.contact = true;
    request.timer = dialog.life.session.request();
    if (!dialog.confirmed && dialog.early.reliable) request.headers += "Require: 100rel\r\n";
    if (!dialog.confirmed && dialog.asserts_identity)
        request.headers +=
            "P-Asserted-Identity: " + name_addr(dialog.invite.way.from_name, dialog.invite.way.from) + "\r\n";
    // Who is trusted with the identity must know to keep it (RFC 3325, 9.3).
    if (!dialog.confirmed && dialog.asserts_identity && dialog.invite.way.anonymous)
        request.headers += "Privacy: id\r\n";
    if (!sdp.empty()) request.body = {sdp_type, sdp};
    dialog.invite.request = send(dialog, request, on_invite_response);
    if (dialog.invite.request == nullptr) {
        responded(dialog, 503, nullptr);
        return;
    }
    dialog.invite.seq = ::nta_outgoing_cseq(dialog.invite.request);
}

/// One INVITE at a time: the session timer's own is waited for.
void Agent::Engine::reinvite(Dialog& dialog, const std::string& sdp) {
    if (dialog.life.refreshing)
        dialog.life.deferred = sdp;
    else
        send_invite(dialog, sdp);
}

/// What the peer would take is sent at once: with credentials, or with a longer session timer.
bool Agent::Engine::send_invite_again(Dialog& dialog, int status, const sip_t* message) {
    if (dialog.end.wanted) return false;
    const bool longer = status == 422 && message != nullptr && message->sip_min_se != nullptr &&
                        dialog.life.session.raise(std::chrono::seconds(message->sip_min_se->min_delta));
    if (demands_reliability(dialog, status, message)) {
        dialog.early.reliable = true;
        dialog.early.silenced = dialog.invite.sdp.empty();
        send_invite(dialog, dialog.early.silenced ? silent_offer(dialog) : std::string(dialog.invite.sdp));
        return true;
    }
    if (!longer && !take_challenge(dialog, status, message)) return false;
    send_invite(dialog, std::string(dialog.invite.sdp));
    return true;
}

/// Of a provisional response that is sent until it is acknowledged (RFC 3262, 4).
void Agent::Engine::send_prack(Dialog& dialog, const sip_t* message) {
    if (message == nullptr || message->sip_rseq == nullptr || message->sip_to->a_tag == nullptr) return;
    if (::sip_has_feature(message->sip_require, "100rel") == 0) return;
    const auto* tag = message->sip_to->a_tag;
    const auto number = static_cast<std::uint32_t>(message->sip_rseq->rs_response);
    if (dialog.early.rseqs.size() > forks_max) return;
    auto& last = dialog.early.rseqs[tag];
    if (last != 0 && number != last + 1) return;
    const bool first = std::exchange(last, number) == 0;
    auto* const own = dialog.leg;
    if (is_anothers(own, tag))
        dialog.leg = forked_leg(dialog, message);
    else
        ::nta_leg_rtag(own, tag);
    const bool forked = dialog.leg != own;
    ::nta_leg_client_reroute(dialog.leg, message->sip_record_route, message->sip_contact, first || forked);
    Request request;
    request.method = sip_method_prack;
    request.name = "PRACK";
    request.headers =
        "RAck: " + std::to_string(number) + ' ' + std::to_string(dialog.invite.seq) + " INVITE\r\n";
    const auto offer = body_of(message);
    if (dialog.invite.sdp.empty() && !offer.empty() && !dialog.early.silenced) {
        // An offer although we did not say that we would take it here.
        dialog.early.silenced = true;
        const calls::sdp::Origin origin{dialog.id.call, dialog.invite.seq, options.address};
        request.body = {sdp_type, calls::sdp::held_answer(offer, origin)};
    }
    // It is repeated until it is answered; the answer says nothing.
    if (auto* sent = send(dialog, request, nullptr)) ::nta_outgoing_destroy(sent);
    if (!forked) return;
    ::nta_leg_destroy(std::exchange(dialog.leg, own));
    ++dialog.early.forked;
}

std::string Agent::Engine::silent_offer(const Dialog& dialog) const {
    const calls::sdp::Origin origin{dialog.id.call, 1, options.address};
    return calls::sdp::silent_offer(origin);
}

/// Acknowledges a 2xx whose session is ended at once.
void Agent::Engine::refuse(Dialog& dialog) {
    const calls::sdp::Origin origin{dialog.id.call, dialog.invite.seq, options.address};
    const bool offered = dialog.invite.sdp.empty() && !dialog.invite.peer_sdp.empty();
    send_ack(dialog, offered ? calls::sdp::refusing_answer(dialog.invite.peer_sdp, origin) : std::string());
}

void Agent::Engine::end(Dialog& dialog, calls::Cause why) {
    if (dialog.end.wanted) return;
    dialog.end.wanted = true;
    dialog.end.reason = reason_line(why);
    set_limit(dialog);
    if (dialog.caller.invite != nullptr && !dialog.confirmed) {
        turn_away(dialog, {480, {}, {}});
        return;
    }
    // RFC 3261, 15: whoever was called says BYE after the ACK only, or when it does not come.
    if (dialog.caller.unacknowledged) return;
    if (dialog.invite.request != nullptr && dialog.invite.status < 200) {
        cancel(dialog);
        // Its final response decides: 487, or a 2xx that crossed.
        if (!dialog.confirmed) return;
    } else if (dialog.invite.request != nullptr) {
        // A 2xx may not be left without ACK, nor a BYE overtake it.
        refuse(dialog);
    }
    send_bye(dialog);
}

/// Once the peer has said anything, be it 100 (RFC 3261, 9.1): until then this comes again. The stack would
/// wait, too, but it ends the program when a peer answers a CANCEL that is still held back. And it knows only
/// the connection that the INVITE went on.
void Agent::Engine::cancel(Dialog& dialog) {
    if (::nta_outgoing_status(dialog.invite.request) < 100 || std::exchange(dialog.invite.cancelled, true))
        return;
    if (dialog.invite.moved) {
        auto* invite = ::nta_outgoing_getrequest(dialog.invite.request);
        auto* sent = send_cancel(dialog, invited_dialog_state(::sip_object(invite)), nullptr);
        if (sent != nullptr) ::nta_outgoing_destroy(sent);
        ::msg_destroy(invite);
    } else {
        ::nta_outgoing_tcancel(dialog.invite.request, nullptr, nullptr,
                               TAG_IF(dialog.end.wanted, SIPTAG_HEADER_STR(dialog.end.reason.c_str())),
                               TAG_END());
    }
    note_sent(dialog, "CANCEL");
}

/// One that waits for the session timer's own is not sent at all.
void Agent::Engine::withdraw(Dialog& dialog) {
    if (std::exchange(dialog.life.deferred, std::nullopt)) {
        calls::event::Rejected rejected;
        rejected.status = 487;
        report(dialog, std::move(rejected));
        return;
    }
    const bool waits = dialog.confirmed && dialog.invite.request != nullptr && dialog.invite.status < 200;
    if (!waits || dialog.life.refreshing || dialog.end.wanted) return;
    dialog.invite.unwanted = true;
    cancel(dialog);
}

/// Their numbers count down from the last one, where no call's comes.
void Agent::Engine::hang_up_lost(const std::string& text) {
    const auto state = dialog_state_from(text);
    if (!state) return log.error("a lost call's dialog can't be read", {{"dialog", text}});
    const LegId id{std::numeric_limits<calls::CallNo>::max() - lost++, 0};
    auto& dialog = add_dialog(id);
    if (state->trusted || !options.proxy.empty()) take_credentials(dialog);
    dialog.confirmed = state->via.empty();
    dialog.leg = leg_of(agent, *state, on_request, &dialog);
    if (dialog.leg == nullptr) {
        log.error("a lost call's dialog can't be ended", {{"dialog", text}});
        finish(dialog, calls::event::Gone{});
        return;
    }
    if (dialog.confirmed)
        end(dialog, calls::Cause::aborted);
    else
        cancel_lost(dialog, *state);
}

/// The final response to the INVITE itself is on_stray's, where it comes to this server.
void Agent::Engine::cancel_lost(Dialog& dialog, const DialogState& state) {
    dialog.end.wanted = true;
    dialog.end.reason = reason_line(calls::Cause::aborted);
    set_limit(dialog);
    dialog.end.farewell = send_cancel(dialog, state, on_cancel_response);
    if (dialog.end.farewell == nullptr) finish(dialog, calls::event::Gone{});
}

nta_outgoing_t* Agent::Engine::send_cancel(Dialog& dialog, const DialogState& invited,
                                           nta_response_f* callback) {
    auto* seq = ::sip_cseq_create(nullptr, invited.cseq, SIP_METHOD_CANCEL);
    auto* flow = flows.find(dialog.flow);
    const auto& reason = dialog.end.reason;
    auto* sent = ::nta_outgoing_tcreate(
        dialog.leg, callback, &dialog, nullptr, SIP_METHOD_CANCEL, URL_STRING_MAKE(invited.target.c_str()),
        NTATAG_USER_VIA(1), SIPTAG_VIA_STR(invited.via.c_str()), SIPTAG_CSEQ(seq),
        TAG_IF(flow != nullptr, NTATAG_TPORT(flow)),
        TAG_IF(!invited.route.empty(), SIPTAG_ROUTE_STR(invited.route.c_str())),
        TAG_IF(!reason.empty(), SIPTAG_HEADER_STR(reason.c_str())), TAG_END());
    ::su_free(nullptr, seq);
    return sent;
}

void Agent::Engine::send_bye(Dialog& dialog) {
    // It is under way: a peer may leave several re-INVITEs without their ACKs, and each one's end comes here.
    if (dialog.end.farewell != nullptr) return;
    Request request;
    request.method = sip_method_bye;
    request.name = "BYE";
    request.headers = dialog.end.reason;
    dialog.end.farewell = send(dialog, request, on_bye_response);
    if (dialog.end.farewell == nullptr) finish(dialog, calls::event::Gone{});
}

void Agent::Engine::set_limit(Dialog& dialog) {
    dialog.end.limit = ::su_timer_create(::su_root_task(root),
                                         static_cast<su_duration_t>((ending_limit_t1 * options.t1).count()));
    if (dialog.end.limit != nullptr) ::su_timer_set(dialog.end.limit, on_limit, &dialog);
}

void Agent::Engine::responded(Dialog& dialog, int status, const sip_t* message) {
    if (status < 200 && dialog.invite.status >= 200) return;  // the final one overtook it on the way
    dialog.invite.status = status;
    if (status < 200) {
        if (status > 100 && !dialog.confirmed) send_prack(dialog, message);
        if (status > 100 && !dialog.end.wanted && !dialog.confirmed) {
            calls::event::Ringing ringing;
            ringing.status = status;
            ringing.sdp = body_of(message);
            if (!std::exchange(dialog.early.rang, true)) ringing.dialog = invited_dialog(dialog);
            report(dialog, std::move(ringing));
        }
        return;
    }
    if (status < 300 && message != nullptr) {
        accepted(dialog, message);
        return;
    }
    if (send_invite_again(dialog, status, message)) return;
    if (!dialog.confirmed) {
        calls::event::Refused refused;
        refused.status = status;
        finish(dialog, std::move(refused));
        return;
    }
    if (dialog.invite.request != nullptr)
        ::nta_outgoing_destroy(std::exchange(dialog.invite.request, nullptr));
    if (dialog.end.wanted) return;
    if (dialog.early.asking) {
        // It answered, but offers nothing: to the call it is as if it had refused.
        calls::event::Refused refused;
        refused.status = status;
        report(dialog, std::move(refused));
        dialog.end.told = true;
        end(dialog, calls::Cause::aborted);
        return;
    }
    if (dialog.life.refreshing) {
        refresh_refused(dialog, status, message);
        return;
    }
    calls::event::Rejected rejected;
    rejected.status = status;
    report(dialog, std::move(rejected));
}

/// A leg for the dialog of another telephone than the one whose tag the leg has: the stack gives a leg no
/// other tag. The leg itself when there can be none.
nta_leg_t* Agent::Engine::forked_leg(Dialog& dialog, const sip_t* message) {
    auto* seq =
        ::sip_cseq_create(nullptr, ::nta_leg_get_seq(dialog.leg) + dialog.early.forked, SIP_METHOD_INVITE);
    auto* leg = ::nta_leg_tcreate(agent, on_request, &dialog, SIPTAG_CALL_ID(message->sip_call_id),
                                  SIPTAG_FROM(message->sip_from), SIPTAG_TO(message->sip_to),
                                  SIPTAG_CSEQ(seq), TAG_END());
    ::su_free(nullptr, seq);
    return leg != nullptr ? leg : dialog.leg;
}

/// Behind a proxy that forks, another telephone may answer than the one that rang reliably.
void Agent::Engine::take_tag(Dialog& dialog, const sip_t* message) {
    const auto* tag = message->sip_to->a_tag;
    if (!is_anothers(dialog.leg, tag)) {
        ::nta_leg_rtag(dialog.leg, tag);
        return;
    }
    auto* leg = forked_leg(dialog, message);
    if (leg != dialog.leg) ::nta_leg_destroy(std::exchange(dialog.leg, leg));
}

void Agent::Engine::accepted(Dialog& dialog, const sip_t* message) {
    const bool first = !dialog.confirmed;
    if (first) {
        take_tag(dialog, message);
        dialog.confirmed = true;
    }
    ::nta_leg_client_reroute(dialog.leg, message->sip_record_route, message->sip_contact, first);
    dialog.invite.peer_sdp = body_of(message);
    dialog.challenges = 0;
    if (!dialog.invite.sdp.empty()) dialog.our_sdp = dialog.invite.sdp;
    if (message->sip_allow != nullptr)
        dialog.life.takes_update = ::sip_is_allowed(message->sip_allow, SIP_METHOD_UPDATE) != 0;
    dialog.life.session.agree(session_expires_of(message));
    watch(dialog);
    if (dialog.life.refreshing && !dialog.end.wanted) {
        dialog.life.refreshing = false;
        send_ack(dialog, {});
        if (const auto next = std::exchange(dialog.life.deferred, std::nullopt)) send_invite(dialog, *next);
        return;
    }
    if (!dialog.end.wanted && first && dialog.early.silenced) {
        send_ack(dialog, {});
        dialog.early.asking = true;
        send_invite(dialog, {});
        return;
    }
    dialog.early.asking = false;
    if (!dialog.end.wanted) {
        calls::event::Answered answered;
        answered.sdp = dialog.invite.peer_sdp;
        auto state = dialog_state_of(message);
        state.trusted = dialog.auth != nullptr;
        answered.dialog = to_string(state);
        report(dialog, std::move(answered));
        return;
    }
    // It crossed our CANCEL, or our BYE.
    refuse(dialog);
    if (first) send_bye(dialog);
}

}  // namespace sip
