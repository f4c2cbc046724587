// A third-party call that runs: the state machine with its clock and what carries out its commands. Belongs
// to one executor.
#pragma once

#include "telephony/calls/call.hpp"
#include "telephony/calls/command_runner.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calls {

/// How those who are called by an application see the caller.
struct Appearance {
    std::string name;           ///< towards all but the first party; may be empty
    std::string towards_first;  ///< the address that seems to call the first party; empty: the second one's
};

class LiveCall {
  public:
    /// `signalling` and `bridge` outlive the call; a null bridge: there is none.
    LiveCall(CallNo number, const std::vector<std::string>& parties, CallOptions options,
             Appearance appearance, Signalling& signalling, Bridge* bridge,
             boost::asio::any_io_executor executor, Observer observer);
    LiveCall(const LiveCall&) = delete;
    LiveCall& operator=(const LiveCall&) = delete;

    void deliver(const Event& event);
    [[nodiscard]] const Call& call() const { return call_; }
    /// Call::movable, and no command of ours is still to be carried out.
    [[nodiscard]] std::optional<PartyDialog> movable(std::string_view address) const;

  private:
    [[nodiscard]] Invitation invitation(const command::Invite& command) const;

    Call call_;
    Appearance appearance_;
    CommandRunner runner_;
};

/// Now, for Call::on.
[[nodiscard]] Moment now();

}  // namespace calls
