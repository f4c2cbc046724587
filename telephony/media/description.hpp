// Session descriptions of parties that are mixed: what the bridge can take of an offer, and its answer
// (RFC 3264, RFC 4566).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace media {

/// Of a party's offer: the first audio that can be mixed, in the first codec of it that can.
struct Offer {
    std::string address;  ///< numeric; where the party wants its media
    std::uint16_t port = 0;
    std::string codec;  ///< as Janus names it: pcmu, pcma, opus
    int payload_type = 0;
    std::string encoding;               ///< of its rtpmap, e.g. `PCMU/8000`
    std::string direction;              ///< sendrecv, sendonly, recvonly, inactive
    std::vector<std::string> sections;  ///< all m= lines
    std::size_t mixed = 0;              ///< which of them
};

/// Nothing when none of it can be mixed: no audio, no codec that the bridge has, encrypted media, no address.
[[nodiscard]] std::optional<Offer> read_offer(std::string_view text);

/// One codec, at this address; every other section is refused. The o= line is the reader's to replace.
[[nodiscard]] std::string answer_to(const Offer& offer, const std::string& address, std::uint16_t port);

}  // namespace media
