// In which order an address's contacts are called, and what their failures come to (RFC 3261, 16.6 and 16.7):
// decided once, for calls from outside and for those that applications make.
#pragma once

#include "telephony/calls/locations.hpp"

#include <vector>

namespace calls {

/// Those of one q are called at once, the others when they have failed. `contacts` has the best first; of the
/// result the last group comes first.
[[nodiscard]] std::vector<std::vector<Contact>> by_preference(const std::vector<Contact>& contacts);

/// 6xx: the user takes the call nowhere, and nobody else is called.
[[nodiscard]] bool everywhere(int status);

/// Which of two failures the caller hears of: busy tells more than an error, and everywhere more than that.
/// `known` 0: there was none before. `rang`: the one with `status` did.
[[nodiscard]] int telling_failure(int known, int status, bool rang);

}  // namespace calls
