// sofia-sip's transaction layer (nta): everything of it is called on one thread, which this file owns.
#include "telephony/sip/agent.hpp"

#include "telephony/calls/sdp.hpp"
#include "telephony/sip/dialog_state.hpp"
#include "telephony/sip/leg_count.hpp"
#include "telephony/sip/message.hpp"

namespace sip {
struct Dialog;
struct Root;
}  // namespace sip
#define NTA_LEG_MAGIC_T sip::Dialog
#define NTA_OUTGOING_MAGIC_T sip::Dialog
#define NTA_INCOMING_MAGIC_T sip::Dialog
#define SU_ROOT_MAGIC_T sip::Root
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_wait.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace sip {

using calls::Body;
using calls::LegId;
using calls::Method;
using calls::Ticket;

constexpr auto allowed_methods = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";
/// 64*T1 (RFC 3261, 17.1.1.2) and some: a leg that is to end is dropped then, whatever the peer does.
constexpr su_duration_t ending_limit_ms = 40'000;

/// One leg. Lives in the engine's map, touched by the SIP thread only.
struct Dialog {
    Agent::Engine* engine = nullptr;
    LegId id;
    nta_leg_t* leg = nullptr;
    nta_outgoing_t* invite = nullptr;  ///< the INVITE or re-INVITE that is not acknowledged yet
    std::uint32_t invite_seq = 0;
    int invite_status = 0;
    bool asked_offer = false;  ///< that INVITE had no description
    std::string peer_sdp;      ///< of its 2xx
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
    std::uint64_t lost = 0;  ///< dialogs of an earlier server that were hung up
    std::string contact;
    std::promise<bool> started;
    std::thread thread;

    void post(std::function<void()> work);
    void run();
    void drain();

    void invite(LegId id, const calls::Invitation& invitation);
    void send_invite(Dialog& dialog, const char* target, const std::string& sdp);
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

namespace {

/// More requests of ours than a dialog has seen since its state was kept: numbers may skip, not repeat
/// (RFC 3261, 12.2.1.1).
constexpr std::uint32_t cseq_skip = 100'000;

/// The leg of a dialog that an earlier server left; null when its headers make none.
nta_leg_t* leg_of(nta_agent_t* agent, const DialogState& state, nta_request_f* on_request, Dialog* dialog) {
    const auto cseq = std::to_string(state.cseq + cseq_skip) + " BYE";
    auto* leg = ::nta_leg_tcreate(agent, on_request, dialog, SIPTAG_CALL_ID_STR(state.call_id.c_str()),
                                  SIPTAG_FROM_STR(state.from.c_str()), SIPTAG_TO_STR(state.to.c_str()),
                                  SIPTAG_CSEQ_STR(cseq.c_str()), TAG_END());
    if (leg != nullptr) set_route(leg, state);
    return leg;
}

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

int on_invite_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    if (dialog->over || request != dialog->invite) return 0;
    return guarded(dialog, [&] {
        const int status = message != nullptr ? message->sip_status->st_status : nta_outgoing_status(request);
        dialog->engine->responded(*dialog, status < 100 ? 408 : status, message);
        return 0;
    });
}

int on_bye_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    if (message != nullptr && message->sip_status->st_status < 200) return 0;
    nta_outgoing_destroy(request);
    if (!dialog->over) dialog->engine->finish(*dialog, calls::event::Gone{});
    return 0;
}

int on_relay_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    const int status = message != nullptr ? message->sip_status->st_status : 408;
    if (status < 200) return 0;
    return guarded(dialog, [&] {
        const auto found = dialog->relayed.find(request);
        if (dialog->over || found == dialog->relayed.end()) return 0;
        calls::event::Replied replied;
        replied.ticket = found->second;
        replied.status = status;
        if (message != nullptr) replied.body = {type_of(message), body_of(message)};
        dialog->relayed.erase(found);
        nta_outgoing_destroy(request);
        dialog->engine->report(*dialog, std::move(replied));
        return 0;
    });
}

/// The ACK to our 2xx, a CANCEL, or (null) no ACK in time.
int on_incoming(Dialog* dialog, nta_incoming_t* request, const sip_t* message) {
    if (dialog->over) return 0;
    return guarded(dialog, [&] {
        std::erase_if(dialog->asked, [&](const auto& entry) { return entry.second == request; });
        if (message == nullptr) {
            nta_incoming_destroy(request);
            dialog->engine->end(*dialog);
        } else if (message->sip_request->rq_method == sip_method_ack) {
            calls::event::Acknowledged acknowledged;
            acknowledged.sdp = body_of(message);
            nta_incoming_destroy(request);
            dialog->engine->report(*dialog, std::move(acknowledged));
        }
        return 0;
    });
}

int on_request(Dialog* dialog, nta_leg_t* /*leg*/, nta_incoming_t* request, const sip_t* message) {
    if (dialog->over) return 481;
    return guarded(dialog, [&] { return dialog->engine->requested(*dialog, request, message); });
}

int on_stranger(Dialog* /*none*/, nta_leg_t* /*leg*/, nta_incoming_t* /*request*/, const sip_t* message) {
    return answer_to_stranger(message);
}

int on_wake(Root* root, su_wait_t* /*wait*/, su_wakeup_arg_t* /*argument*/) {
    reinterpret_cast<Agent::Engine*>(root)->drain();
    return 0;
}

void on_limit(su_root_magic_t* /*root*/, su_timer_t* /*timer*/, su_timer_arg_t* argument) {
    auto* dialog = static_cast<Dialog*>(argument);
    if (!dialog->over) dialog->engine->finish(*dialog, calls::event::Gone{});
}

}  // namespace

void Agent::Engine::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex);
        queue.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake, &one, sizeof one);
}

void Agent::Engine::drain() {
    std::uint64_t number = 0;
    [[maybe_unused]] const auto got = ::read(wake, &number, sizeof number);
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex);
        work.swap(queue);
    }
    for (const auto& item : work) {
        try {
            item();
        } catch (const std::exception& error) {
            log.error("SIP work failed", {{"error", error.what()}});
        }
    }
}

void Agent::Engine::run() {
    ::su_init();
    ::su_log_set_level(nullptr, 0);
    root = ::su_root_create(reinterpret_cast<Root*>(this));
    su_wait_t wait{};
    ::su_wait_create(&wait, wake, SU_WAIT_IN);
    ::su_root_register(root, &wait, reinterpret_cast<su_wakeup_f>(on_wake), nullptr, 0);
    const bool v6 = options.address.find(':') != std::string::npos;
    const auto host = v6 ? '[' + options.address + ']' : options.address;
    const auto bound = "sip:" + host + ':' + (options.port == 0 ? "*" : std::to_string(options.port));
    agent =
        ::nta_agent_create(root, URL_STRING_MAKE(bound.c_str()), nullptr, nullptr, NTATAG_UA(1),
                           NTATAG_SERVER_RPORT(2), NTATAG_CLIENT_RPORT(1), NTATAG_UDP_MTU(8000), TAG_END());
    if (agent != nullptr) {
        ::nta_leg_tcreate(agent, on_stranger, nullptr, NTATAG_NO_DIALOG(1), TAG_END());
        const auto* url = ::nta_agent_contact(agent)->m_url;
        contact = options.advertise.empty()
                      ? "<sip:" + std::string(url->url_host) +
                            (url->url_port != nullptr ? ':' + std::string(url->url_port) : std::string()) +
                            '>'
                      : "<sip:" + options.advertise + '>';
        started.set_value(true);
        ::su_root_run(root);
        for (auto& [id, dialog] : dialogs) release(*dialog);
        dialogs.clear();
        ::nta_agent_destroy(agent);
    } else {
        started.set_value(false);
    }
    ::su_root_destroy(root);
    ::su_deinit();
}

void Agent::Engine::release(Dialog& dialog) {
    for (const auto& [ticket, request] : dialog.asked) {
        ::nta_incoming_treply(request, SIP_481_NO_TRANSACTION, TAG_END());
        ::nta_incoming_destroy(request);
    }
    dialog.asked.clear();
    for (const auto& [request, ticket] : dialog.relayed) ::nta_outgoing_destroy(request);
    dialog.relayed.clear();
    if (dialog.invite != nullptr) ::nta_outgoing_destroy(std::exchange(dialog.invite, nullptr));
    if (dialog.leg != nullptr) ::nta_leg_destroy(std::exchange(dialog.leg, nullptr));
    if (dialog.limit != nullptr) ::su_timer_destroy(std::exchange(dialog.limit, nullptr));
}

void Agent::Engine::invite(LegId id, const calls::Invitation& invitation) {
    auto& dialog = *(dialogs[id] = std::make_unique<Dialog>());
    count.set(dialogs.size());
    dialog.engine = this;
    dialog.id = id;
    const auto target = request_uri(invitation.target, options.gateway);
    if (target.empty()) {
        calls::event::Refused refused;
        refused.status = 404;
        finish(dialog, std::move(refused));
        return;
    }
    const auto from = name_addr(invitation.from_name, invitation.from);
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
    send_invite(dialog, target.c_str(), {});
}

void Agent::Engine::send_invite(Dialog& dialog, const char* target, const std::string& sdp) {
    if (dialog.invite != nullptr) ::nta_outgoing_destroy(std::exchange(dialog.invite, nullptr));
    dialog.invite_status = 0;
    dialog.asked_offer = sdp.empty();
    dialog.peer_sdp.clear();
    dialog.invite = ::nta_outgoing_tcreate(
        dialog.leg, on_invite_response, &dialog, nullptr, SIP_METHOD_INVITE, URL_STRING_MAKE(target),
        SIPTAG_CONTACT_STR(contact.c_str()), SIPTAG_ALLOW_STR(allowed_methods),
        TAG_IF(!sdp.empty(), SIPTAG_CONTENT_TYPE_STR("application/sdp")),
        TAG_IF(!sdp.empty(), SIPTAG_PAYLOAD_STR(sdp.c_str())), TAG_END());
    if (dialog.invite == nullptr) {
        responded(dialog, 503, nullptr);
        return;
    }
    dialog.invite_seq = ::nta_outgoing_cseq(dialog.invite);
}

void Agent::Engine::send_ack(Dialog& dialog, const std::string& sdp) {
    if (dialog.invite == nullptr || dialog.invite_status < 200 || dialog.invite_status >= 300) return;
    // The INVITE's own number: an UPDATE may have moved the leg's.
    auto* seq = ::sip_cseq_create(nullptr, dialog.invite_seq, SIP_METHOD_ACK);
    auto* request = ::nta_outgoing_tcreate(dialog.leg, nullptr, nullptr, nullptr, SIP_METHOD_ACK, nullptr,
                                           SIPTAG_CSEQ(seq),
                                           TAG_IF(!sdp.empty(), SIPTAG_CONTENT_TYPE_STR("application/sdp")),
                                           TAG_IF(!sdp.empty(), SIPTAG_PAYLOAD_STR(sdp.c_str())), TAG_END());
    ::su_free(nullptr, seq);
    // The stack keeps it to answer repeated 2xx.
    if (request != nullptr) ::nta_outgoing_destroy(request);
    ::nta_outgoing_destroy(std::exchange(dialog.invite, nullptr));
}

void Agent::Engine::send_relay(Dialog& dialog, Ticket ticket, Method method, const Body& body) {
    const bool update = method == Method::update;
    auto* request = ::nta_outgoing_tcreate(
        dialog.leg, on_relay_response, &dialog, nullptr, update ? sip_method_update : sip_method_info,
        update ? "UPDATE" : "INFO", nullptr, TAG_IF(update, SIPTAG_CONTACT_STR(contact.c_str())),
        TAG_IF(!body.text.empty(), SIPTAG_CONTENT_TYPE_STR(body.type.c_str())),
        TAG_IF(!body.text.empty(), SIPTAG_PAYLOAD_STR(body.text.c_str())), TAG_END());
    if (request != nullptr) {
        dialog.relayed[request] = ticket;
        return;
    }
    calls::event::Replied replied;
    replied.ticket = ticket;
    replied.status = 500;
    report(dialog, std::move(replied));
}

void Agent::Engine::send_answer(Dialog& dialog, Ticket ticket, int status, const Body& body) {
    const auto found = dialog.asked.find(ticket);
    if (found == dialog.asked.end()) return;
    auto* request = found->second;
    const bool reinvite = ::nta_incoming_method(request) == sip_method_invite;
    ::nta_incoming_treply(request, status, ::sip_status_phrase(status),
                          TAG_IF(status < 300, SIPTAG_CONTACT_STR(contact.c_str())),
                          SIPTAG_ALLOW_STR(allowed_methods),
                          TAG_IF(!body.text.empty(), SIPTAG_CONTENT_TYPE_STR(body.type.c_str())),
                          TAG_IF(!body.text.empty(), SIPTAG_PAYLOAD_STR(body.text.c_str())), TAG_END());
    // A 2xx to an INVITE waits for its ACK.
    if (reinvite && status < 300) return;
    ::nta_incoming_destroy(request);
    dialog.asked.erase(found);
}

/// Acknowledges a 2xx whose session is ended at once.
void Agent::Engine::refuse(Dialog& dialog) {
    const calls::sdp::Origin origin{dialog.id.call, dialog.invite_seq, options.address};
    const bool offered = dialog.asked_offer && !dialog.peer_sdp.empty();
    send_ack(dialog, offered ? calls::sdp::refusing_answer(dialog.peer_sdp, origin) : std::string());
}

void Agent::Engine::end(Dialog& dialog) {
    if (dialog.ending) return;
    dialog.ending = true;
    set_limit(dialog);
    if (dialog.invite != nullptr && dialog.invite_status < 200) {
        ::nta_outgoing_cancel(dialog.invite);
        // Its final response decides: 487, or a 2xx that crossed.
        if (!dialog.confirmed) return;
    } else if (dialog.invite != nullptr) {
        // A 2xx may not be left without ACK, nor a BYE overtake it.
        refuse(dialog);
    }
    send_bye(dialog);
}

/// Their numbers count down from the last one, where no call's comes.
void Agent::Engine::hang_up_lost(const std::string& text) {
    const auto state = dialog_state_from(text);
    if (!state) return log.error("a lost call's dialog can't be read", {{"dialog", text}});
    const LegId id{std::numeric_limits<calls::CallNo>::max() - lost++, 0};
    auto& dialog = *(dialogs[id] = std::make_unique<Dialog>());
    count.set(dialogs.size());
    dialog.engine = this;
    dialog.id = id;
    dialog.confirmed = true;
    dialog.leg = leg_of(agent, *state, on_request, &dialog);
    if (dialog.leg == nullptr) {
        log.error("a lost call's dialog can't be ended", {{"dialog", text}});
        finish(dialog, calls::event::Gone{});
        return;
    }
    end(dialog);
}

void Agent::Engine::send_bye(Dialog& dialog) {
    if (::nta_outgoing_tcreate(dialog.leg, on_bye_response, &dialog, nullptr, SIP_METHOD_BYE, nullptr,
                               TAG_END()) == nullptr) {
        finish(dialog, calls::event::Gone{});
    }
}

void Agent::Engine::set_limit(Dialog& dialog) {
    dialog.limit = ::su_timer_create(::su_root_task(root), ending_limit_ms);
    if (dialog.limit != nullptr) ::su_timer_set(dialog.limit, on_limit, &dialog);
}

void Agent::Engine::responded(Dialog& dialog, int status, const sip_t* message) {
    dialog.invite_status = status;
    if (status < 200) {
        if (status > 100 && !dialog.ending && !dialog.confirmed) report(dialog, calls::event::Ringing{});
        return;
    }
    if (status < 300 && message != nullptr) {
        accepted(dialog, message);
        return;
    }
    if (!dialog.confirmed) {
        calls::event::Refused refused;
        refused.status = status;
        finish(dialog, std::move(refused));
        return;
    }
    if (dialog.invite != nullptr) ::nta_outgoing_destroy(std::exchange(dialog.invite, nullptr));
    if (dialog.ending) return;
    calls::event::Rejected rejected;
    rejected.status = status;
    report(dialog, std::move(rejected));
}

void Agent::Engine::accepted(Dialog& dialog, const sip_t* message) {
    const bool first = !dialog.confirmed;
    if (first) {
        ::nta_leg_rtag(dialog.leg, message->sip_to->a_tag);
        dialog.confirmed = true;
    }
    ::nta_leg_client_reroute(dialog.leg, message->sip_record_route, message->sip_contact, first);
    dialog.peer_sdp = body_of(message);
    if (!dialog.ending) {
        calls::event::Answered answered;
        answered.sdp = dialog.peer_sdp;
        answered.dialog = to_string(dialog_state_of(message));
        report(dialog, std::move(answered));
        return;
    }
    // It crossed our CANCEL, or our BYE.
    refuse(dialog);
    if (first) send_bye(dialog);
}

int Agent::Engine::requested(Dialog& dialog, nta_incoming_t* request, const sip_t* message) {
    auto method = Method::info;
    switch (message->sip_request->rq_method) {
        case sip_method_bye:
            ::nta_incoming_treply(request, SIP_200_OK, TAG_END());
            ::nta_incoming_destroy(request);
            finish(dialog, calls::event::HungUp{});
            return 0;
        case sip_method_ack:
            return 0;
        case sip_method_options:
        case sip_method_prack:
            return 200;
        case sip_method_info:
            break;
        case sip_method_invite:
            method = Method::reinvite;
            ::nta_incoming_bind(request, on_incoming, &dialog);
            ::nta_incoming_treply(request, SIP_100_TRYING, TAG_END());
            break;
        case sip_method_update:
            // Without a description it only says that the session lives (RFC 4028).
            if (body_of(message).empty()) return 200;
            method = Method::update;
            break;
        default:
            return 405;
    }
    if (dialog.ending) {
        ::nta_incoming_treply(request, SIP_481_NO_TRANSACTION, TAG_END());
        ::nta_incoming_destroy(request);
        return 0;
    }
    if (method != Method::info) ::nta_leg_server_route(dialog.leg, nullptr, message->sip_contact);
    calls::event::Requested asked;
    asked.ticket = ++last_ticket;
    asked.method = method;
    asked.body = {type_of(message), body_of(message)};
    dialog.asked[asked.ticket] = request;
    report(dialog, std::move(asked));
    return 0;
}

Agent::Agent(AgentOptions options, calls::EventSink sink, base::Logger log)
    : engine_(std::make_unique<Engine>()) {
    engine_->options = std::move(options);
    engine_->sink = std::move(sink);
    engine_->log = std::move(log);
    engine_->wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    auto started = engine_->started.get_future();
    engine_->thread = std::thread([engine = engine_.get()] { engine->run(); });
    if (started.get()) return;
    engine_->thread.join();
    ::close(engine_->wake);
    throw std::runtime_error("can't listen for SIP on " + engine_->options.address + ':' +
                             std::to_string(engine_->options.port));
}

Agent::~Agent() {
    close();
    ::close(engine_->wake);
}

void Agent::close() {
    if (!engine_->thread.joinable()) return;
    engine_->post([engine = engine_.get()] { ::su_root_break(engine->root); });
    engine_->thread.join();
}

void Agent::invite(LegId leg, calls::Invitation invitation) {
    engine_->post([engine = engine_.get(), leg, invitation = std::move(invitation)] {
        engine->invite(leg, invitation);
    });
}

void Agent::reinvite(LegId leg, std::string sdp) {
    engine_->post([engine = engine_.get(), leg, sdp = std::move(sdp)] {
        if (auto* dialog = engine->find(leg)) engine->send_invite(*dialog, nullptr, sdp);
    });
}

void Agent::ack(LegId leg, std::string sdp) {
    engine_->post([engine = engine_.get(), leg, sdp = std::move(sdp)] {
        if (auto* dialog = engine->find(leg)) engine->send_ack(*dialog, sdp);
    });
}

void Agent::relay(LegId leg, Ticket ticket, Method method, Body body) {
    engine_->post([engine = engine_.get(), leg, ticket, method, body = std::move(body)] {
        if (auto* dialog = engine->find(leg)) engine->send_relay(*dialog, ticket, method, body);
    });
}

void Agent::answer(LegId leg, Ticket ticket, int status, Body body) {
    engine_->post([engine = engine_.get(), leg, ticket, status, body = std::move(body)] {
        if (auto* dialog = engine->find(leg)) engine->send_answer(*dialog, ticket, status, body);
    });
}

void Agent::end(LegId leg) {
    engine_->post([engine = engine_.get(), leg] {
        if (auto* dialog = engine->find(leg)) engine->end(*dialog);
    });
}

void Agent::hang_up_lost(std::string dialog) {
    engine_->post([engine = engine_.get(), dialog = std::move(dialog)] { engine->hang_up_lost(dialog); });
}

std::size_t Agent::legs() const { return engine_->count.get(); }

bool Agent::wait_until_over(std::chrono::steady_clock::time_point deadline) const {
    return engine_->count.wait_for_none(deadline);
}

}  // namespace sip
