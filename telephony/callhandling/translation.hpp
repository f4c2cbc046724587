// What the elements of Call Handling mean as Signal Rules.
#pragma once

#include "ledger/address.hpp"
#include "telephony/callhandling/messages.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/rules/rule.hpp"

#include <string>
#include <variant>
#include <vector>

namespace callhandling {

/// The message part with an address that is none, e.g. `rules.forward.onBusyAddress`.
struct BadAddress {
    std::string part;
};

/// All of acceptList is one rule, all of blockList another; `forward` and each element of forwardList are up
/// to three: at once, on busy, on no answer. A caller of forwardList is never sent on by `forward`: only one
/// action is taken for a call.
///
/// Addresses may have `*` for any characters where callers are meant: `numbers` completes those without `+`.
/// `plan` does so for those that are to be called.
[[nodiscard]] std::variant<std::vector<rules::Rule>, BadAddress> translate(
    const CallHandlingRules& given, const ledger::NumberingPlan& numbers, const calls::DialPlan& plan);

}  // namespace callhandling
