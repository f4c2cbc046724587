// Why a party's part of a call ended: the one table from SIP to Parlay X (docs/calls.md is made from it).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace calls {

/// The cause of a participant's end (ES 202 504-2, CallParticipantTerminationCause). Version 2 of the
/// standard puts the party in front: CalledPartyBusy.
enum class Cause : std::uint8_t { no_answer, busy, not_reachable, hang_up, aborted };

/// One row: final responses from `first` to `last`, after ringing, without, or either way.
struct CauseRow {
    int first = 0;
    int last = 0;
    std::optional<bool> rang;  ///< nothing: whether it rang or not
    Cause cause = Cause::aborted;
    std::string_view meaning;  ///< for people
};

/// The first row that fits counts.
[[nodiscard]] std::span<const CauseRow> cause_table();

/// The cause of a final response to an INVITE (RFC 3261, 21). 503 also stands for ICMP errors, 408 for
/// silence.
[[nodiscard]] Cause cause_of(int status, bool rang);

/// As records and the command line spell it: `no-answer`.
[[nodiscard]] std::string_view to_string(Cause cause);

}  // namespace calls
