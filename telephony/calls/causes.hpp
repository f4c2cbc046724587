// Why a party's part of a call ended: the one table from SIP to Parlay X. docs/calls.md has it, and a test
// holds that against it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace calls {

/// The cause of a participant's end (ES 202 504-2, CallParticipantTerminationCause). Version 2 of the
/// standard puts the party in front: CalledPartyBusy.
enum class Cause : std::uint8_t { no_answer, busy, not_reachable, hang_up, aborted };

/// What ends a party's part, or a call, other than the final response to an INVITE.
enum class Ending : std::uint8_t {
    unanswered,   ///< for as long as a party may ring
    hung_up,      ///< by the party
    ended,        ///< by an application or a limit, while connected
    ended_early,  ///< the same before, or by a caller that cancelled
    lost,         ///< no sign of life, or the dialog is unknown to the party
    unusable,     ///< the party offers nothing, refuses the others' media, or can't be mixed
};

/// The cause of a final response to an INVITE (RFC 3261, 21). 503 also stands for ICMP errors, 408 for
/// silence.
[[nodiscard]] Cause cause_of(int status, bool rang);
[[nodiscard]] Cause cause_of(Ending ending);

/// As records and the command line spell it: `no-answer`.
[[nodiscard]] std::string_view to_string(Cause cause);
/// The cause that is spelled so; aborted for anything else.
[[nodiscard]] Cause cause_named(std::string_view name);
/// As it ends in Parlay X, behind whose it is: `NoAnswer`.
[[nodiscard]] std::string_view parlay_name(Cause cause);

/// The whole table as Markdown.
[[nodiscard]] std::string causes_document();

}  // namespace calls
