// Which account an address names: a cache in front of ledger.address.
#pragma once

#include "base/cache.hpp"
#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/account.hpp"
#include "ledger/completion.hpp"
#include "ledger/outcome.hpp"

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ledger {

/// Bounded; misses that come at once are looked up with one statement. What it says may be out of date: the
/// posting function compares Account::epoch under the lock and answers Refusal::stale_address.
///
/// A node that starts, or has to forget all, would look up nearly every address that it is asked for. So half
/// of the cache is read ahead then, in the order of addresses and in half of one session's time; the other
/// half is for those that are asked for and were not read.
class Directory {
  public:
    Directory(base::Database& database, std::size_t capacity, base::Logger log);
    ~Directory();  ///< finishes the piece that is being read
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    /// The account that holds this address now; unknown_account, overloaded or unavailable otherwise.
    boost::asio::awaitable<Result<AccountPtr>> find(std::string address);

    void forget(std::string_view address);
    /// Then it reads ahead.
    void forget_all();

    /// How many addresses are remembered. Thread-safe.
    [[nodiscard]] std::size_t size() const;

  private:
    /// A cache that grows or forgets a generation holds up who asks it, so there are many small ones.
    struct Part {
        explicit Part(std::size_t capacity) : cache(capacity) {}
        mutable std::mutex mutex;
        base::GenerationCache<AccountPtr> cache;
    };
    struct Waiter {
        std::string address;
        Completion<Result<AccountPtr>> waiting;
    };

    Part& part_of(std::string_view address);
    AccountPtr cached(std::string_view address);
    void remember(std::string address, AccountPtr account);
    void wait(Waiter waiter);
    boost::asio::awaitable<void> load_waiting();
    boost::asio::awaitable<void> load(std::vector<Waiter> waiters);

    void serve_reading(const std::stop_token& stop);
    bool forgotten();
    void read_ahead(const std::stop_token& stop);

    base::Database& database_;
    const base::Logger log_;
    const std::size_t read_ahead_max_;
    std::deque<Part> parts_;
    std::mutex mutex_;  ///< of what follows
    std::vector<Waiter> waiting_;
    bool loading_ = false;
    bool forgotten_ = false;  ///< all, and nothing is read ahead yet
    std::condition_variable_any to_read_;
    std::jthread reader_;  // last: it uses the others
};

}  // namespace ledger
