// Example requests for people, written from the same tables that decode them.
#pragma once

#include "frontend/soap/interface.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace soap {

/// A SOAP 1.1 envelope with a request of that operation: every mandatory element with a value of its type,
/// optional ones that need no knowledge of the server too, and comments that name the others. Nothing when
/// the version has no such operation.
[[nodiscard]] std::optional<std::string> sample_request(const Endpoint& endpoint, std::string_view operation);

}  // namespace soap
