// The table of causes.
#include "telephony/calls/causes.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace calls {
namespace {

/// Final responses from `first` to `last`, after ringing, without, or either way.
struct ResponseRow {
    int first = 0;
    int last = 0;
    std::optional<bool> rang;  ///< nothing: whether it rang or not
    Cause cause = Cause::aborted;
    std::string_view meaning;  ///< for people
};

/// The first row that fits counts.
constexpr std::array response_table{
    ResponseRow{486, 486, {}, Cause::busy, "Busy Here"},
    ResponseRow{600, 600, {}, Cause::busy, "Busy Everywhere"},
    ResponseRow{603, 603, {}, Cause::busy, "Decline"},
    ResponseRow{604, 604, {}, Cause::not_reachable, "Does Not Exist Anywhere"},
    ResponseRow{408, 408, true, Cause::no_answer, "Request Timeout"},
    ResponseRow{480, 480, true, Cause::no_answer, "Temporarily Unavailable"},
    ResponseRow{408, 408, false, Cause::not_reachable, "Request Timeout; no response at all"},
    ResponseRow{480, 480, false, Cause::not_reachable, "Temporarily Unavailable"},
    ResponseRow{404, 404, {}, Cause::not_reachable, "Not Found"},
    ResponseRow{410, 410, {}, Cause::not_reachable, "Gone"},
    ResponseRow{500, 599, {}, Cause::not_reachable, "failures of servers and networks; ICMP errors are 503"},
    ResponseRow{300, 699, {}, Cause::aborted, "any other refusal; 487 to our CANCEL"},
};

struct EndingRow {
    Ending ending = Ending::lost;
    Cause cause = Cause::aborted;
    std::string_view meaning;  ///< for people
};

/// In the order of Ending.
constexpr std::array ending_table{
    EndingRow{Ending::unanswered, Cause::no_answer, "no final response within `[call] no_answer`"},
    EndingRow{Ending::hung_up, Cause::hang_up, "BYE"},
    EndingRow{
        Ending::ended, Cause::hang_up,
        "while connected: ended or removed by an application or an operator; `[call] max_duration`; the "
        "end of what is paid for"},
    EndingRow{Ending::ended_early, Cause::aborted, "before: the same; CANCEL of a caller"},
    EndingRow{Ending::lost, Cause::aborted,
              "no answer in the dialog (408, 481, a session timer), or a crash"},
    EndingRow{Ending::unusable, Cause::aborted,
              "media: no offer, a re-INVITE refused, not taken by the bridge of three and more"},
};

std::string responses_of(const ResponseRow& row) {
    auto text = std::to_string(row.first);
    if (row.last != row.first) text += " to " + std::to_string(row.last);
    return text;
}

std::string_view rang_of(const ResponseRow& row) {
    if (!row.rang) return "either";
    return *row.rang ? "yes" : "no";
}

}  // namespace

Cause cause_of(int status, bool rang) {
    const auto* row = std::ranges::find_if(response_table, [&](const ResponseRow& candidate) {
        return candidate.first <= status && status <= candidate.last &&
               (!candidate.rang || *candidate.rang == rang);
    });
    return row == response_table.end() ? Cause::aborted : row->cause;
}

Cause cause_of(Ending ending) { return ending_table.at(static_cast<std::size_t>(ending)).cause; }

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

std::string_view parlay_name(Cause cause) {
    switch (cause) {
        case Cause::no_answer:
            return "NoAnswer";
        case Cause::busy:
            return "Busy";
        case Cause::not_reachable:
            return "NotReachable";
        case Cause::hang_up:
            return "HangUp";
        case Cause::aborted:
            break;
    }
    return "Aborted";
}

std::string causes_document() {
    std::string text = "| what ended it | after ringing | cause | in records |\n| --- | --- | --- | --- |\n";
    const auto add = [&text](std::string_view what, std::string_view rang, Cause cause) {
        text.append("| ").append(what).append(" | ").append(rang).append(" | ");
        text.append(parlay_name(cause)).append(" | ").append(to_string(cause)).append(" |\n");
    };
    for (const auto& row : response_table)
        add(responses_of(row).append(" ").append(row.meaning), rang_of(row), row.cause);
    for (const auto& row : ending_table) add(row.meaning, "", row.cause);
    return text;
}

Cause cause_named(std::string_view name) {
    for (const auto cause : {Cause::no_answer, Cause::busy, Cause::not_reachable, Cause::hang_up}) {
        if (to_string(cause) == name) return cause;
    }
    return Cause::aborted;
}

}  // namespace calls
