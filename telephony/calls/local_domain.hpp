// Which addresses a SIP URI may mean that was sent to us.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calls {

/// Names by which this server is called, and the domain whose users they then mean.
struct LocalDomain {
    std::string domain;              ///< e.g. example.com
    std::vector<std::string> hosts;  ///< in lower case; IPv6 in brackets
    std::uint16_t port = 5060;

    /// Addresses in the ledger's spelling, the likeliest first; empty for what is no sip: or tel: URI. On our
    /// own host, `sip:bob@127.0.0.1:5060` is bob of our domain, and `sip:+15550001@…` a telephone number.
    [[nodiscard]] std::vector<std::string> readings(std::string_view uri) const;
    /// Might one of our accounts have it? Not a device at an IP address that is not ours: calls to such are
    /// not looked up in vain.
    [[nodiscard]] bool may_be_account(std::string_view uri) const;
    /// Is this URI sent to us rather than to another host?
    [[nodiscard]] bool is_ours(std::string_view uri) const;
};

}  // namespace calls
