// The same inbox and dictionary, over the calls that this node has from outside.
#include "telephony/tasks/outside_calls.hpp"

#include "telephony/tasks/make_call.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasks {
namespace {

/// Events of one question, one after the other.
struct Inbox {
    calls::InboundCalls& calls;
    Room room;
    const Question& question;
    std::optional<calls::sdp::AudioOnly> audio{};  ///< of the next addition

    [[nodiscard]] Outcome on(const TaskEvent& event);

  private:
    [[nodiscard]] Outcome add(const std::string& address);
    [[nodiscard]] Outcome remove(const calls::CallStatus& status, const std::string& address) const;
};

Outcome Inbox::add(const std::string& address) {
    const auto* call = calls.connected(question.id);
    if (call == nullptr) return Outcome::not_connected;
    const auto outcome = admits(*call, address, room);
    if (outcome == Outcome::done) calls.add(question.id, address, std::exchange(audio, std::nullopt));
    return outcome;
}

Outcome Inbox::remove(const calls::CallStatus& status, const std::string& address) const {
    const auto is_it = [&](const calls::PartyStatus& party) {
        return party.address == address && party.phase != calls::Phase::terminated;
    };
    if (std::ranges::none_of(status.parties, is_it)) return Outcome::unknown_peer;
    calls.remove(question.id, address);
    return Outcome::done;
}

Outcome Inbox::on(const TaskEvent& event) {
    // The events before may have changed it.
    const auto status = calls.status(question.reader, question.id);
    if (!status || status->phase == calls::Phase::terminated) return Outcome::already_terminated;
    if (event.name == "addCallPeer") return add(event.parameter);
    if (event.name == "delCallPeer") return remove(*status, event.parameter);
    if (event.name == "admitsCallPeer") {
        const auto* call = calls.connected(question.id);
        return call != nullptr ? admits(*call, event.parameter, room) : Outcome::not_connected;
    }
    if (event.name == "callPeerMedia") {
        audio = audio_named(event.parameter);
        return Outcome::done;
    }
    if (event.name == "transferTarget" || event.name == "transferCallPeer") return Outcome::unknown_target;
    if (event.name == "cancelCall") {
        if (status->phase == calls::Phase::connected) return Outcome::already_connected;
    } else if (event.name != "endCall") {
        return Outcome::unknown_event;
    }
    calls.decline(question.id);
    return Outcome::done;
}

}  // namespace

Answer answer(calls::InboundCalls& calls, std::size_t parties_max, const calls::Bridge* bridge,
              const Question& question) {
    Answer answer;
    if (question.what == Question::What::trace) {
        auto trace = calls.trace(question.reader, question.id);
        if (!trace) return answer;
        answer.state = Answer::State::known;
        answer.trace = std::move(*trace);
        return answer;
    }
    const auto status = calls.status(question.reader, question.id);
    if (!status) return answer;
    answer.state = Answer::State::known;
    if (question.what == Question::What::status) {
        answer.status = dictionary_of(*status, [&](calls::LegNo leg) {
            const auto* call = calls.connected(question.id);
            return call != nullptr ? call->media(leg) : std::vector<calls::sdp::Medium>();
        });
    }
    Inbox inbox{calls, {parties_max, calls::inbound_legs_max, bridge}, question};
    for (const auto& event : question.events) {
        answer.outcome = inbox.on(event);
        if (answer.outcome != Outcome::done) break;
    }
    return answer;
}

}  // namespace tasks
