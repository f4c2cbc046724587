// Names of events.
#include "telephony/applications/notification.hpp"

#include <algorithm>

namespace applications {
namespace {

constexpr std::array<std::string_view, events.size()> event_names{
    "Busy", "NotReachable", "NoAnswer", "CalledNumber", "Answer", "Disconnected"};

}  // namespace

std::string_view to_string(Event event) { return event_names[static_cast<std::size_t>(event)]; }

std::optional<Event> event_named(std::string_view name) {
    const auto found = std::ranges::find(event_names, name);
    if (found == event_names.end()) return std::nullopt;
    return static_cast<Event>(found - event_names.begin());
}

std::string_view to_string(Manner manner) { return manner == Manner::ask ? "ask" : "tell"; }

}  // namespace applications
