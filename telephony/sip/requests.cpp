// Requests of ours as they go out, with credentials where somebody asked for them; and what a trace sees.
#include "telephony/calls/live_call.hpp"
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>

#include <array>

namespace sip {
namespace {

/// In a row: one of a proxy's, one of the gateway's behind it. A wrong password is not tried again and again.
constexpr int challenges_max = 2;

/// The session timer's headers of one request.
struct TimerHeaders {
    explicit TimerHeaders(const TimerRequest& request) {
        ::sip_session_expires_init(expires);
        ::sip_min_se_init(least);
        least->min_delta = static_cast<unsigned long>(request.least.count());
        if (!request.expires) return;
        expires->x_delta = static_cast<unsigned long>(request.expires->interval.count());
        if (!request.expires->caller_refreshes) return;
        parameters[0] = *request.expires->caller_refreshes ? "refresher=uac" : "refresher=uas";
        expires->x_params = parameters.data();
    }
    TimerHeaders(const TimerHeaders&) = delete;
    TimerHeaders& operator=(const TimerHeaders&) = delete;

    sip_session_expires_t expires[1];
    sip_min_se_t least[1];
    std::array<msg_param_t, 2> parameters{};  // null-terminated
};

/// Where the dialog's requests go; null: nowhere yet.
const url_t* remote_target(nta_leg_t* leg) {
    const sip_route_t* route = nullptr;
    const sip_contact_t* contact = nullptr;
    ::nta_leg_get_route(leg, &route, &contact);
    return contact != nullptr ? contact->m_url : nullptr;
}

}  // namespace

Dialog& Agent::Engine::add_dialog(LegId id) {
    auto& dialog = *(dialogs[id] = std::make_unique<Dialog>());
    count_legs();
    dialog.engine = this;
    dialog.id = id;
    dialog.life.session = SessionTimer(options.session_expires, options.session_least);
    dialog.life.heard = calls::now();
    return dialog;
}

nta_outgoing_t* Agent::Engine::send(Dialog& dialog, const Request& request, nta_response_f* callback) {
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const bool first = request.method == sip_method_invite && !dialog.confirmed;
    const auto* target = first ? dialog.invite.target.c_str() : nullptr;
    const msg_header_u* credentials = nullptr;
    if (dialog.auth) {
        const auto* uri = first ? ::url_make(home, target) : remote_target(dialog.leg);
        if (uri != nullptr) credentials = dialog.auth->headers(home, request.name, uri);
    }
    auto* flow = flows.find(dialog.flow);
    sip_max_forwards_t forwards[1];
    ::sip_max_forwards_init(forwards);
    forwards->mf_count = static_cast<unsigned long>(dialog.invite.way.max_forwards);
    const TimerHeaders timer(request.timer.value_or(TimerRequest{}));
    const bool timed = request.timer && request.timer->expires;
    const auto& body = request.body;
    const bool sdp = body.type == sdp_type;
    auto* sent = ::nta_outgoing_tcreate(
        dialog.leg, callback, &dialog, nullptr, request.method, request.name, URL_STRING_MAKE(target),
        TAG_IF(request.contact, SIPTAG_CONTACT(common.contact)),
        TAG_IF(request.contact, SIPTAG_ALLOW(common.allow)), TAG_IF(first, SIPTAG_MAX_FORWARDS(forwards)),
        TAG_IF(first && !dialog.invite.way.route.empty(), SIPTAG_ROUTE_STR(dialog.invite.way.route.c_str())),
        TAG_IF(flow != nullptr, NTATAG_TPORT(flow)),
        TAG_IF(credentials != nullptr, SIPTAG_HEADER(reinterpret_cast<const sip_header_t*>(credentials))),
        TAG_IF(request.timer, SIPTAG_SUPPORTED(common.timer)),
        TAG_IF(request.method == sip_method_invite, NTATAG_PASS_100(1)),
        TAG_IF(timed, SIPTAG_SESSION_EXPIRES(timer.expires)), TAG_IF(timed, SIPTAG_MIN_SE(timer.least)),
        TAG_IF(!request.headers.empty(), SIPTAG_HEADER_STR(request.headers.c_str())),
        TAG_IF(sdp, SIPTAG_CONTENT_TYPE(common.sdp)),
        TAG_IF(!sdp && !body.text.empty(), SIPTAG_CONTENT_TYPE_STR(body.type.c_str())),
        TAG_IF(!body.text.empty(), SIPTAG_PAYLOAD_STR(body.text.c_str())), TAG_END());
    ::su_home_deinit(home);
    note_sent(dialog, std::string(request.name) + (first ? ' ' + dialog.invite.target : "") +
                          (body.text.empty() ? "" : " with a body"));
    return sent;
}

bool Agent::Engine::take_challenge(Dialog& dialog, int status, const sip_t* message) {
    if (status != 401 && status != 407) {
        dialog.challenges = 0;
        return false;
    }
    if (!dialog.auth || ++dialog.challenges > challenges_max) return false;
    return dialog.auth->challenged(message);
}

void Agent::Engine::note_sent(const Dialog& dialog, const std::string& text) const {
    if (trace) trace(dialog.id.call, {dialog.id.leg, calls::now(), true, text});
}

void Agent::Engine::note_received(Dialog& dialog, const std::string& text) const {
    dialog.life.heard = calls::now();
    dialog.life.unreached = 0;
    if (trace) trace(dialog.id.call, {dialog.id.leg, dialog.life.heard, false, text});
}

void Agent::Engine::note_response(Dialog& dialog, const char* method, int status,
                                  const sip_t* message) const {
    const auto of = std::string(" (") + method + ')';
    const auto note = [&](const std::string& text) {
        if (trace) trace(dialog.id.call, {dialog.id.leg, calls::now(), false, text});
    };
    // Nobody's words: the stack's own, for want of others.
    if (message == nullptr || ::nta_sip_is_internal(message) != 0)
        return note("no response, as if " + std::to_string(status) + of);
    const auto* phrase = message->sip_status->st_phrase;
    const auto text = std::to_string(status) + ' ' + (phrase != nullptr ? phrase : "") + of +
                      (body_of(message).empty() ? "" : " with a body");
    if (status == flow_failed) return note(text);
    note_received(dialog, text);
}

}  // namespace sip
