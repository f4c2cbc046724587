// A call that is fed with events and keeps what it commanded.
#pragma once

#include "telephony/calls/call.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace call_player {

using namespace calls;

inline const std::string offer =
    "v=0\r\no=p 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

inline CallOptions options() {
    CallOptions result;
    result.held = true;
    result.bridge = true;
    result.address = "127.0.0.1";
    result.session = 64;
    return result;
}

/// Feeds a call and keeps what it commanded.
class Player {
  public:
    explicit Player(std::vector<std::string> parties, CallOptions with = options())
        : call(parties, std::move(with), Moment{}) {}

    Commands feed(const Event& event) {
        moment.steady += std::chrono::seconds(1);
        auto commands = call.on(event, moment);
        all.insert(all.end(), commands.begin(), commands.end());
        return commands;
    }

    template <class Command>
    [[nodiscard]] std::vector<Command> every() const {
        std::vector<Command> result;
        for (const auto& command : all) {
            if (const auto* found = std::get_if<Command>(&command)) result.push_back(*found);
        }
        return result;
    }

    void connect() {
        feed(event::Start{});
        feed(event::Answered{0, offer});
        feed(event::Answered{1, offer});
        feed(event::Answered{0, offer});
    }

    Call call;
    Moment moment;
    Commands all;
};

/// Three on the bridge.
inline void conference(Player& player) {
    player.connect();
    player.feed(event::Add{"sip:c"});
    for (const LegNo leg : {0U, 1U, 2U}) {
        player.feed(event::Answered{leg, offer});
        player.feed(event::Joined{leg, offer});
    }
}

}  // namespace call_player
