// The application parlayMakeCall: one call between the parties that somebody named.
#pragma once

#include "telephony/calls/call_charge.hpp"
#include "telephony/calls/ladder.hpp"
#include "telephony/calls/live_call.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/tasks/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tasks {

/// Of one call, ended ones counted: its status and its record name each of them.
inline constexpr std::size_t legs_max = 1'000;

/// How a call that had an amount held has come to be charged, or not.
struct Settlement {
    bool paid = false;         ///< charge what is held; otherwise it is given back
    std::int64_t seconds = 0;  ///< begun; only of a call that is paid by time
};

/// What it is started with.
struct MakeCall {
    std::vector<std::string> parties;  ///< one or more addresses
    calls::Appearance appearance;
    calls::CallOptions options;   ///< session and address are the node's
    std::size_t parties_max = 2;  ///< that may be there at once
    /// The held amount's end, given exactly once each call that has one. Calls `done` once that is posted or
    /// refused, maybe after the task's end.
    std::function<void(Settlement how, std::function<void(calls::Settled)> done)> settle;
    /// Of a call that is paid by time: pays for more, and calls `granted` with all that is paid for then; not
    /// when it can't be.
    std::function<void(std::function<void(std::chrono::seconds)> granted)> extend;
    calls::RecordFacts record;  ///< without the id, which is the task's
    std::size_t trace_max = 0;  ///< messages that its trace keeps
};

/// The status dictionary of a call (see ParlayMakeCall). `media`: what a party exchanges; empty: nothing is
/// said of it.
[[nodiscard]] Dictionary dictionary_of(
    const calls::CallStatus& call,
    const std::function<std::vector<calls::sdp::Medium>(calls::LegNo)>& media = {});

/// How many parties a call takes.
struct Room {
    std::size_t parties_max = 2;            ///< at once
    std::size_t legs_max = 0;               ///< ended ones counted
    const calls::Bridge* bridge = nullptr;  ///< without one there are two
};

/// Why this call would not take one more party, or that it would: done.
[[nodiscard]] Outcome admits(const calls::Call& call, const std::string& address, const Room& room);

/// What In, Out and InOut let a party have.
[[nodiscard]] inline calls::sdp::AudioOnly audio_named(const std::string& direction) {
    return {direction != "In", direction != "Out"};
}

/// Events: cancelCall, endCall, addCallPeer and delCallPeer (parameter: an address), admitsCallPeer (whether
/// addCallPeer would be done; changes nothing); callPeerMedia (In, Out or InOut: what the next addCallPeer's
/// party may have, audio alone); transferTarget (a task's identifier) and then
/// transferCallPeer (an address): that party goes on in the target's call, with its dialog, or is called anew
/// by it where something of the dialog is under way; callTaken (another server has the call). Status:
/// callStatus (CallInitial, CallConnected, CallTerminated), createdTime, startTime, duration,
/// terminationCause (as version 2 spells it), participants; of each address, status, startTime, duration,
/// terminationCause (as version 3 spells them).
class ParlayMakeCall final : public Task {
  public:
    /// The references outlive this; so does `bridge`, which is null when there is none.
    ParlayMakeCall(const TaskContext& context, MakeCall parameters, calls::Signalling& signalling,
                   calls::Bridge* bridge, calls::RecordWriter& records);

    void start() override;
    Outcome on(const TaskEvent& event) override;
    void on_call(const calls::Event& event) override;
    void on_signal(calls::Signal signal) override { ladder_.add(std::move(signal)); }
    [[nodiscard]] Dictionary status() const override;
    [[nodiscard]] std::vector<std::string> parties() const override;
    [[nodiscard]] std::string trace() const override { return ladder_.text(live_.call().status()); }

  private:
    Outcome add(const std::string& address);
    Outcome remove(const std::string& address);
    Outcome transfer(const std::string& address);
    [[nodiscard]] Outcome admits(const std::string& address) const {
        return tasks::admits(live_.call(), address, {parties_max_, legs_max, bridge_});
    }

    calls::Observer observer(const TaskContext& context);

    void settle(Settlement how);
    void extend();

    std::uint64_t number_;
    Others others_;
    calls::Signalling& signalling_;
    std::string target_;                          // of the next transfer
    std::optional<calls::sdp::AudioOnly> audio_;  // of the next addition
    std::map<calls::LegNo, calls::LegId> moved_;  // to other calls
    std::size_t parties_max_;
    std::function<void(Settlement, std::function<void(calls::Settled)>)> settle_;
    std::function<void(std::function<void(std::chrono::seconds)>)> extend_;
    std::shared_ptr<ParlayMakeCall*> self_;  // for answers that may come after the task's end
    calls::RecordFacts record_;
    calls::RecordWriter& records_;
    calls::Bridge* bridge_;
    calls::Ladder ladder_;
    calls::LiveCall live_;
};

}  // namespace tasks
