// Requests outside every dialog: calls to somebody and registrations, read and handed over.
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/tport.h>

#include <algorithm>
#include <charconv>

namespace sip {
namespace {

/// What callers may require. The stack itself sends 18x reliably to whoever requires 100rel (RFC 3262).
constexpr auto supported_extensions = "timer, 100rel";

/// Later than 64, when a transaction is over, nothing is repeated any more.
constexpr int never_t1 = 128;

/// Our requests in a caller's dialog are numbered from here on, whatever the time, for a later server to go
/// on (called_dialog_state).
constexpr auto first_cseq = "1 OPTIONS";

constexpr int max_forwards_default = 70;  // RFC 3261, 8.1.1.6
constexpr unsigned long hops_max = 255;   // RFC 3261, 20.22: no header says more

std::optional<std::chrono::seconds> seconds_of(const char* text) {
    if (text == nullptr) return std::nullopt;
    const std::string_view digits(text);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // RFC 3261, 20.19: what can't be read counts as an hour.
    constexpr std::chrono::seconds unreadable{3600};
    if (error != std::errc() || end != digits.data() + digits.size()) return unreadable;
    return std::chrono::seconds(value);
}

/// `0.7` as 700; everything that is no q-value counts as 1.
int thousandths(const char* text) {
    constexpr int whole = 1000;
    if (text == nullptr || *text != '0') return whole;
    int value = 0, unit = 100;
    if (text[1] != '.') return text[1] == '\0' ? 0 : whole;
    for (const char* digit = text + 2; *digit >= '0' && *digit <= '9' && unit > 0; ++digit, unit /= 10)
        value += (*digit - '0') * unit;
    return value;
}

calls::IncomingRegister::Contact contact_of(const sip_contact_t* contact) {
    calls::IncomingRegister::Contact result;
    result.uri = text_of(contact->m_url);
    result.q = thousandths(contact->m_q);
    result.expires = seconds_of(contact->m_expires);
    return result;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\r\n";
    return text;
}

void reply(nta_incoming_t* request, const calls::Response& response, const sip_allow_t* allow) {
    const auto headers = joined(response.headers);
    const auto* phrase =
        response.reason.empty() ? ::sip_status_phrase(response.status) : response.reason.c_str();
    surely(request, [&] {
        ::nta_incoming_treply(request, response.status, phrase, SIPTAG_ALLOW(allow),
                              TAG_IF(!headers.empty(), SIPTAG_HEADER_STR(headers.c_str())), TAG_END());
    });
}

}  // namespace

/// A refusal is not repeated that is all that an INVITE is told, or somebody else's address in a Via would
/// have it a dozen times (RFC 3261, 26.3.2.4). Where it gets lost, the INVITE is repeated.
void Agent::Engine::reply_once(nta_incoming_t* request, const calls::Response& response) const {
    const bool once =
        ::nta_incoming_method(request) == sip_method_invite && ::nta_incoming_status(request) < 100;
    if (once) set_t1(never_t1 * options.t1);
    reply(request, response, common.allow);
    if (once) set_t1(options.t1);
    ::nta_incoming_destroy(request);
}

int Agent::Engine::stranger(nta_incoming_t* request, const sip_t* message) {
    if (message->sip_request->rq_method == sip_method_ack) return done_with(request);
    const int status = take_over(request, message);
    if (status != 0) reply_once(request, {status, {}, {}});
    return 0;
}

/// 420: it demands what we do not know, and has been told so, if that could be sent.
int Agent::Engine::check_required(nta_incoming_t* request, const sip_t* message) const {
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* supported = ::sip_supported_make(home, supported_extensions);
    set_t1(never_t1 * options.t1);  // as reply_once
    const int refused = ::nta_check_required(request, message, supported, TAG_END());
    set_t1(options.t1);
    ::su_home_deinit(home);
    return refused;
}

/// 0: it is answered, or will be.
int Agent::Engine::take_over(nta_incoming_t* request, const sip_t* message) {
    const auto method = message->sip_request->rq_method;
    // Of a dialog that is not here any more: a peer that asks for a sign of life must not take it for one.
    if (message->sip_to->a_tag != nullptr) return 481;
    if (method != sip_method_invite && method != sip_method_register) return answer_to_stranger(message);
    if (reception == nullptr || (method == sip_method_invite && lag() > options.lag_limit)) return 503;
    const int refused = message->sip_require != nullptr ? check_required(request, message) : 0;
    if (refused != 0) return ::nta_incoming_status(request) < 200 ? refused : done_with(request);
    return method == sip_method_invite ? called(request, message) : register_request(request, message);
}

int Agent::Engine::called(nta_incoming_t* request, const sip_t* message) {
    const auto* forwards = message->sip_max_forwards;
    if (forwards != nullptr && forwards->mf_count == 0) return 483;
    if (!body_of(message).empty() && !is_sdp(message)) {
        reply_once(request, {415, {}, {std::string("Accept: ") + sdp_type}});
        return 0;
    }
    if (privacy_impossible(message)) return 500;
    const SessionTimer timer(options.session_expires, options.session_least);
    if (timer.too_small(session_expires_of(message))) {
        reply_once(request, {422, {}, {timer.least_line()}});
        return 0;
    }
    const LegId id{next_call++, 0};
    auto& dialog = add_dialog(id);
    dialog.leg = ::nta_leg_tcreate(agent, on_request, &dialog, SIPTAG_CALL_ID(message->sip_call_id),
                                   SIPTAG_FROM(message->sip_to), SIPTAG_TO(message->sip_from),
                                   NTATAG_REMOTE_CSEQ(message->sip_cseq->cs_seq), SIPTAG_CSEQ_STR(first_cseq),
                                   TAG_END());
    if (dialog.leg == nullptr) {
        dialogs.erase(id);
        count_legs();
        return 400;
    }
    if (!options.proxy.empty()) take_credentials(dialog);
    ::nta_leg_tag(dialog.leg, ::nta_incoming_tag(request, nullptr));
    ::nta_leg_server_route(dialog.leg, message->sip_record_route, message->sip_contact);
    follow(dialog, request, message);
    dialog.life.takes_update =
        message->sip_allow != nullptr && ::sip_is_allowed(message->sip_allow, SIP_METHOD_UPDATE) != 0;
    dialog.caller.pracks = ::sip_has_feature(message->sip_require, "100rel") != 0;
    // The stack says 100 when nothing else was said for 200 ms.
    ::nta_incoming_bind(request, on_incoming, &dialog);
    dialog.caller.invite = request;
    calls::IncomingCall call;
    call.call = id.call;
    call.ticket = ++last_ticket;
    dialog.asked[call.ticket] = request;
    call.sender = sender_of(request, message);
    call.target = text_of(message->sip_request->rq_url);
    call.to = text_of(message->sip_to->a_url);
    const auto* route = message->sip_route;
    if (route != nullptr && route->r_url->url_user != nullptr) call.route = route->r_url->url_user;
    call.sdp = body_of(message);
    call.max_forwards =
        forwards != nullptr ? static_cast<int>(std::min(forwards->mf_count, hops_max)) : max_forwards_default;
    call.dialog = to_string(called_dialog_state(message, ::nta_leg_get_tag(dialog.leg)));
    reception->called(std::move(call));
    return 0;
}

/// The number of the connection that a request came on; 0: it came by UDP.
std::uint64_t Agent::Engine::flow_of(nta_incoming_t* request) {
    auto* copy = ::nta_incoming_getrequest(request);
    auto* connection = ::nta_incoming_transport(agent, request, copy);
    ::msg_destroy(copy);
    if (connection == nullptr) return 0;
    if (::tport_is_stream(connection) != 0) return flows.keep(connection);
    ::tport_unref(connection);
    return 0;
}

/// A phone behind NAT is reached on its own connection only, the last one that it spoke on: what its Contact
/// says nobody can connect to. Who comes by a proxy is reached by the routes that this one gave.
void Agent::Engine::follow(Dialog& dialog, nta_incoming_t* request, const sip_t* message) {
    const bool direct = message->sip_via != nullptr && message->sip_via->v_next == nullptr;
    dialog.flow = direct ? flow_of(request) : 0;
}

/// The connection that it was on may look open for long: behind NAT nobody says that it is not.
void Agent::Engine::move(const std::vector<std::uint64_t>& left, std::uint64_t flow) {
    for (const auto& [id, dialog] : dialogs) {
        if (std::ranges::find(left, dialog->flow) == left.end()) continue;
        dialog->flow = flow;
        dialog->invite.moved = dialog->invite.by_flow;
    }
}

int Agent::Engine::register_request(nta_incoming_t* request, const sip_t* message) {
    calls::IncomingRegister registration;
    registration.ticket = ++last_ticket;
    registration.sender = sender_of(request, message);
    registration.address = text_of(message->sip_to->a_url);
    registration.call_id = message->sip_call_id->i_id;
    registration.cseq = message->sip_cseq->cs_seq;
    for (const auto* each = message->sip_contact; each != nullptr; each = each->m_next) {
        if (each->m_url->url_type == url_any)
            registration.every_contact = true;
        else
            registration.contacts.push_back(contact_of(each));
    }
    if (message->sip_expires != nullptr)
        registration.expires = std::chrono::seconds(message->sip_expires->ex_delta);
    registration.path = path_of(message);
    registration.path_supported = ::sip_has_supported(message->sip_supported, "path") != 0;
    if (registration.path.empty()) registration.flow = flow_of(request);
    registering[registration.ticket] = request;
    reception->registering(std::move(registration));
    return 0;
}

void Agent::Engine::respond(Ticket ticket, const calls::Response& response) {
    const auto found = registering.find(ticket);
    if (found == registering.end()) return;
    reply(found->second, response, common.allow);
    ::nta_incoming_destroy(found->second);
    registering.erase(found);
}

void Agent::Engine::turn_away(Dialog& dialog, const calls::Response& response) {
    if (dialog.caller.invite == nullptr || dialog.confirmed) return;
    auto* request = std::exchange(dialog.caller.invite, nullptr);
    std::erase_if(dialog.asked, [&](const auto& entry) { return entry.second == request; });
    reply_once(request, response);
    note_sent(dialog, std::to_string(response.status));
    finish(dialog, calls::event::Gone{});
}

}  // namespace sip
