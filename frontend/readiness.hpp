// What /readyz says: each part of the server, and what it lacks.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace frontend {

/// What /readyz says.
struct Readiness {
    struct Check {
        std::string name;
        std::string trouble;  ///< why it is not ready, for people; empty: it is
    };
    std::vector<Check> checks;

    [[nodiscard]] bool ready() const {
        return std::ranges::all_of(checks, [](const Check& check) { return check.trouble.empty(); });
    }
    /// One line for the whole and one a check.
    [[nodiscard]] std::string text() const;
};

}  // namespace frontend
