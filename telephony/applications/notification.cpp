// Names of events: those of the message tables.
#include "telephony/applications/notification.hpp"

#include "telephony/applications/messages.hpp"

#include <algorithm>
#include <iterator>

namespace applications {

std::string_view to_string(Event event) {
    return soap::Describe<Event>::literals[static_cast<std::size_t>(event)];
}

std::optional<Event> event_named(std::string_view name) {
    const auto& names = soap::Describe<Event>::literals;
    const auto* const found = std::ranges::find(names, name);
    if (found == std::end(names)) return std::nullopt;
    return static_cast<Event>(found - std::begin(names));
}

std::string_view to_string(Manner manner) { return manner == Manner::ask ? "ask" : "tell"; }

std::string loggable_endpoint(std::string_view uri) {
    std::string loggable(uri.substr(0, uri.find_first_of("?#")));
    const auto slashes = loggable.find("//");
    if (slashes == std::string::npos) return loggable;
    const auto authority = slashes + 2;
    const auto user_end = loggable.rfind('@', loggable.find('/', authority));
    if (user_end != std::string::npos && user_end >= authority)
        loggable.erase(authority, user_end + 1 - authority);
    return loggable;
}

}  // namespace applications
