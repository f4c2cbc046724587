// IP addresses as those of whoever is behind them.
#pragma once

#include <string>
#include <string_view>

namespace base {

/// What an address is counted as where clients are counted: an IPv6 address as its /64, all of which one
/// client has; every other text as it is.
[[nodiscard]] std::string counted_address(std::string_view address);

}  // namespace base
