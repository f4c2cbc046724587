// What a dialog is, or an INVITE that has no answer yet, as text: kept in the call's record, so that a later
// server can end it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sip {

/// RFC 3261, 12, as the caller has it. Headers as they stand in messages, without their names.
struct DialogState {
    std::string call_id;
    std::string from;                        ///< ours, with its tag
    std::string to;                          ///< theirs, with its tag
    std::string contact;                     ///< the remote target; may be empty
    std::vector<std::string> record_routes;  ///< in the order of the 2xx
    std::uint32_t cseq = 0;                  ///< of our INVITE
    bool trusted = false;                    ///< the peer may ask for our credentials
    // Of an INVITE that has no answer yet, what its CANCEL has the same (RFC 3261, 9.1).
    std::string via{};     ///< empty: it is answered
    std::string target{};  ///< Request-URI
    std::string route{};   ///< may be empty
};

/// One header a line, behind a letter.
[[nodiscard]] std::string to_string(const DialogState& state);
/// Nothing for text that to_string did not write.
[[nodiscard]] std::optional<DialogState> dialog_state_from(std::string_view text);

}  // namespace sip
