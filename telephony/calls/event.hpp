// What happens to a call, and what a call wants done: the two vocabularies of its state machine.
#pragma once

#include "telephony/calls/causes.hpp"
#include "telephony/calls/sdp.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace calls {

/// A leg is the dialog with one party. Numbered within its call, never reused.
using LegNo = std::size_t;
/// Names a request of a peer that waits for its answer.
using Ticket = std::uint64_t;
/// Names a timer that was set. A timer that nobody waits for any more may still ring.
using TimerId = std::uint64_t;

/// When something happened: by a clock that never jumps, and as people read it.
struct Moment {
    std::chrono::milliseconds steady{0};
    std::chrono::sys_time<std::chrono::microseconds> wall{};
};

/// A message's body.
struct Body {
    std::string type;  ///< Content-Type, empty when there is none
    std::string text;
};

/// What a bridge plays to all parties of a call, again and again.
enum class Tone : std::uint8_t {
    none,
    ringing,    ///< somebody is called
    funds_end,  ///< the time that is paid for ends soon
};

/// Requests inside a dialog that concern the other party too.
enum class Method : std::uint8_t { reinvite, update, info };

/// A party with the dialog that it is in, for another call to take.
struct PartyDialog {
    LegNo leg = 0;  ///< that it was
    std::string address;
    std::vector<std::string> dialogs;       ///< of its PartyStatus
    std::string described;                  ///< its last description
    std::size_t lines = 0;                  ///< m= lines of the dialog
    std::optional<sdp::AudioOnly> audio{};  ///< of Add
    /// Of our descriptions in this dialog, whose o= line stays what it was.
    std::uint64_t session = 0;
    std::uint64_t version = 0;
};

namespace event {

/// The first one.
struct Start {};
/// 101 to 199.
struct Ringing {
    LegNo leg = 0;
    int status = 180;
    std::string sdp{};     ///< early media's; an answer, or an offer where we made none
    std::string dialog{};  ///< as Answered's; of the first one of each telephone only
};
/// A 2xx to our INVITE or re-INVITE. It waits for an Ack.
struct Answered {
    LegNo leg = 0;
    std::string sdp;
    std::string dialog{};  ///< what Signalling::hang_up_lost needs to end it after this server is gone
};
/// The initial INVITE failed: the leg is gone.
struct Refused {
    LegNo leg = 0;
    int status = 0;
};
/// A re-INVITE failed; the dialog is still there.
struct Rejected {
    LegNo leg = 0;
    int status = 0;
};
/// The peer asks for something. It waits for an Answer.
struct Requested {
    LegNo leg = 0;
    Ticket ticket = 0;
    Method method = Method::reinvite;
    Body body;
};
/// The peer cancelled its re-INVITE, and has been answered.
struct Withdrawn {
    LegNo leg = 0;
    Ticket ticket = 0;
};
/// The peer's ACK to our 2xx, which may carry an answer.
struct Acknowledged {
    LegNo leg = 0;
    std::string sdp;
};
/// The final response to a Relay.
struct Replied {
    LegNo leg = 0;
    Ticket ticket = 0;
    int status = 0;
    Body body;
};
/// The peer sent BYE: the leg is gone.
struct HungUp {
    LegNo leg = 0;
};
/// The dialog broke (no refresh, no ACK, 481): the leg is gone.
struct Lost {
    LegNo leg = 0;
    std::optional<Moment> alive{};  ///< when the peer last gave a sign of life: its part has ended then
};
/// What End asked for is done: the leg is gone.
struct Gone {
    LegNo leg = 0;
};
/// The bridge's description for a party that asked to join.
struct Joined {
    LegNo leg = 0;
    std::string sdp;
};
/// The bridge can't take this party, or lost it.
struct Unbridged {
    LegNo leg = 0;
    bool unfit = false;  ///< its media can't be mixed: asking again is no use
};
struct Timer {
    TimerId id = 0;
};
/// More time is paid for: how long the call may last in all.
struct Granted {
    std::chrono::milliseconds total{0};
};
/// Somebody entitled wants the call to end.
struct End {};
/// Another server took this one for dead and has the call now: it ends the parties, the charge and the
/// record.
struct Taken {};
/// One more party.
struct Add {
    std::string address;
    std::optional<sdp::AudioOnly> audio{};  ///< that it may have; nothing: what the parties agree on
};
/// One party less.
struct Remove {
    std::string address;
};
/// A party of another call goes on in this one, with its dialog.
struct Arrived {
    PartyDialog party;
};
/// And it has left this one.
struct Moved {
    LegNo leg = 0;
};

}  // namespace event

using Event =
    std::variant<event::Start, event::Ringing, event::Answered, event::Refused, event::Rejected,
                 event::Requested, event::Withdrawn, event::Acknowledged, event::Replied, event::HungUp,
                 event::Lost, event::Gone, event::Joined, event::Unbridged, event::Timer, event::Granted,
                 event::End, event::Taken, event::Add, event::Remove, event::Arrived, event::Moved>;

namespace command {

/// Calls a party without a description: it is asked for its offer (RFC 3725, flow III).
struct Invite {
    LegNo leg = 0;
    std::string address;
};
/// A new offer; empty: asks for one.
struct Reinvite {
    LegNo leg = 0;
    std::string sdp;
};
/// Cancels the re-INVITE that is under way, if it is: Rejected comes, or an Answered that crossed it.
struct Withdraw {
    LegNo leg = 0;
};
/// Acknowledges a 2xx, with an answer where the 2xx carried an offer.
struct Ack {
    LegNo leg = 0;
    std::string sdp;
};
/// The peer's request, made to the other party.
struct Relay {
    LegNo leg = 0;
    Ticket ticket = 0;
    Method method = Method::info;
    Body body;
};
/// The final response to a peer's request.
struct Answer {
    LegNo leg = 0;
    Ticket ticket = 0;
    int status = 200;
    Body body;
};
/// The final failure of a caller's INVITE: its leg is gone then.
struct Refuse {
    LegNo leg = 0;
    int status = 0;
    std::string reason{};  ///< empty: the usual phrase
};
/// Ends a leg whatever its state: CANCEL, or ACK and BYE, or BYE.
struct End {
    LegNo leg = 0;
    Cause why = Cause::hang_up;  ///< of its own end, or of the whole call's
};
/// Mixes a party with the others; the offer is the party's.
struct Join {
    LegNo leg = 0;
    std::string offer;
    bool muted = false;  ///< nobody hears it
};
struct Leave {
    LegNo leg = 0;
};
/// Whoever is mixed hears this from now on, instead of what was played before.
struct Play {
    Tone tone = Tone::none;
};
/// What comes next waits until the call's record is safe: from then on the call may be charged, and a server
/// that takes over must know it.
struct Secure {};
struct SetTimer {
    TimerId id = 0;
    std::chrono::milliseconds after{0};
};
/// Two parties are connected (by time: were): what was held is charged. At most once, and never after
/// Release.
struct Capture {};
/// The time that is paid for ends soon. Answered by Granted, or not at all.
struct Extend {};
/// The call failed: what was held is given back. At most once, and never after Capture.
struct Release {};
/// The status differs from the last one.
struct Changed {};
/// The last one: no leg is left.
struct Finished {};

}  // namespace command

using Command =
    std::variant<command::Invite, command::Reinvite, command::Withdraw, command::Ack, command::Relay,
                 command::Answer, command::Refuse, command::End, command::Join, command::Leave, command::Play,
                 command::Secure, command::SetTimer, command::Capture, command::Extend, command::Release,
                 command::Changed, command::Finished>;
using Commands = std::vector<Command>;

}  // namespace calls
