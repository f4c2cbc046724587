// Responses to requests that have no transaction any more: the peer must stop repeating them, and no call
// may be left that only the peer believes in.
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/sip_header.h>
#include <strings.h>

#include <string_view>

namespace sip {
namespace {

std::string_view text_or_none(const char* text) { return text != nullptr ? text : std::string_view(); }

/// Whether a request, or a response's, came from this address: others' responses are nobody's business here.
bool bears_our_via(nta_agent_t* agent, const sip_t* message) {
    const auto* theirs = message->sip_via;
    if (theirs == nullptr || theirs->v_next != nullptr || theirs->v_branch == nullptr) return false;
    for (const auto* ours = ::nta_agent_via(agent); ours != nullptr; ours = ours->v_next) {
        const bool same_port = text_or_none(ours->v_port) == text_or_none(theirs->v_port);
        if (same_port && ::strcasecmp(ours->v_host, theirs->v_host) == 0) return true;
    }
    return false;
}

/// The ACK of a refusal goes where that came from (RFC 3261, 17.1.1.3); its Request-URI is not known any
/// more.
void acknowledge_refusal(nta_agent_t* agent, msg_t* message, const sip_t* response) {
    auto* ack = ::nta_msg_create(agent, 0);
    auto* home = msg_home(ack);  // a macro
    auto* request = ::sip_request_create(
        home, SIP_METHOD_ACK, reinterpret_cast<const url_string_t*>(response->sip_to->a_url), nullptr);
    auto* seq = ::sip_cseq_create(home, response->sip_cseq->cs_seq, SIP_METHOD_ACK);
    ::sip_add_tl(ack, ::sip_object(ack), SIPTAG_REQUEST(request), SIPTAG_CSEQ(seq),
                 SIPTAG_TO(response->sip_to), SIPTAG_FROM(response->sip_from),
                 SIPTAG_CALL_ID(response->sip_call_id), TAG_END());
    const auto source = source_url(message, response->sip_via->v_protocol);
    auto* sent = ::nta_outgoing_mcreate(agent, nullptr, nullptr, URL_STRING_MAKE(source.c_str()), ack,
                                        NTATAG_BRANCH_KEY(response->sip_via->v_branch),
                                        NTATAG_ACK_BRANCH(response->sip_via->v_branch), NTATAG_STATELESS(1),
                                        TAG_END());
    if (sent != nullptr) ::nta_outgoing_destroy(sent);
}

}  // namespace

void acknowledge_cancelled(nta_agent_t* agent, nta_outgoing_t* cancel, const sip_t* answer) {
    auto* cancelled = ::nta_outgoing_getrequest(cancel);
    const auto* like = ::sip_object(cancelled);
    if (!bears_our_via(agent, like)) {
        auto* ack = ::nta_msg_create(agent, 0);
        auto* home = msg_home(ack);  // a macro
        auto* request = ::sip_request_create(
            home, SIP_METHOD_ACK, reinterpret_cast<const url_string_t*>(like->sip_request->rq_url), nullptr);
        auto* seq = ::sip_cseq_create(home, like->sip_cseq->cs_seq, SIP_METHOD_ACK);
        ::sip_add_tl(ack, ::sip_object(ack), SIPTAG_REQUEST(request), SIPTAG_VIA(like->sip_via),
                     SIPTAG_ROUTE(like->sip_route), SIPTAG_CSEQ(seq), SIPTAG_TO(answer->sip_to),
                     SIPTAG_FROM(like->sip_from), SIPTAG_CALL_ID(like->sip_call_id), TAG_END());
        auto* sent = ::nta_outgoing_mcreate(agent, nullptr, nullptr, nullptr, ack, NTATAG_USER_VIA(1),
                                            NTATAG_ACK_BRANCH(like->sip_via->v_branch), NTATAG_STATELESS(1),
                                            TAG_END());
        if (sent != nullptr) ::nta_outgoing_destroy(sent);
    }
    ::msg_destroy(cancelled);
}

int on_stray(nta_agent_magic_t* magic, nta_agent_t* agent, msg_t* message, sip_t* parsed) {
    auto& engine = *reinterpret_cast<Agent::Engine*>(magic);
    const auto* status = parsed->sip_status;
    const bool answer = status != nullptr && status->st_status >= 200 && parsed->sip_cseq != nullptr &&
                        parsed->sip_cseq->cs_method == sip_method_invite && bears_our_via(agent, parsed);
    if (answer && status->st_status < 300) {
        if (!engine.repeat_ack(parsed)) return ::nta_msg_ackbye(agent, message);
    } else if (answer) {
        acknowledge_refusal(agent, message, parsed);
    }
    ::nta_msg_discard(agent, message);
    return 0;
}

}  // namespace sip
