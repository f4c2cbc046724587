// What a server does about calls whose server is gone: its own of earlier runs, when it starts, and those of
// other nodes that have died, when it misses them. Parties are hung up, answered calls are charged, the
// others' amounts given back, and the records closed.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace thirdpartycall {

struct RecoveryOptions {
    std::chrono::milliseconds heartbeat{5'000};  ///< how often this server says that it lives
    std::chrono::milliseconds patience{30'000};  ///< after which another one that does not is dead
};

/// Belongs to the executor. The references outlive it.
class Recovery {
  public:
    Recovery(calls::Recorder recorder, RecoveryOptions options, base::Database& database,
             ledger::Ledger& ledger, calls::Signalling& signalling, boost::asio::any_io_executor executor,
             base::Logger log);

    /// Once others know that this server lives; goes on as long as it is not stopped. Doing anything twice
    /// changes nothing. Throws std::runtime_error when the database can't be reached.
    void start(std::string url);
    void stop();
    /// Others need not ask this server any more: it knows of no call. Waits for the database.
    void leave();

  private:
    boost::asio::awaitable<void> live();
    boost::asio::awaitable<bool> missed_others();
    [[nodiscard]] std::function<std::int64_t(base::sql::Session&)> sign_of_life() const;
    boost::asio::awaitable<void> recover();

    calls::Recorder recorder_;
    RecoveryOptions options_;
    base::Database& database_;
    ledger::Ledger& ledger_;
    calls::Signalling& signalling_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    boost::asio::steady_timer pause_;
    std::string url_;  // where others ask this one about its calls
    bool stopped_ = false;
};

}  // namespace thirdpartycall
