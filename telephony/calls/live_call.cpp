// Third-party calls as they run.
#include "telephony/calls/live_call.hpp"

#include <utility>

namespace calls {

namespace {

CallOptions with_bridge(CallOptions options, bool bridge) {
    options.bridge = bridge;
    return options;
}

}  // namespace

Moment now() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()),
            time_point_cast<microseconds>(system_clock::now())};
}

LiveCall::LiveCall(CallNo number, const std::vector<std::string>& parties, CallOptions options,
                   Appearance appearance, Signalling& signalling, Bridge* bridge,
                   boost::asio::any_io_executor executor, Observer observer)
    : call_(parties, with_bridge(std::move(options), bridge != nullptr), now()),
      appearance_(std::move(appearance)),
      runner_(number,
              {[this](const Event& event) { deliver(event); },
               [this](const command::Invite& command) { return invitation(command); }},
              signalling, std::move(executor), std::move(observer), bridge) {}

void LiveCall::deliver(const Event& event) { runner_.run(call_.on(event, now())); }

std::optional<PartyDialog> LiveCall::movable(std::string_view address) const {
    return runner_.idle() ? call_.movable(address) : std::nullopt;
}

/// Towards the first party the second one seems to call, or who was said to; towards all others the first.
Invitation LiveCall::invitation(const command::Invite& command) const {
    const auto& parties = call_.status().parties;
    Invitation result;
    result.target = command.address;
    const auto other = command.leg == 0 ? std::size_t{1} : std::size_t{0};
    result.from = parties[parties.size() > other ? other : 0].address;
    if (command.leg != 0)
        result.from_name = appearance_.name;
    else if (!appearance_.towards_first.empty())
        result.from = appearance_.towards_first;
    return result;
}

}  // namespace calls
