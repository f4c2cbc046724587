// Commands from any thread, handed to the SIP thread.
#include "telephony/sip/agent.hpp"

#include "telephony/sip/engine.hpp"
#include "telephony/sip/message_limits.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>

namespace sip {

Agent::Agent(AgentOptions options, calls::EventSink sink, calls::SignalSink trace, base::Logger log)
    : engine_(std::make_unique<Engine>()) {
    check_message_limits();
    engine_->options = std::move(options);
    engine_->sink = std::move(sink);
    engine_->trace = std::move(trace);
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
        if (auto* dialog = engine->find(leg)) engine->reinvite(*dialog, sdp);
    });
}

void Agent::withdraw(LegId leg) {
    engine_->post([engine = engine_.get(), leg] {
        if (auto* dialog = engine->find(leg)) engine->withdraw(*dialog);
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

void Agent::end(LegId leg, calls::Cause why) {
    engine_->post([engine = engine_.get(), leg, why] {
        if (auto* dialog = engine->find(leg)) engine->end(*dialog, why);
    });
}

void Agent::rename(LegId from, LegId to) {
    engine_->post([engine = engine_.get(), from, to] {
        if (engine->find(from) == nullptr) return;
        auto entry = engine->dialogs.extract(from);
        entry.key() = to;
        entry.mapped()->id = to;
        engine->dialogs.insert(std::move(entry));
    });
}

void Agent::refuse(LegId leg, calls::Response response) {
    engine_->post([engine = engine_.get(), leg, response = std::move(response)] {
        if (auto* dialog = engine->find(leg)) engine->turn_away(*dialog, response);
    });
}

void Agent::receive(calls::Reception* reception) {
    std::promise<void> done;
    engine_->post([engine = engine_.get(), reception, &done] {
        engine->reception = reception;
        done.set_value();
    });
    done.get_future().wait();
}

void Agent::respond(Ticket ticket, calls::Response response) {
    engine_->post([engine = engine_.get(), ticket, response = std::move(response)] {
        engine->respond(ticket, response);
    });
}

void Agent::move(std::vector<std::uint64_t> left, std::uint64_t flow) {
    engine_->post([engine = engine_.get(), left = std::move(left), flow] { engine->move(left, flow); });
}

void Agent::hang_up_lost(std::string dialog) {
    engine_->post([engine = engine_.get(), dialog = std::move(dialog)] { engine->hang_up_lost(dialog); });
}

std::chrono::milliseconds Agent::lag() const { return engine_->lag(); }

std::size_t Agent::legs() const { return engine_->count.get(); }

bool Agent::wait_until_over(std::chrono::steady_clock::time_point deadline) const {
    return engine_->count.wait_for_none(deadline);
}

}  // namespace sip
