// Which permission each SOAP operation needs: data, from which docs/rights.md and the tests are made.
#pragma once

#include "frontend/auth/principal.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace auth {

/// One operation of one interface, in all its versions.
struct OperationRight {
    std::string_view interface;  ///< as the message tables name it, e.g. `AmountCharging`
    std::string_view operation;  ///< e.g. `chargeAmount`
    Permission permission;
};

/// Every operation that is served, by interface.
[[nodiscard]] std::span<const OperationRight> operation_rights();

/// Nothing for an operation that is not in the table: it must not be served.
[[nodiscard]] std::optional<Permission> permission_of(std::string_view interface, std::string_view operation);

/// docs/rights.md, from the two tables.
[[nodiscard]] std::string rights_document();

}  // namespace auth
