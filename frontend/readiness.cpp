// The text of /readyz.
#include "frontend/readiness.hpp"

namespace frontend {

std::string Readiness::text() const {
    std::string out = ready() ? "ready" : "not ready";
    for (const auto& check : checks) {
        out.append("\n").append(check.name).append(": ").append(check.trouble.empty() ? "ok" : check.trouble);
    }
    return out;
}

}  // namespace frontend
