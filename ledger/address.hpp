// The normal form of addresses: one spelling for each, so that a look-up is an equality.
#pragma once

#include <string>
#include <string_view>

namespace ledger {

/// An address as a client sent it, in the spelling that the directory keeps.
///
/// `tel:` URIs (RFC 3966, section 3 and 5) lose visual separators; a number with `+` but without scheme is a
/// `tel:` one. The scheme, and a `sip:` address's host (RFC 3261, 19.1.4), are in lower case. White space
/// around is dropped (xsd:anyURI collapses it). Other text stays as it is: then no account has it.
[[nodiscard]] std::string normal_address(std::string_view text);

}  // namespace ledger
