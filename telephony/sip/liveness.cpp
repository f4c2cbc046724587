// Whether the peers of running dialogs are still there: session timers (RFC 4028), and OPTIONS where a peer
// knows none.
#include "telephony/sip/engine.hpp"
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>

#include <algorithm>

namespace sip {
namespace {

using std::chrono::milliseconds;

/// While something else is under way in the dialog, and after a glare.
constexpr milliseconds soon{3'000};

/// So often in a row, `soon` after each other, a peer can't be reached at all before it is taken for gone:
/// the network says so at once, of a moment's trouble, too, and an edge of a telephone that is on its way
/// back.
constexpr int unreached_max = 3;

/// Of the time to the next refresh: one that was refused comes again, or the session would be over by then.
constexpr int refused_share = 10;

int on_probe_response(Dialog* dialog, nta_outgoing_t* request, sip_method_t method, const sip_t* message) {
    const int status = message != nullptr ? message->sip_status->st_status : 408;
    if (status < 200 || dialog->end.over || request != dialog->life.probe) return 0;
    return guarded(dialog, [&] {
        // Its message goes with it.
        auto* done = std::exchange(dialog->life.probe, nullptr);
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
    if (dialog->end.over) return;
    guarded(dialog, [&] {
        dialog->engine->look_after(*dialog);
        return 0;
    });
}

void ring_after(Dialog& dialog, su_root_t* root, milliseconds after) {
    if (dialog.life.timer == nullptr) dialog.life.timer = ::su_timer_create(::su_root_task(root), 0);
    if (dialog.life.timer != nullptr)
        ::su_timer_set_interval(dialog.life.timer, on_life, &dialog,
                                static_cast<su_duration_t>(after.count()));
}

}  // namespace

/// From now on, by what was agreed last.
void Agent::Engine::watch(Dialog& dialog) {
    const bool timed = dialog.life.session.refresher() != SessionTimer::Refresher::nobody;
    const milliseconds after = timed ? milliseconds(dialog.life.session.due()) : options.liveness;
    if (after.count() > 0)
        ring_after(dialog, root, after);
    else if (dialog.life.timer != nullptr)
        ::su_timer_reset(dialog.life.timer);
}

void Agent::Engine::look_after(Dialog& dialog) {
    if (dialog.end.wanted) return;
    if (dialog.life.session.refresher() == SessionTimer::Refresher::peer) {
        log.info("a session was not refreshed", {{"call", dialog.id.call}, {"leg", dialog.id.leg}});
        lose(dialog);
        return;
    }
    const bool busy = dialog.invite.request != nullptr || dialog.life.probe != nullptr ||
                      dialog.caller.unacknowledged || !dialog.asked.empty();
    if (busy)
        ring_after(dialog, root, soon);
    else
        refresh(dialog);
}

/// Where the peer takes UPDATE, that says it without a description. Others get the last one again.
void Agent::Engine::refresh(Dialog& dialog) {
    const bool timed = dialog.life.session.refresher() != SessionTimer::Refresher::nobody;
    if (timed && !dialog.life.takes_update) {
        dialog.life.refreshing = true;
        send_invite(dialog, dialog.our_sdp);
        return;
    }
    Request request;
    request.method = timed ? sip_method_update : sip_method_options;
    request.name = timed ? "UPDATE" : "OPTIONS";
    request.contact = timed;
    if (timed) request.timer = dialog.life.session.request();
    dialog.life.probe = send(dialog, request, timed ? on_update_response : on_options_response);
    if (dialog.life.probe == nullptr) lose(dialog);
}

/// Whether nobody is there, by the response to what asked for a sign of life, or the want of one (RFC 3261,
/// 12.2.1.2). Where the network, or an edge, says so, it must say it again.
bool Agent::Engine::is_gone(Dialog& dialog, int status, const sip_t* message) {
    if (status == 408 || status == 481) return true;
    if (status != flow_failed && ::nta_sip_is_internal(message) == 0) return false;
    return ++dialog.life.unreached >= unreached_max;
}

/// What we asked for brought nothing new.
void Agent::Engine::watch_again(Dialog& dialog) {
    using enum SessionTimer::Refresher;
    const auto refresher = dialog.life.session.refresher();
    if (refresher == us || (refresher == nobody && dialog.life.unreached > 0))
        ring_after(dialog, root, std::max(soon, milliseconds(dialog.life.session.due()) / refused_share));
    else
        watch(dialog);
}

/// A 2xx to an UPDATE of ours is what holds from now on.
void Agent::Engine::updated(Dialog& dialog, const sip_t* message) {
    ::nta_leg_client_reroute(dialog.leg, nullptr, message->sip_contact, 0);
    dialog.life.session.agree(session_expires_of(message));
    watch(dialog);
}

void Agent::Engine::probed(Dialog& dialog, sip_method_t method, int status, const sip_t* message) {
    note_response(dialog, method == sip_method_update ? "UPDATE" : "OPTIONS", status, message);
    if (dialog.end.wanted) return;
    if (is_gone(dialog, status, message)) {
        lose(dialog);
        return;
    }
    if (take_challenge(dialog, status, message)) {
        refresh(dialog);
        return;
    }
    if (method == sip_method_update) {
        if (status < 300) return updated(dialog, message);
        if (status == 405 || status == 501) dialog.life.takes_update = false;
        const bool longer = status == 422 && message != nullptr && message->sip_min_se != nullptr &&
                            dialog.life.session.raise(std::chrono::seconds(message->sip_min_se->min_delta));
        if (longer || !dialog.life.takes_update) {
            refresh(dialog);
            return;
        }
    }
    watch_again(dialog);
}

/// Our re-INVITE of a session timer was refused.
void Agent::Engine::refresh_refused(Dialog& dialog, int status, const sip_t* message) {
    dialog.life.refreshing = false;
    if (is_gone(dialog, status, message)) {
        lose(dialog);
        return;
    }
    watch_again(dialog);
    if (const auto next = std::exchange(dialog.life.deferred, std::nullopt)) send_invite(dialog, *next);
}

/// The peer is not there: the call hears it at once, and the peer gets its BYE all the same.
void Agent::Engine::lose(Dialog& dialog) {
    calls::event::Lost event;
    event.alive = dialog.life.heard;
    report(dialog, std::move(event));
    dialog.end.told = true;
    end(dialog, calls::Cause::not_reachable);
}

/// Who was called on a connection that is gone may be there again soon, on another one. Who is not by the
/// next time answers nothing any more, and whoever waits for it need not: it is as if the network had said
/// so.
void Agent::Engine::look_at_ringing(Dialog& dialog) {
    const bool waits = dialog.invite.by_flow && !dialog.confirmed && !dialog.end.wanted && !dialog.end.over;
    const bool closed = waits && flows.find(dialog.flow) == nullptr;
    if (!std::exchange(dialog.invite.flow_gone, closed) || !closed) return;
    log.info("the connection of a telephone that rings is gone",
             {{"call", dialog.id.call}, {"leg", dialog.id.leg}});
    calls::event::Refused refused;
    refused.status = 503;
    report(dialog, std::move(refused));
    dialog.end.told = true;
    end(dialog, calls::Cause::not_reachable);
}

void Agent::Engine::look_at_ringing() noexcept {
    for (auto& [id, dialog] : dialogs) {
        guarded(dialog.get(), [&] {
            look_at_ringing(*dialog);
            return 0;
        });
    }
}

}  // namespace sip
