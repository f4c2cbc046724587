// What peers ask inside dialogs, and what is asked of them on another leg's behalf.
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>

namespace sip {
namespace {

int on_relay_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    const int status = message != nullptr ? message->sip_status->st_status : 408;
    if (status < 200) return 0;
    return guarded(dialog, [&] {
        const auto found = dialog->relayed.find(request);
        if (dialog->end.over || found == dialog->relayed.end()) return 0;
        auto& engine = *dialog->engine;
        engine.note_response(*dialog, found->second.request.name, status, message);
        if (engine.take_challenge(*dialog, status, message)) {
            auto again = std::move(found->second);
            dialog->relayed.erase(found);
            nta_outgoing_destroy(request);
            engine.relay(*dialog, std::move(again));
            return 0;
        }
        if (found->second.request.method == sip_method_update && status < 300 && message != nullptr) {
            dialog->our_sdp = found->second.request.body.text;
            engine.updated(*dialog, message);
        }
        calls::event::Replied replied;
        replied.ticket = found->second.ticket;
        replied.status = status;
        if (message != nullptr) replied.body = {type_of(message), body_of(message)};
        dialog->relayed.erase(found);
        nta_outgoing_destroy(request);
        dialog->engine->report(*dialog, std::move(replied));
        return 0;
    });
}

/// The header lines of a 2xx to a peer's INVITE or UPDATE.
std::string session_answer(Dialog& dialog, nta_incoming_t* request) {
    auto* copy = ::nta_incoming_getrequest(request);
    const auto* message = ::sip_object(copy);
    auto lines = dialog.life.session.answer_lines(session_expires_of(message),
                                                  ::sip_has_feature(message->sip_supported, "timer") != 0);
    ::msg_destroy(copy);
    return lines;
}

}  // namespace

int on_incoming(Dialog* dialog, nta_incoming_t* request, const sip_t* message) {
    if (dialog->end.over) return 0;
    return guarded(dialog, [&] {
        Ticket ticket = 0;
        std::erase_if(dialog->asked, [&](const auto& entry) {
            if (entry.second == request) ticket = entry.first;
            return entry.second == request;
        });
        const bool cancelled = message != nullptr && message->sip_request->rq_method == sip_method_cancel;
        const bool first = request == dialog->caller.invite;
        if (first) dialog->caller.invite = nullptr;
        if (message != nullptr)
            dialog->engine->note_received(*dialog, std::string(message->sip_request->rq_method_name) +
                                                       (body_of(message).empty() ? "" : " with sdp"));
        dialog->caller.unacknowledged = false;
        calls::event::Acknowledged acknowledged;
        acknowledged.sdp = body_of(message);
        if (cancelled)
            surely(request, [&] { ::nta_incoming_treply(request, SIP_487_REQUEST_CANCELLED, TAG_END()); });
        ::nta_incoming_destroy(request);
        if (cancelled) {
            // Both are answered.
            if (first)
                dialog->engine->finish(*dialog, calls::event::HungUp{});
            else
                dialog->engine->report(*dialog, calls::event::Withdrawn{.ticket = ticket});
        } else if (dialog->end.wanted) {
            dialog->engine->send_bye(*dialog);
        } else if (message == nullptr) {
            dialog->engine->lose(*dialog);
        } else {
            dialog->engine->report(*dialog, std::move(acknowledged));
        }
        return 0;
    });
}

int on_request(Dialog* dialog, nta_leg_t* /*leg*/, nta_incoming_t* request, const sip_t* message) {
    if (dialog->end.over) return 481;
    return guarded(dialog, [&] {
        dialog->engine->note_received(*dialog, std::string(message->sip_request->rq_method_name) +
                                                   (body_of(message).empty() ? "" : " with sdp"));
        auto& engine = *dialog->engine;
        const int status = engine.requested(*dialog, request, message);
        if (status == 0) return 0;
        surely(request, [&] {
            ::nta_incoming_treply(request, status, ::sip_status_phrase(status),
                                  SIPTAG_ALLOW(engine.common.allow),
                                  TAG_IF(status == 415, SIPTAG_ACCEPT_STR(sdp_type)), TAG_END());
        });
        engine.note_sent(*dialog, std::to_string(status) + " (" + message->sip_request->rq_method_name + ')');
        return done_with(request);
    });
}

void Agent::Engine::send_relay(Dialog& dialog, Ticket ticket, Method method, const Body& body) {
    const bool update = method == Method::update;
    Dialog::Relayed relayed{ticket, {}};
    relayed.request.method = update ? sip_method_update : sip_method_info;
    relayed.request.name = update ? "UPDATE" : "INFO";
    relayed.request.body = body;
    relayed.request.contact = update;
    if (update) relayed.request.timer = dialog.life.session.request();
    relay(dialog, std::move(relayed));
}

void Agent::Engine::relay(Dialog& dialog, Dialog::Relayed relayed) {
    if (auto* request = send(dialog, relayed.request, on_relay_response)) {
        dialog.relayed[request] = std::move(relayed);
        return;
    }
    calls::event::Replied replied;
    replied.ticket = relayed.ticket;
    replied.status = 500;
    report(dialog, std::move(replied));
}

void Agent::Engine::send_answer(Dialog& dialog, Ticket ticket, int status, const Body& body) {
    const auto found = dialog.asked.find(ticket);
    if (found == dialog.asked.end()) return;
    auto* request = found->second;
    const auto kind = ::nta_incoming_method(request);
    // An INFO says nothing of the session.
    const bool agreed = status >= 200 && status < 300 && kind != sip_method_info;
    const auto headers = agreed ? session_answer(dialog, request) : std::string();
    const auto send = [&] {
        ::nta_incoming_treply(request, status, ::sip_status_phrase(status),
                              TAG_IF(status < 300, SIPTAG_CONTACT(common.contact)),
                              SIPTAG_ALLOW(common.allow),
                              TAG_IF(!headers.empty(), SIPTAG_HEADER_STR(headers.c_str())),
                              TAG_IF(!body.text.empty(), SIPTAG_CONTENT_TYPE_STR(body.type.c_str())),
                              TAG_IF(!body.text.empty(), SIPTAG_PAYLOAD_STR(body.text.c_str())), TAG_END());
    };
    // For a caller's PRACK the stack waits before it sends a 2xx.
    if (status < 200 || dialog.caller.pracks)
        send();
    else
        surely(request, send);
    note_sent(dialog, std::to_string(status) + (body.text.empty() ? "" : " with a body"));
    if (status < 200) return;
    if (agreed && !body.text.empty()) dialog.our_sdp = body.text;
    if (agreed) watch(dialog);
    // A 2xx to an INVITE waits for its ACK.
    if (agreed && kind == sip_method_invite) {
        dialog.caller.unacknowledged = true;
        dialog.confirmed = true;
        return;
    }
    ::nta_incoming_destroy(request);
    dialog.asked.erase(found);
}

int Agent::Engine::requested(Dialog& dialog, nta_incoming_t* request, const sip_t* message) {
    auto method = Method::info;
    const auto kind = message->sip_request->rq_method;
    const bool of_session = kind == sip_method_invite || kind == sip_method_update;
    if (of_session && dialog.life.session.too_small(session_expires_of(message))) {
        const auto least = dialog.life.session.least_line() + "\r\n";
        ::nta_incoming_treply(request, SIP_422_SESSION_TIMER_TOO_SMALL, SIPTAG_HEADER_STR(least.c_str()),
                              TAG_END());
        return done_with(request);
    }
    if (of_session && !body_of(message).empty() && !is_sdp(message)) return 415;
    switch (kind) {
        case sip_method_bye:
            ::nta_incoming_treply(request, SIP_200_OK, TAG_END());
            ::nta_incoming_destroy(request);
            finish(dialog, calls::event::HungUp{});
            return 0;
        case sip_method_ack:
            return done_with(request);
        case sip_method_options:
            return 200;
        case sip_method_prack:
        case sip_method_cancel:
            // The stack takes those that acknowledge, or cancel, something.
            return 481;
        case sip_method_info:
            break;
        case sip_method_invite:
            if (dialog.life.refreshing) return 491;
            method = Method::reinvite;
            ::nta_incoming_bind(request, on_incoming, &dialog);
            ::nta_incoming_treply(request, SIP_100_TRYING, TAG_END());
            break;
        case sip_method_update:
            // Without a description it only says that the session lives (RFC 4028).
            if (body_of(message).empty()) {
                const auto headers = session_answer(dialog, request);
                ::nta_leg_server_route(dialog.leg, nullptr, message->sip_contact);
                follow(dialog, request, message);
                ::nta_incoming_treply(request, SIP_200_OK, SIPTAG_CONTACT(common.contact),
                                      TAG_IF(!headers.empty(), SIPTAG_HEADER_STR(headers.c_str())),
                                      TAG_END());
                watch(dialog);
                return done_with(request);
            }
            method = Method::update;
            break;
        default:
            return 405;
    }
    if (dialog.end.wanted) return 481;
    if (method != Method::info) {
        ::nta_leg_server_route(dialog.leg, nullptr, message->sip_contact);
        follow(dialog, request, message);
    }
    calls::event::Requested asked;
    asked.ticket = ++last_ticket;
    asked.method = method;
    asked.body = {type_of(message), body_of(message)};
    dialog.asked[asked.ticket] = request;
    report(dialog, std::move(asked));
    return 0;
}

}  // namespace sip
