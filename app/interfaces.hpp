// The Parlay X interfaces that a server publishes.
#pragma once

#include "accountmgmt/messages.hpp"
#include "payment/interfaces.hpp"
#include "telephony/applications/messages.hpp"
#include "telephony/callhandling/messages.hpp"
#include "telephony/callnotification/messages.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <vector>

namespace app {

/// Those that are served, and those of applications that are called.
[[nodiscard]] inline std::vector<const soap::Interface*> published_interfaces() {
    std::vector<const soap::Interface*> all(payment::interfaces.begin(), payment::interfaces.end());
    all.push_back(&accountmgmt::account_management);
    all.push_back(&thirdpartycall::third_party_call);
    all.push_back(&callnotification::call_direction_manager);
    all.push_back(&callnotification::call_notification_manager);
    all.push_back(&applications::call_direction);
    all.push_back(&applications::call_notification);
    all.push_back(&callhandling::call_handling);
    return all;
}

}  // namespace app
