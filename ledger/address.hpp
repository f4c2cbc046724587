// The normal form of addresses: one spelling for each, so that a look-up is an equality.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// An address as a client sent it, in the spelling that the directory keeps.
///
/// Numbers of `tel:` URIs (RFC 3966, section 3 and 5) lose visual separators; a number with `+` but without
/// scheme is a `tel:` one. The scheme, and a `sip:` address's host (RFC 3261, 19.1.4), are in lower case.
/// White space around is dropped (xsd:anyURI collapses it). Other text stays as it is: then no account has
/// it.
[[nodiscard]] std::string normal_address(std::string_view text);

/// How numbers are meant that do not begin with `+`.
struct NumberingPlan {
    std::string country;  ///< calling code, e.g. 49; empty: such numbers are complete but for the `+`
    std::string trunk_prefix = "0";  ///< what national numbers are dialled with; empty: nothing
};

/// What an address may mean, in normal form: itself, or what a number without `+` stands for, national or
/// complete, before that number itself. `00` (ITU-T E.123) and a `phone-context=+…` (RFC 3966, 5.1.5) leave
/// one meaning; a national number that begins like the country's code has two.
[[nodiscard]] std::vector<std::string> readings_of(std::string_view text, const NumberingPlan& plan);

}  // namespace ledger
