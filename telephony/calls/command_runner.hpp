// Carries out what a call's state machine commands: with timers, the network, and whoever has the call.
// Belongs to one executor.
#pragma once

#include "telephony/calls/bridge.hpp"
#include "telephony/calls/event.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>

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

class CommandRunner {
  public:
    /// The state machine, as far as commands need it.
    struct Machine {
        std::function<void(const Event&)> deliver;
        std::function<Invitation(const command::Invite&)> invitation;
    };

    /// `signalling` and `bridge` outlive this. A null bridge: the machine never gives Join.
    CommandRunner(CallNo number, Machine machine, Signalling& signalling,
                  boost::asio::any_io_executor executor, Observer observer, Bridge* bridge = nullptr);
    ~CommandRunner();
    CommandRunner(const CommandRunner&) = delete;
    CommandRunner& operator=(const CommandRunner&) = delete;

    void run(Commands commands);
    /// Nothing waits for the record.
    [[nodiscard]] bool idle() const { return waiting_.empty(); }

  private:
    void carry_on();
    void secure();
    void set_timer(const command::SetTimer& timer);

    struct Timers;
    CallNo number_;
    Machine machine_;
    Signalling& signalling_;
    boost::asio::any_io_executor executor_;
    Observer observer_;
    Bridge* bridge_;
    std::shared_ptr<Timers> timers_;  // one that rang may be waiting to be told when its call goes
    std::deque<Command> waiting_;     // commands behind a Secure that is not done
    std::shared_ptr<int> securing_;   // the one under way
};

}  // namespace calls
