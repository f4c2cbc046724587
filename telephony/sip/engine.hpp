// What runs in the SIP thread: dialogs, their requests and responses. Internal to telephony/sip.
#pragma once

#include "telephony/calls/sdp.hpp"
#include "telephony/sip/agent.hpp"
#include "telephony/sip/flows.hpp"
#include "telephony/sip/leg_count.hpp"

namespace sip {
struct Dialog;
struct Root;
}  // namespace sip
// sofia-sip's callbacks get these for void pointers; nothing may include nta.h before.
#define NTA_LEG_MAGIC_T sip::Dialog
#define NTA_OUTGOING_MAGIC_T sip::Dialog
#define NTA_INCOMING_MAGIC_T sip::Dialog
#define SU_ROOT_MAGIC_T sip::Root
#include <sofia-sip/nta.h>
#include <sofia-sip/su_wait.h>

#include <exception>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sip {

using calls::Body;
using calls::LegId;
using calls::Method;
using calls::Ticket;

inline constexpr auto allowed_methods = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";

/// One leg. Lives in the engine's map, touched by the SIP thread only.
struct Dialog {
    Agent::Engine* engine = nullptr;
    LegId id;
    nta_leg_t* leg = nullptr;
    nta_outgoing_t* invite = nullptr;  ///< the INVITE or re-INVITE that is not acknowledged yet
    std::uint32_t invite_seq = 0;
    int invite_status = 0;
    bool asked_offer = false;        ///< that INVITE had no description
    std::string peer_sdp;            ///< of its 2xx
    nta_incoming_t* call = nullptr;  ///< of a caller: the INVITE, until it is answered and acknowledged
    bool unacknowledged = false;     ///< our 2xx to it
    bool confirmed = false;
    bool ending = false;  ///< we want it gone
    bool over = false;    ///< reported, to be erased
    std::map<Ticket, nta_incoming_t*> asked;
    std::map<nta_outgoing_t*, Ticket> relayed;
    su_timer_t* limit = nullptr;
};

struct Agent::Engine {
    AgentOptions options;
    calls::EventSink sink;
    base::Logger log;
    su_root_t* root = nullptr;
    nta_agent_t* agent = nullptr;
    int wake = -1;
    std::mutex mutex;
    std::vector<std::function<void()>> queue;
    std::map<LegId, std::unique_ptr<Dialog>> dialogs;
    LegCount count;
    Ticket last_ticket = 0;
    calls::Reception* reception = nullptr;
    calls::CallNo next_call = calls::first_incoming_call;
    std::map<Ticket, nta_incoming_t*> registering;
    Flows flows;
    std::uint64_t lost = 0;  ///< dialogs of an earlier server that were hung up
    std::string contact;
    std::promise<bool> started;
    std::thread thread;

    void post(std::function<void()> work);
    void run();
    void drain();

    void invite(LegId id, const calls::Invitation& invitation);
    void send_invite(Dialog& dialog, const char* target, const std::string& sdp,
                     const calls::Invitation& way = {});
    void send_ack(Dialog& dialog, const std::string& sdp);
    void send_relay(Dialog& dialog, Ticket ticket, Method method, const Body& body);
    void send_answer(Dialog& dialog, Ticket ticket, int status, const Body& body);
    void refuse(Dialog& dialog);
    void end(Dialog& dialog);
    void hang_up_lost(const std::string& text);
    void send_bye(Dialog& dialog);
    void set_limit(Dialog& dialog);

    void responded(Dialog& dialog, int status, const sip_t* message);
    void accepted(Dialog& dialog, const sip_t* message);
    int requested(Dialog& dialog, nta_incoming_t* request, const sip_t* message);

    int stranger(nta_incoming_t* request, const sip_t* message);
    int called(nta_incoming_t* request, const sip_t* message);
    int register_request(nta_incoming_t* request, const sip_t* message);
    void respond(Ticket ticket, const calls::Response& response);
    void turn_away(Dialog& dialog, const calls::Response& response);

    template <class Event>
    void report(const Dialog& dialog, Event event) {
        event.leg = dialog.id.leg;
        sink(dialog.id.call, std::move(event));
    }
    /// The last word on a leg; its objects go when no callback of theirs runs.
    template <class Event>
    void finish(Dialog& dialog, Event event) {
        if (dialog.over) return;
        dialog.over = true;
        release(dialog);
        report(dialog, std::move(event));
        post([this, id = dialog.id] {
            dialogs.erase(id);
            count.set(dialogs.size());
        });
    }
    void release(Dialog& dialog);
    Dialog* find(LegId id) const {
        const auto found = dialogs.find(id);
        return found == dialogs.end() || found->second->over ? nullptr : found->second.get();
    }
};

// At the C boundary nothing is thrown: an exception ends that leg.
template <class Work>
int guarded(Dialog* dialog, Work work) noexcept {
    try {
        return work();
    } catch (const std::exception& error) {
        dialog->engine->log.error("a SIP callback failed", {{"error", error.what()}});
    }
    dialog->engine->finish(*dialog, calls::event::Lost{});
    return 0;
}

/// The ACK to our 2xx, a CANCEL, or (null) no ACK in time.
int on_incoming(Dialog* dialog, nta_incoming_t* request, const sip_t* message);
/// A request of the peer's inside a dialog.
int on_request(Dialog* dialog, nta_leg_t* leg, nta_incoming_t* request, const sip_t* message);

}  // namespace sip
