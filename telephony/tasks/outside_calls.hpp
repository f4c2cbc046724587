// Calls from outside, asked and told as tasks are: applications that hear of one may see and change it.
#pragma once

#include "telephony/calls/bridge.hpp"
#include "telephony/calls/inbound_calls.hpp"
#include "telephony/tasks/question.hpp"

#include <cstddef>

namespace tasks {

/// What such a call says to who may ask for it; to others there is none. It has the events and the status of
/// ParlayMakeCall, but its parties change to other calls by being called anew: transferTarget is
/// unknown_target. Parties are added once it is connected. `bridge`: null when there is none.
[[nodiscard]] Answer answer(calls::InboundCalls& calls, std::size_t parties_max, const calls::Bridge* bridge,
                            const Question& question);

}  // namespace tasks
