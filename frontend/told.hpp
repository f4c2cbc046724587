// Faults as rows of tables: what services' documents and answers are both made from.
#pragma once

#include "frontend/service.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace frontend {

/// A fault as a table spells it: SVC0002 with a message part, SVC0001 or POL0001 with a code, others alone.
struct Told {
    std::string_view id;
    std::string_view variable{};
    bool operator==(const Told&) const = default;
};

[[nodiscard]] inline Refused refused(const Told& told, bool try_again = false, std::string_view cause = {}) {
    std::vector<std::string> variables;
    if (!told.variable.empty()) variables.emplace_back(told.variable);
    auto fault = told.id.starts_with("POL") ? soap::Fault::policy(told.id, std::move(variables))
                                            : soap::Fault::service(told.id, std::move(variables));
    return {std::move(fault), try_again, cause};
}

}  // namespace frontend
