// Which account an address names: a cache in front of ledger.address.
#pragma once

#include "base/cache.hpp"
#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/account.hpp"
#include "ledger/completion.hpp"
#include "ledger/outcome.hpp"

#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Bounded; misses that come at once are looked up with one statement. What it says may be out of date: the
/// posting function compares Account::epoch under the lock and answers Refusal::stale_address.
class Directory {
  public:
    Directory(base::Database& database, std::size_t capacity, base::Logger log);

    /// The account that holds this address now; unknown_account, overloaded or unavailable otherwise.
    boost::asio::awaitable<Result<AccountPtr>> find(std::string address);

    void forget(std::string_view address);
    void forget_all();

  private:
    struct Waiter {
        std::string address;
        Completion<Result<AccountPtr>> waiting;
    };

    AccountPtr cached(std::string_view address);
    void wait(Waiter waiter);
    boost::asio::awaitable<void> load_waiting();
    boost::asio::awaitable<void> load(std::vector<Waiter> waiters);

    base::Database& database_;
    const base::Logger log_;
    std::mutex mutex_;
    base::GenerationCache<AccountPtr> cache_;
    std::vector<Waiter> waiting_;
    bool loading_ = false;
};

}  // namespace ledger
