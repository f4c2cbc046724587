// The table of causes.
#include "telephony/calls/causes.hpp"

#include <algorithm>
#include <array>

namespace calls {
namespace {

constexpr std::array table{
    CauseRow{486, 486, {}, Cause::busy, "Busy Here"},
    CauseRow{600, 600, {}, Cause::busy, "Busy Everywhere"},
    CauseRow{603, 603, {}, Cause::busy, "Decline"},
    CauseRow{604, 604, {}, Cause::not_reachable, "Does Not Exist Anywhere"},
    CauseRow{408, 408, true, Cause::no_answer, "Request Timeout after ringing"},
    CauseRow{480, 480, true, Cause::no_answer, "Temporarily Unavailable after ringing"},
    CauseRow{408, 408, false, Cause::not_reachable, "no response at all"},
    CauseRow{480, 480, false, Cause::not_reachable, "Temporarily Unavailable"},
    CauseRow{404, 404, {}, Cause::not_reachable, "Not Found"},
    CauseRow{410, 410, {}, Cause::not_reachable, "Gone"},
    CauseRow{500, 599, {}, Cause::not_reachable, "failure of a server or network, ICMP errors"},
    CauseRow{300, 699, {}, Cause::aborted, "any other refusal"},
};

}  // namespace

std::span<const CauseRow> cause_table() { return table; }

Cause cause_of(int status, bool rang) {
    const auto row = std::ranges::find_if(table, [&](const CauseRow& candidate) {
        return candidate.first <= status && status <= candidate.last &&
               (!candidate.rang || *candidate.rang == rang);
    });
    return row == table.end() ? Cause::aborted : row->cause;
}

std::string_view to_string(Cause cause) {
    switch (cause) {
        case Cause::no_answer:
            return "no-answer";
        case Cause::busy:
            return "busy";
        case Cause::not_reachable:
            return "not-reachable";
        case Cause::hang_up:
            return "hang-up";
        case Cause::aborted:
            break;
    }
    return "aborted";
}

}  // namespace calls
