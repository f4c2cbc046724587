// What a back-to-back user agent must do to session descriptions that it relays, and the few that it makes.
// Everything else in them stays as it came (RFC 4566, RFC 3264).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calls::sdp {

/// Who speaks, towards one party: the o= line's identity stays the same for the whole dialog, and its version
/// grows by one with every description (RFC 3264, 8), whoever's media it describes.
struct Origin {
    std::uint64_t session = 0;
    std::uint64_t version = 0;
    std::string address;  ///< of this server, e.g. 127.0.0.1
};

/// What one m= section that is not refused says.
struct Medium {
    std::string kind;      ///< audio, video, …
    bool sends = true;     ///< whoever described it wants to send
    bool receives = true;  ///< and to receive
};

/// Audio alone, in these directions, as the party that has it says it.
struct AudioOnly {
    bool sends = true;
    bool receives = true;
};

/// In their order, with the directions that hold for them (RFC 3264, 5.1; 0.0.0.0 receives nothing: RFC
/// 2543).
[[nodiscard]] std::vector<Medium> media(std::string_view text);

/// Nothing of it wants to receive: who speaks is on hold, or puts the other one there.
[[nodiscard]] bool on_hold(std::string_view text);

/// It has more media of some kind than before, ones that were refused not counted.
[[nodiscard]] bool adds_media(std::string_view text, std::string_view before);

/// Both have the same o= line: nothing is offered anew, the session is only refreshed (RFC 3264, 8).
[[nodiscard]] bool same_origin(std::string_view left, std::string_view right);

/// Both want their first audio at the same address, and in the same directions.
[[nodiscard]] bool same_audio(std::string_view left, std::string_view right);

/// The m= lines of a description.
[[nodiscard]] std::size_t media_lines(std::string_view text);

/// A description of somebody else's media as ours: o= replaced, the rest unchanged.
[[nodiscard]] std::string with_origin(std::string_view text, const Origin& origin);

/// At least `lines` m= lines: rejected ones (port 0) are added, as a new offer may never have fewer than the
/// last one (RFC 3264, 8).
[[nodiscard]] std::string padded(std::string_view text, std::size_t lines);

/// At most the first `lines` m= sections: an answer has as many as its offer.
[[nodiscard]] std::string cut(std::string_view text, std::size_t lines);

/// A description of somebody who may have no more than this: other media are refused (port 0), and audio
/// flows in no further direction.
[[nodiscard]] std::string limited(std::string_view text, const AudioOnly& to);

/// An offer of telephone audio (G.711) that sends and receives nothing.
[[nodiscard]] std::string silent_offer(const Origin& origin);

/// An answer that takes every medium and sends and receives nothing: the party is on hold (RFC 3725, flow
/// III).
[[nodiscard]] std::string held_answer(std::string_view offer, const Origin& origin);

/// An answer that refuses every medium (port 0), for a session that is ended at once.
[[nodiscard]] std::string refusing_answer(std::string_view offer, const Origin& origin);

}  // namespace calls::sdp
