// A call from outside with what runs it: private to InboundCalls.
#pragma once

#include "telephony/calls/inbound_calls.hpp"
#include "telephony/calls/ladder.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace calls {

struct InboundCalls::Live {
    CallNo number;
    InboundCall call;
    auth::PrincipalPtr caller;        ///< null: it came from a trusted peer
    std::vector<std::string> payers;  ///< the caller, as we or a peer know it; none: it is but claimed
    RecordFacts record;
    std::shared_ptr<CallCharge> charge;
    std::unique_ptr<CommandRunner> runner;
    Onlookers onlookers;
    Ladder ladder;
    std::optional<Contact> passed_on;  ///< another node's call, for this one's connection
};

}  // namespace calls
