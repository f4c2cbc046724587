// What a call costs: held before the first party is called, charged when two are connected, given back when
// the call fails.
#pragma once

#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

namespace thirdpartycall {

/// A hold, and what ends it, once: true charges all of it, false gives it back.
struct HeldCharge {
    std::string hold;  ///< as reservationIdentifier
    std::function<void(bool paid)> settle;
};

/// Holds the amount on the payer's account. What it returns repeats its posting, on `executor`, until the
/// ledger has it or the hold's own life ends. `ledger` outlives the executor's work.
[[nodiscard]] boost::asio::awaitable<ledger::Result<HeldCharge>> hold_charge(
    ledger::Ledger& ledger, boost::asio::any_io_executor executor, base::Logger log, std::string application,
    ledger::AccountPtr payer, Charging charging);

}  // namespace thirdpartycall
