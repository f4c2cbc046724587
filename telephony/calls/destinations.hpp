// Which addresses may be called at all: what guards against toll fraud.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calls {

/// The address in normal form, when it is one that can be called: a tel: number or a sip: URI of printable
/// characters without brackets, quotes, headers or control characters.
[[nodiscard]] std::optional<std::string> callable_address(std::string_view text);

/// Outside destinations by their first characters; deny wins. Addresses of accounts are another matter.
class Destinations {
  public:
    /// Lists separated by spaces or commas, e.g. `tel:+49, sip:`. `loopback`: sip: URIs of this machine too.
    Destinations(std::string_view allow, std::string_view deny, bool loopback);

    [[nodiscard]] bool denied(std::string_view address) const;
    [[nodiscard]] bool allowed(std::string_view address) const;

  private:
    std::vector<std::string> allow_;
    std::vector<std::string> deny_;
    bool loopback_;
};

}  // namespace calls
