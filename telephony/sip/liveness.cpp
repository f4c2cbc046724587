// Whether the peers of running dialogs are still there: session timers (RFC 4028), and OPTIONS where a peer
// knows none.
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/sip_header.h>

namespace sip {
namespace {

using std::chrono::milliseconds;

/// While something else is under way in the dialog, and after a glare.
constexpr milliseconds soon{3'000};

int on_probe_response(Dialog* dialog, nta_outgoing_t* request, sip_method_t method, const sip_t* message) {
    const int status = message != nullptr ? message->sip_status->st_status : 408;
    if (status < 200 || dialog->over || request != dialog->probe) return 0;
    return guarded(dialog, [&] {
        // Its message goes with it.
        auto* done = std::exchange(dialog->probe, nullptr);
        dialog->engine->probed(*dialog, method, status, message);
        ::nta_outgoing_destroy(done);
        return 0;
    });
}

int on_update_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    return on_probe_response(dialog, request, sip_method_update, message);
}

int on_options_response(Dialog* dialog, nta_outgoing_t* request, const sip_t* message) {
    return on_probe_response(dialog, request, sip_method_options, message);
}

void on_life(su_root_magic_t* /*root*/, su_timer_t* /*timer*/, su_timer_arg_t* argument) {
    auto* dialog = static_cast<Dialog*>(argument);
    if (dialog->over) return;
    guarded(dialog, [&] {
        dialog->engine->look_after(*dialog);
        return 0;
    });
}

void ring_after(Dialog& dialog, su_root_t* root, milliseconds after) {
    if (dialog.life == nullptr) dialog.life = ::su_timer_create(::su_root_task(root), 0);
    if (dialog.life != nullptr)
        ::su_timer_set_interval(dialog.life, on_life, &dialog, static_cast<su_duration_t>(after.count()));
}

}  // namespace

/// From now on, by what was agreed last.
void Agent::Engine::watch(Dialog& dialog) {
    const bool timed = dialog.session.refresher() != SessionTimer::Refresher::nobody;
    const milliseconds after = timed ? milliseconds(dialog.session.due()) : options.liveness;
    if (after.count() > 0)
        ring_after(dialog, root, after);
    else if (dialog.life != nullptr)
        ::su_timer_reset(dialog.life);
}

void Agent::Engine::look_after(Dialog& dialog) {
    if (dialog.ending) return;
    if (dialog.session.refresher() == SessionTimer::Refresher::peer) {
        log.info("a session was not refreshed", {{"call", dialog.id.call}, {"leg", dialog.id.leg}});
        lose(dialog);
        return;
    }
    const bool busy =
        dialog.invite != nullptr || dialog.probe != nullptr || dialog.unacknowledged || !dialog.asked.empty();
    if (busy)
        ring_after(dialog, root, soon);
    else
        refresh(dialog);
}

/// Where the peer takes UPDATE, that says it without a description. Others get the last one again.
void Agent::Engine::refresh(Dialog& dialog) {
    const bool timed = dialog.session.refresher() != SessionTimer::Refresher::nobody;
    if (timed && !dialog.takes_update) {
        dialog.refreshing = true;
        send_invite(dialog, dialog.our_sdp);
        return;
    }
    Request request;
    request.method = timed ? sip_method_update : sip_method_options;
    request.name = timed ? "UPDATE" : "OPTIONS";
    request.contact = timed;
    if (timed) request.timer = dialog.session.request();
    dialog.probe = send(dialog, request, timed ? on_update_response : on_options_response);
    if (dialog.probe == nullptr) lose(dialog);
}

void Agent::Engine::probed(Dialog& dialog, sip_method_t method, int status, const sip_t* message) {
    note_response(dialog, method == sip_method_update ? "UPDATE" : "OPTIONS", status, message);
    if (dialog.ending) return;
    if (status == 408 || status == 481) {
        lose(dialog);
        return;
    }
    if (take_challenge(dialog, status, message)) {
        refresh(dialog);
        return;
    }
    if (method == sip_method_update) {
        if (status < 300) dialog.session.agree(session_expires_of(message));
        if (status == 405 || status == 501) dialog.takes_update = false;
        const bool longer = status == 422 && message != nullptr && message->sip_min_se != nullptr &&
                            dialog.session.raise(std::chrono::seconds(message->sip_min_se->min_delta));
        if (longer || !(dialog.takes_update || status < 300)) {
            refresh(dialog);
            return;
        }
    }
    watch(dialog);
}

/// Our re-INVITE of a session timer was refused.
void Agent::Engine::refresh_refused(Dialog& dialog, int status) {
    dialog.refreshing = false;
    if (status == 408 || status == 481) {
        lose(dialog);
        return;
    }
    if (const auto next = std::exchange(dialog.deferred, std::nullopt)) send_invite(dialog, *next);
    if (status == 491)
        ring_after(dialog, root, soon);
    else
        watch(dialog);
}

/// The peer is not there: the call hears it at once, and the peer gets its BYE all the same.
void Agent::Engine::lose(Dialog& dialog) {
    calls::event::Lost event;
    event.alive = dialog.alive;
    report(dialog, std::move(event));
    dialog.told = true;
    end(dialog, calls::Cause::not_reachable);
}

}  // namespace sip
