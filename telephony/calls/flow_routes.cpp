// Sealed text: `FLOW UNTIL CONTACT`.
#include "telephony/calls/flow_routes.hpp"

#include <sstream>

namespace calls {

std::string FlowRoutes::route(const std::string& node, std::uint64_t flow, const std::string& contact,
                              std::chrono::sys_seconds until) const {
    const auto text =
        std::to_string(flow) + ' ' + std::to_string(until.time_since_epoch().count()) + ' ' + contact;
    return "<sip:" + box_.seal(text) + '@' + node + ";lr>";
}

std::optional<std::uint64_t> FlowRoutes::flow(std::string_view user, std::string_view contact,
                                              std::chrono::sys_seconds now) const {
    if (user.empty()) return std::nullopt;
    const auto text = box_.open(user);
    if (!text) return std::nullopt;
    std::istringstream words(*text);
    std::uint64_t flow = 0;
    std::int64_t until = 0;
    std::string named;
    words >> flow >> until >> named;
    const bool right = !words.fail() && named == contact && until >= now.time_since_epoch().count();
    return right ? std::optional(flow) : std::nullopt;
}

}  // namespace calls
