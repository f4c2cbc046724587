// The ACK of a 2xx to our INVITEs, which goes out again as often as the 2xx does (RFC 3261, 13.2.2.4).
// sofia-sip would do that, and keep a transaction with its messages for half a minute, 5 kB for each of the
// three ACKs of a call's set-up. What an ACK says is kept here instead.
#include "telephony/calls/live_call.hpp"
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/sip_header.h>

namespace sip {
namespace {

/// 64*T1 (RFC 3261, 13.3.1.4): as long a 2xx is repeated.
constexpr std::chrono::seconds repeats_max{32};

}  // namespace

void Agent::Engine::send_ack(Dialog& dialog, const std::string& sdp) {
    if (dialog.invite.request == nullptr || dialog.invite.status < 200 || dialog.invite.status >= 300) return;
    // The INVITE's own number: an UPDATE may have moved the leg's. And its credentials (RFC 3261, 22.1).
    auto* invite = ::nta_outgoing_getrequest(dialog.invite.request);
    Dialog::Acknowledgement ack{dialog.invite.seq, sdp, credential_lines(::sip_object(invite)), calls::now()};
    ::msg_destroy(invite);
    acknowledge(dialog, ack);
    if (!sdp.empty()) dialog.our_sdp = sdp;
    std::erase_if(dialog.acknowledged,
                  [&](const auto& old) { return ack.sent.steady - old.sent.steady > repeats_max; });
    dialog.acknowledged.push_back(std::move(ack));
    ::nta_outgoing_destroy(std::exchange(dialog.invite.request, nullptr));
}

void Agent::Engine::acknowledge(const Dialog& dialog, const Dialog::Acknowledgement& ack) const {
    auto* seq = ::sip_cseq_create(nullptr, ack.seq, SIP_METHOD_ACK);
    // The same each time, or a peer would take what is repeated for something new.
    const auto* tag = ::nta_leg_get_tag(dialog.leg);
    const auto branch = "z9hG4bK" + std::string(tag != nullptr ? tag : "") + '.' + std::to_string(ack.seq);
    auto* flow = flows.find(dialog.flow);
    auto* sent = ::nta_outgoing_tcreate(
        dialog.leg, nullptr, nullptr, nullptr, SIP_METHOD_ACK, nullptr, NTATAG_STATELESS(1),
        NTATAG_BRANCH_KEY(branch.c_str()), SIPTAG_CSEQ(seq), TAG_IF(flow != nullptr, NTATAG_TPORT(flow)),
        TAG_IF(!ack.credentials.empty(), SIPTAG_HEADER_STR(ack.credentials.c_str())),
        TAG_IF(!ack.sdp.empty(), SIPTAG_CONTENT_TYPE(common.sdp)),
        TAG_IF(!ack.sdp.empty(), SIPTAG_PAYLOAD_STR(ack.sdp.c_str())), TAG_END());
    ::su_free(nullptr, seq);
    if (sent != nullptr) ::nta_outgoing_destroy(sent);
    note_sent(dialog, ack.sdp.empty() ? "ACK" : "ACK with a body");
}

bool Agent::Engine::repeat_ack(const sip_t* answer) {
    const auto* to = answer->sip_to;
    const auto* from = answer->sip_from;
    auto* leg = ::nta_leg_by_dialog(agent, nullptr, answer->sip_call_id, to->a_tag, to->a_url, from->a_tag,
                                    from->a_url);
    auto* dialog = leg != nullptr ? ::nta_leg_magic(leg, on_request) : nullptr;
    if (dialog == nullptr) return false;
    guarded(dialog, [&] {
        note_response(*dialog, "INVITE", answer->sip_status->st_status, answer);
        for (const auto& ack : dialog->acknowledged) {
            if (ack.seq != answer->sip_cseq->cs_seq) continue;
            acknowledge(*dialog, ack);
            break;
        }
        return 0;
    });
    return true;
}

}  // namespace sip
