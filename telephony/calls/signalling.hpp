// What calls need from a network of parties. telephony/sip implements it.
#pragma once

#include "telephony/calls/causes.hpp"
#include "telephony/calls/event.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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
    std::string target;      ///< sip: or tel: URI
    std::string from;        ///< the same
    std::string from_name;   ///< display name; may be empty
    bool anonymous = false;  ///< and that it is nobody's business but trusted peers'
    std::string contact{};   ///< where the target is registered: the URI to send to; empty: the target itself
    std::string route{};     ///< and by which proxies (RFC 3327)
    std::uint64_t flow = 0;  ///< and on which of this node's connections; 0, or gone: a new one
    bool located = false;    ///< that is known, also where there is no contact
    std::string sdp{};       ///< the offer; empty: one is asked for
    int max_forwards = 70;
};

/// A final response beside its body.
struct Response {
    int status = 0;
    std::string reason{};                ///< empty: the usual phrase
    std::vector<std::string> headers{};  ///< whole lines without their ends
};

/// A message of a leg's dialog, for those who look at how a call went.
struct Signal {
    LegNo leg = 0;
    Moment at;
    bool sent = false;  ///< by us
    std::string text;   ///< one line, e.g. `180 Ringing (INVITE)`
};
using SignalSink = std::function<void(CallNo, Signal)>;

/// What legs report, on a thread of the network's.
using EventSink = std::function<void(CallNo, Event)>;

/// Every function returns at once and may be called on any thread; the order of calls for one leg is kept.
/// A leg reports its end exactly once: Refused, HungUp, Lost or Gone.
class Signalling {
  public:
    virtual ~Signalling() = default;
    virtual void invite(LegId leg, Invitation invitation) = 0;
    virtual void reinvite(LegId leg, std::string sdp) = 0;
    /// Cancels a re-INVITE, if it is still under way.
    virtual void withdraw(LegId leg) = 0;
    virtual void ack(LegId leg, std::string sdp) = 0;
    virtual void relay(LegId leg, Ticket ticket, Method method, Body body) = 0;
    virtual void answer(LegId leg, Ticket ticket, int status, Body body) = 0;
    /// Ends a leg whatever its state; the peer is told why.
    virtual void end(LegId leg, Cause why) = 0;
    /// From now on the dialog is this other leg. What the network has reported already bears the old name.
    virtual void rename(LegId from, LegId to) = 0;
    /// Answers a caller's INVITE with a failure: the leg is Gone. What came first counts.
    virtual void refuse(LegId leg, Response response) = 0;
    /// Ends a dialog that an earlier server left, or the ringing, by what its Answered or Ringing said.
    virtual void hang_up_lost(std::string dialog) = 0;
};

}  // namespace calls
