// What calls need from a network of parties. telephony/sip implements it.
#pragma once

#include "telephony/calls/event.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace calls {

/// Numbers a call on this node.
using CallNo = std::uint64_t;

struct LegId {
    CallNo call = 0;
    LegNo leg = 0;
    auto operator<=>(const LegId&) const = default;
};

/// Who is called, and who seems to call.
struct Invitation {
    std::string target;     ///< sip: or tel: URI
    std::string from;       ///< the same
    std::string from_name;  ///< display name; may be empty
};

/// What legs report, on a thread of the network's.
using EventSink = std::function<void(CallNo, Event)>;

/// Every function returns at once and may be called on any thread; the order of calls for one leg is kept.
/// A leg that was invited reports its end exactly once: Refused, HungUp, Lost or Gone.
class Signalling {
  public:
    virtual ~Signalling() = default;
    virtual void invite(LegId leg, Invitation invitation) = 0;
    virtual void reinvite(LegId leg, std::string sdp) = 0;
    virtual void ack(LegId leg, std::string sdp) = 0;
    virtual void relay(LegId leg, Ticket ticket, Method method, Body body) = 0;
    virtual void answer(LegId leg, Ticket ticket, int status, Body body) = 0;
    virtual void end(LegId leg) = 0;
    /// Ends a dialog that an earlier server left, by what its Answered said.
    virtual void hang_up_lost(std::string dialog) = 0;
};

}  // namespace calls
