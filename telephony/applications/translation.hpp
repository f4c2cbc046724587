// Questions as SOAP calls, in the version that an application registered with, and its answers as directives.
// Pure.
#pragma once

#include "frontend/soap_client.hpp"
#include "telephony/applications/messages.hpp"
#include "telephony/applications/notification.hpp"

#include <cstddef>
#include <optional>

namespace applications {

/// The call that puts this question to the application, without time-out and repetition. Nothing where its
/// interface has no operation for the event.
[[nodiscard]] std::optional<frontend::OutgoingCall> call_of(const Notification& notification,
                                                            const Question& question);

/// What an action means; nothing when it makes no sense: Route without an address or with several, Fork
/// without one or with more than `addresses_max`, an address that is empty or longer than an address is.
[[nodiscard]] std::optional<Directive> directive_of(const Notification& notification, Action action,
                                                    std::size_t addresses_max);

}  // namespace applications
