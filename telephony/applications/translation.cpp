// Which operation of which version, and what an action means.
#include "telephony/applications/translation.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace applications {
namespace {

constexpr std::size_t address_bytes_max = 512;

/// The version of our interfaces for a manager's version: of Parlay X 2 the same, of 3 what belongs to it.
const soap::Version& version_for(const soap::Interface& interface, soap::VersionNumber manager) {
    const soap::Version* best = &interface.versions.front();
    for (const auto& version : interface.versions) {
        if (version.number.major != manager.major) continue;
        // 3.1 of the managers and 3.2 of these interfaces are one edition.
        const bool later = version.number > soap::VersionNumber{3, 2};
        if (best->number.major != manager.major || !later || manager > soap::VersionNumber{3, 2})
            best = &version;
    }
    return *best;
}

std::string operation_of(Manner manner, Event event) {
    if (event == Event::disconnected) return "notifyCallEvent";
    return (manner == Manner::ask ? "handle" : "notify") + std::string(to_string(event));
}

std::optional<std::string> if_given(std::string text) {
    if (text.empty()) return std::nullopt;
    return text;
}

soap::Message message_of(const Notification& notification, const Question& question) {
    if (question.event == Event::disconnected) {
        NamedCallEvent event;
        event.correlator = notification.correlator;
        event.event.event = question.event;
        event.calling = question.calling;
        event.calling_name = if_given(question.calling_name);
        event.called = question.called;
        event.session = if_given(question.session);
        return soap::Message::of(std::move(event));
    }
    CallEvent event;
    event.correlator = notification.correlator;
    event.calling = question.calling;
    event.calling_name = if_given(question.calling_name);
    event.called = question.called;
    event.session = if_given(question.session);
    return soap::Message::of(std::move(event));
}

std::optional<Verb> verb_of(const Action& action, std::size_t addresses_max) {
    const auto count = action.addresses.size();
    switch (action.verb) {
        case ActionValue::carry_on:
            return Verb::carry_on;
        case ActionValue::end_call:
            return Verb::end_call;
        case ActionValue::route:
            if (count == 1) return Verb::route;
            break;
        case ActionValue::fork:
            if (count >= 1 && count <= addresses_max) return Verb::fork;
            break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<frontend::OutgoingCall> call_of(const Notification& notification, const Question& question) {
    const auto& interface = notification.manner == Manner::ask ? call_direction : call_notification;
    const auto& version = version_for(interface, notification.manager);
    frontend::OutgoingCall call;
    call.url = notification.endpoint;
    call.endpoint = {&interface, &version};
    call.operation = interface.find(version, operation_of(notification.manner, question.event));
    if (call.operation == nullptr) return std::nullopt;
    call.message = message_of(notification, question);
    if (notification.manager.major == version.number.major && version.number.major == 2)
        call.local_namespace = soap::with_version(version.local, notification.manager);
    return call;
}

std::optional<Directive> directive_of(const Notification& notification, Action action,
                                      std::size_t addresses_max) {
    const auto fits = [](const std::string& address) {
        return !address.empty() && address.size() <= address_bytes_max;
    };
    // Some send every element, the unused ones empty or with anything in them.
    const bool calls = action.verb == ActionValue::route || action.verb == ActionValue::fork;
    if (!calls) action.addresses.clear();
    const auto verb = verb_of(action, addresses_max);
    if (!verb || !std::ranges::all_of(action.addresses, fits)) return std::nullopt;
    Directive directive;
    directive.verb = *verb;
    directive.addresses = std::move(action.addresses);
    directive.screen = notification.screen;
    // Some fill in the element of every call: an amount of zero is nothing to pay.
    if (action.charging && action.charging->amount != base::Decimal{}) {
        directive.toll = Toll{std::move(*action.charging), notification.application, notification.payers};
    }
    return directive;
}

}  // namespace applications
