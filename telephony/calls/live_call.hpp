// A call that runs: the state machine with its clock, its timers and the network. Belongs to one executor.
#pragma once

#include "telephony/calls/call.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace calls {

/// What a call tells its owner, on its executor. None of them may destroy the call at once.
struct Observer {
    std::function<void()> changed;       ///< the status differs
    std::function<void()> settled_paid;  ///< two parties are connected, or were: charge what is held
    std::function<void()> settled_free;  ///< it failed: give back what is held
    std::function<void()> finished;      ///< no leg is left
    std::function<void()> extend;        ///< the time that is paid for ends soon: Granted answers
    /// Writes the call's record, and calls back when it is safe, on the same executor.
    std::function<void(std::function<void()> safe)> secure;
};

class LiveCall {
  public:
    /// `signalling` outlives the call.
    LiveCall(CallNo number, const std::vector<std::string>& parties, CallOptions options,
             std::string caller_name, Signalling& signalling, boost::asio::any_io_executor executor,
             Observer observer);
    ~LiveCall();
    LiveCall(const LiveCall&) = delete;
    LiveCall& operator=(const LiveCall&) = delete;

    void deliver(const Event& event);
    [[nodiscard]] const Call& call() const { return call_; }

  private:
    void run(Commands commands);
    void carry_on();
    void secure();
    void set_timer(const command::SetTimer& timer);
    [[nodiscard]] Invitation invitation(const command::Invite& command) const;

    struct Timers;
    CallNo number_;
    Call call_;
    std::string caller_name_;
    Signalling& signalling_;
    boost::asio::any_io_executor executor_;
    Observer observer_;
    std::unique_ptr<Timers> timers_;
    std::deque<Command> waiting_;    // commands behind a Secure that is not done
    std::shared_ptr<int> securing_;  // the one under way
};

/// Now, for Call::on.
[[nodiscard]] Moment now();

}  // namespace calls
