// What runs in the SIP thread: dialogs, their requests and responses. Internal to telephony/sip.
#pragma once

#include "telephony/calls/sdp.hpp"
#include "telephony/sip/agent.hpp"
#include "telephony/sip/dialog_state.hpp"
#include "telephony/sip/flows.hpp"
#include "telephony/sip/leg_count.hpp"
#include "telephony/sip/message_limits.hpp"
#include "telephony/sip/outgoing_auth.hpp"
#include "telephony/sip/session_timer.hpp"
#include "telephony/sip/streams.hpp"

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

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sip {

using calls::Body;
using calls::LegId;
using calls::Method;
using calls::Ticket;

inline constexpr auto allowed_methods = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";

inline constexpr auto sdp_type = "application/sdp";

/// An edge's word that the connection to its telephone is gone (RFC 5626, 5.3.1), and none of the
/// telephone's.
inline constexpr int flow_failed = 430;

/// A request of ours in a dialog, or the one that makes it; kept to be sent again with credentials.
struct Request {
    sip_method_t method = sip_method_unknown;
    const char* name = "";
    Body body{};
    std::string headers{};  ///< whole lines
    bool contact = false;
    std::optional<TimerRequest> timer{};  ///< nothing: it does not touch the session timer
};

/// One leg. Lives in the engine's map, touched by the SIP thread only.
struct Dialog {
    Agent::Engine* engine = nullptr;
    LegId id;
    nta_leg_t* leg = nullptr;
    /// The connection that its requests go on, as long as it is open; 0: where the remote target says.
    std::uint64_t flow = 0;
    bool confirmed = false;
    std::string our_sdp;  ///< what holds, as the peer has it from us

    /// Ours to the peer: the one that makes the dialog, then a re-INVITE at a time.
    struct Invite {
        nta_outgoing_t* request = nullptr;  ///< while it is not acknowledged
        std::uint32_t seq = 0;
        int status = 0;
        bool unwanted = false;   ///< nobody waits for its answer any more
        bool cancelled = false;  ///< it is
        std::string sdp;         ///< its description; empty: it asked for one
        std::string peer_sdp;    ///< of its 2xx
        std::string target;      ///< of the first one: its URI
        bool by_flow = false;    ///< it went on the dialog's connection
        bool moved = false;      ///< and the peer is on another one since
        bool flow_gone = false;  ///< which was gone when that was last looked at
        calls::Invitation way;   ///< and how it went there
    };
    Invite invite;

    /// Of a peer that called.
    struct Caller {
        nta_incoming_t* invite = nullptr;  ///< until it is answered and acknowledged
        bool pracks = false;               ///< it demands reliable provisional responses
        bool unacknowledged = false;       ///< our 2xx to it
    };
    Caller caller;

    /// What a called peer says before its final response.
    struct Early {
        bool rang = false;
        bool reliable = false;  ///< it demands reliable provisional responses (RFC 3262)
        /// Of the last one that was acknowledged, by the tag of who sent it: behind a proxy that forks there
        /// are several, each with a dialog of its own.
        std::map<std::string, std::uint32_t> rseqs{};
        std::uint32_t forked = 0;  ///< PRACKs in others' dialogs than the leg's
        /// Who demands them is offered silence of ours first, as nothing may offer in a 18x that is answered
        /// in its PRACK: then the dialog is asked for an offer once it is confirmed.
        bool silenced = false;
        bool asking = false;  ///< that is under way
    };
    Early early;

    std::unique_ptr<OutgoingAuth> auth;  ///< where the peer may ask for our credentials
    int challenges = 0;                  ///< answered in a row
    bool asserts_identity = false;

    /// Whether the peer is still there.
    struct Life {
        SessionTimer session{std::chrono::seconds(0), std::chrono::seconds(90)};
        calls::Moment heard;                  ///< when the peer last said something
        bool takes_update = false;            ///< the peer does
        int unreached = 0;                    ///< signs of life in a row that the network could not deliver
        bool refreshing = false;              ///< the re-INVITE under way is the session timer's only
        std::optional<std::string> deferred;  ///< a re-INVITE that waits for that one's end
        nta_outgoing_t* probe = nullptr;      ///< an UPDATE or OPTIONS that asks for a sign of life
        su_timer_t* timer = nullptr;
    };
    Life life;

    struct End {
        bool wanted = false;                 ///< by us
        bool told = false;                   ///< is reported already; what is left is the peer's to hear
        bool over = false;                   ///< to be erased
        std::string reason;                  ///< of ours: a header line
        nta_outgoing_t* farewell = nullptr;  ///< our BYE, or the CANCEL of an INVITE of an earlier server's
        su_timer_t* limit = nullptr;
    };
    End end;

    std::map<Ticket, nta_incoming_t*> asked;
    /// The ACK of a 2xx, as long as that may be repeated.
    struct Acknowledgement {
        std::uint32_t seq = 0;
        std::string sdp;
        std::string credentials;  ///< whole lines
        calls::Moment sent;
    };
    std::vector<Acknowledgement> acknowledged;
    struct Relayed {
        Ticket ticket = 0;
        Request request;
    };
    std::map<nta_outgoing_t*, Relayed> relayed;
};

struct Agent::Engine {
    AgentOptions options;
    calls::EventSink sink;
    calls::SignalSink trace;  ///< null: nobody looks
    base::Logger log;
    su_root_t* root = nullptr;
    nta_agent_t* agent = nullptr;
    int wake = -1;
    using Clock = std::chrono::steady_clock;
    struct Work {
        std::function<void()> run;
        Clock::time_point since;
    };
    mutable std::mutex mutex;
    std::deque<Work> queue;
    int datagrams = -1;  ///< the UDP socket
    int gave_way = 0;    ///< so many times in a row
    std::map<LegId, std::unique_ptr<Dialog>> dialogs;
    std::vector<LegId> gone;  ///< whose dialogs are over
    LegCount count;
    Ticket last_ticket = 0;
    calls::Reception* reception = nullptr;
    calls::CallNo next_call = calls::first_incoming_call;
    std::map<Ticket, nta_incoming_t*> registering;
    Flows flows;
    std::optional<Streams> streams;           ///< as long as the agent is there
    std::optional<StrangersLimit> strangers;  ///< likewise
    std::uint64_t lost = 0;                   ///< dialogs of an earlier server that were hung up
    /// Headers that many messages have, made once: a message then copies each in one piece. At the 22nd piece
    /// of a message sofia-sip makes its table of them 2 kB longer, for as long as the message is kept.
    struct CommonHeaders {
        su_home_t* home = nullptr;
        const sip_contact_t* contact = nullptr;
        const sip_allow_t* allow = nullptr;
        const sip_content_type_t* sdp = nullptr;
        const sip_supported_t* timer = nullptr;
    };
    CommonHeaders common;
    std::promise<bool> started;
    std::thread thread;

    void post(std::function<void()> work);
    void run();
    void make_common_headers();
    void set_t1(std::chrono::milliseconds t1) const;
    void make_streams();
    void somebody_waits() noexcept;
    void look_at_streams() noexcept;
    void drain();
    bool gives_way();
    [[nodiscard]] std::chrono::milliseconds lag() const;

    void invite(LegId id, const calls::Invitation& invitation);
    Dialog& add_dialog(LegId id);
    void count_legs() { count.set(dialogs.size() - gone.size()); }
    nta_outgoing_t* send(Dialog& dialog, const Request& request, nta_response_f* callback);
    void take_credentials(Dialog& dialog) const;
    void send_invite(Dialog& dialog, const std::string& sdp);
    void reinvite(Dialog& dialog, const std::string& sdp);
    bool send_invite_again(Dialog& dialog, int status, const sip_t* message);
    /// Takes up the challenge of a 401 or 407. False: it is none, or can't be answered.
    bool take_challenge(Dialog& dialog, int status, const sip_t* message);
    void send_ack(Dialog& dialog, const std::string& sdp);
    void acknowledge(const Dialog& dialog, const Dialog::Acknowledgement& ack) const;
    /// Answers a 2xx that came again. False: it belongs to no dialog that is here.
    bool repeat_ack(const sip_t* answer);
    [[nodiscard]] std::string silent_offer(const Dialog& dialog) const;
    void send_prack(Dialog& dialog, const sip_t* message);
    void send_relay(Dialog& dialog, Ticket ticket, Method method, const Body& body);
    void relay(Dialog& dialog, Dialog::Relayed relayed);
    void send_answer(Dialog& dialog, Ticket ticket, int status, const Body& body);
    void refuse(Dialog& dialog);
    void end(Dialog& dialog, calls::Cause why);
    void cancel(Dialog& dialog);
    void withdraw(Dialog& dialog);
    void hang_up_lost(const std::string& text);
    void cancel_lost(Dialog& dialog, const DialogState& state);
    nta_outgoing_t* send_cancel(Dialog& dialog, const DialogState& invited, nta_response_f* callback);
    void send_bye(Dialog& dialog);
    void set_limit(Dialog& dialog);

    void responded(Dialog& dialog, int status, const sip_t* message);
    void accepted(Dialog& dialog, const sip_t* message);
    nta_leg_t* forked_leg(Dialog& dialog, const sip_t* message);
    void take_tag(Dialog& dialog, const sip_t* message);
    // Whether the peer is still there: liveness.cpp.
    void watch(Dialog& dialog);
    void look_after(Dialog& dialog);
    void refresh(Dialog& dialog);
    void probed(Dialog& dialog, sip_method_t method, int status, const sip_t* message);
    void refresh_refused(Dialog& dialog, int status, const sip_t* message);
    static bool is_gone(Dialog& dialog, int status, const sip_t* message);
    void watch_again(Dialog& dialog);
    void updated(Dialog& dialog, const sip_t* message);
    void lose(Dialog& dialog);
    void look_at_ringing() noexcept;
    void look_at_ringing(Dialog& dialog);

    /// For the trace; what came is a sign of life, too.
    void note_sent(const Dialog& dialog, const std::string& text) const;
    void note_received(Dialog& dialog, const std::string& text) const;
    void note_response(Dialog& dialog, const char* method, int status, const sip_t* message) const;

    int requested(Dialog& dialog, nta_incoming_t* request, const sip_t* message);
    std::uint64_t flow_of(nta_incoming_t* request);
    void follow(Dialog& dialog, nta_incoming_t* request, const sip_t* message);
    void move(const std::vector<std::uint64_t>& left, std::uint64_t flow);

    void reply_once(nta_incoming_t* request, const calls::Response& response) const;
    int stranger(nta_incoming_t* request, const sip_t* message);
    int check_required(nta_incoming_t* request, const sip_t* message) const;
    int take_over(nta_incoming_t* request, const sip_t* message);
    int called(nta_incoming_t* request, const sip_t* message);
    int register_request(nta_incoming_t* request, const sip_t* message);
    void respond(Ticket ticket, const calls::Response& response);
    void turn_away(Dialog& dialog, const calls::Response& response);

    template <class Event>
    void report(const Dialog& dialog, Event event) {
        event.leg = dialog.id.leg;
        sink(dialog.id.call, std::move(event));
    }
    /// The last word on a leg; its objects go with the next command, when no callback of theirs runs.
    template <class Event>
    void finish(Dialog& dialog, Event event) {
        if (dialog.end.over) return;
        dialog.end.over = true;
        release(dialog);
        if (!dialog.end.told) report(dialog, std::move(event));
        gone.push_back(dialog.id);
        count_legs();
    }
    void release(Dialog& dialog);
    Dialog* find(LegId id) const {
        const auto found = dialogs.find(id);
        return found == dialogs.end() || found->second->end.over ? nullptr : found->second.get();
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

/// Its last word is said. For callbacks to return: the stack is to answer nothing. What is not destroyed
/// stays for ever, an ACK, too, that nothing answers.
inline int done_with(nta_incoming_t* request) {
    ::nta_incoming_destroy(request);
    return 0;
}

/// A final response that could not be sent is sent again at once, by then maybe over another connection. The
/// stack does that, too, but only when its next timer rings, and an ACK that comes before ends the program.
template <class Send>
void surely(nta_incoming_t* request, Send send) {
    send();
    if (::nta_incoming_status(request) < 200) send();
}

/// A response to no transaction of ours: of an INVITE that is acknowledged, that an earlier server sent, or
/// whose leg was given up.
int on_stray(nta_agent_magic_t* engine, nta_agent_t* agent, msg_t* message, sip_t* parsed);
/// The CANCEL for an earlier server's INVITE is answered. The INVITE's refusal goes to where that server was;
/// where nobody is there any more, its ACK goes out unasked (RFC 3261, 17.1.1.3), or the peer would repeat it
/// for half a minute.
void acknowledge_cancelled(nta_agent_t* agent, nta_outgoing_t* cancel, const sip_t* answer);
/// The ACK to our 2xx, a CANCEL, or (null) no ACK in time.
int on_incoming(Dialog* dialog, nta_incoming_t* request, const sip_t* message);
/// A request of the peer's inside a dialog.
int on_request(Dialog* dialog, nta_leg_t* leg, nta_incoming_t* request, const sip_t* message);

}  // namespace sip
