// How applications write amounts.
#pragma once

#include "frontend/auth/principal.hpp"

#include <functional>
#include <set>
#include <string>

namespace payment {

/// Gateways differ: most write 1.50 for 1.50 EUR, some 150.
struct AmountStyle {
    bool minor = false;                           ///< all applications count minor units
    std::set<std::string, std::less<>> minor_of;  ///< these do: logins in their long form

    [[nodiscard]] bool is_minor(const std::string& login) const { return minor || minor_of.contains(login); }
    [[nodiscard]] bool is_minor(const auth::Principal& principal) const {
        return is_minor(principal.login());
    }
};

}  // namespace payment
