// What a server does about calls whose server is gone: its own of earlier runs, when it starts, and those of
// other nodes that have died, when it misses them. Parties are hung up, answered calls are charged, the
// others' amounts given back, and the records closed. And what it does about its own calls when others missed
// it: those that they have taken end here.
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
#include <vector>

namespace thirdpartycall {

struct RecoveryOptions {
    std::chrono::milliseconds heartbeat{5'000};  ///< how often this server says that it lives
    std::chrono::milliseconds patience{30'000};  ///< after which another one that does not is dead
};

/// The calls that run on this server, by their identifiers. Called on the executor.
struct RunningCalls {
    std::function<std::vector<std::string>()> list;
    std::function<void(const std::string& id)> taken;  ///< by another server: it ends here without a charge
};

/// Belongs to the executor. The references outlive it.
class Recovery {
  public:
    Recovery(calls::Recorder recorder, RecoveryOptions options, RunningCalls running,
             base::Database& database, ledger::Ledger& ledger, calls::Signalling& signalling,
             boost::asio::any_io_executor executor, base::Logger log);

    /// Once others know that this server lives; goes on as long as it is not stopped. Doing anything twice
    /// changes nothing. Throws std::runtime_error when the database can't be reached.
    void start(std::string url);
    void stop();
    /// Others need not ask this server any more: it knows of no call. Waits for the database.
    void leave();

  private:
    boost::asio::awaitable<void> live();
    /// What a sign of life brought to light.
    struct Heartbeat {
        std::int64_t taken = 0;  ///< calls of silent servers that are this one's now
        bool missed = false;     ///< others did not know that this one lives
    };
    boost::asio::awaitable<bool> missed_others();
    [[nodiscard]] std::function<Heartbeat(base::sql::Session&)> sign_of_life() const;
    boost::asio::awaitable<void> end_taken();
    void start_recovering();
    boost::asio::awaitable<void> recover_all();
    boost::asio::awaitable<void> recover();

    calls::Recorder recorder_;
    RecoveryOptions options_;
    RunningCalls running_;
    base::Database& database_;
    ledger::Ledger& ledger_;
    calls::Signalling& signalling_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    boost::asio::steady_timer pause_;
    std::string url_;          // where others ask this one about its calls
    bool unheard_ = false;     // the last sign of life failed
    bool recovering_ = false;  // recover_all() runs
    bool again_ = false;       // there may be calls that it has not seen
    bool stopped_ = false;
};

}  // namespace thirdpartycall
