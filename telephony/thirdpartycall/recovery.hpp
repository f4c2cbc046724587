// What a server does about the calls of its earlier runs that were killed: parties are hung up, answered
// calls are charged, the others' amounts given back, and the records closed.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/awaitable.hpp>

namespace thirdpartycall {

/// Once, at the start; tries until the database answers. Doing it twice changes nothing. The references
/// outlive it.
[[nodiscard]] boost::asio::awaitable<void> recover_calls(calls::Recorder recorder, base::Database& database,
                                                         ledger::Ledger& ledger,
                                                         calls::Signalling& signalling, base::Logger log);

}  // namespace thirdpartycall
