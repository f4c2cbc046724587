// The application parlayMakeCall: one call between the parties that somebody named.
#pragma once

#include "telephony/calls/live_call.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/tasks/task.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace tasks {

/// What it is started with.
struct MakeCall {
    std::vector<std::string> parties;  ///< one or more addresses
    std::string caller_name;
    calls::CallOptions options;   ///< session and address are the node's
    std::size_t parties_max = 2;  ///< that may be there at once
    /// The held amount's end, given exactly once each call that has one: true: charge it, false: give back.
    /// Calls `done` once that is posted, maybe after the task's end.
    std::function<void(bool paid, std::function<void()> done)> settle;
    calls::RecordFacts record;  ///< without the id, which is the task's
};

/// Events: cancelCall, endCall, addCallPeer and delCallPeer (parameter: an address). Status: callStatus
/// (CallInitial, CallConnected, CallTerminated), createdTime, startTime, duration, terminationCause (as
/// version 2 spells it), participants; of each address, status, startTime, duration, terminationCause (as
/// version 3 spells them).
class ParlayMakeCall final : public Task {
  public:
    ParlayMakeCall(const TaskContext& context, MakeCall parameters, calls::Signalling& signalling,
                   calls::RecordWriter& records);

    void start() override;
    Outcome on(const TaskEvent& event) override;
    void on_call(const calls::Event& event) override;
    [[nodiscard]] Dictionary status() const override;

  private:
    Outcome add(const std::string& address);
    Outcome remove(const std::string& address);

    calls::Observer observer(const TaskContext& context);

    void settle(bool paid);

    std::size_t parties_max_;
    std::function<void(bool, std::function<void()>)> settle_;
    calls::RecordFacts record_;
    calls::RecordWriter& records_;
    calls::LiveCall live_;
};

}  // namespace tasks
