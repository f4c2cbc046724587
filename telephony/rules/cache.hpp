// The rules of the accounts that were called lately, on this node.
#pragma once

#include "base/cache.hpp"
#include "base/database.hpp"
#include "base/log.hpp"
#include "telephony/rules/store.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace rules {

/// The rules live as long as somebody holds them: a call's decision points into them.
using RuleSetPtr = std::shared_ptr<const RuleSet>;

/// Loads what it has not got off the thread. What other nodes change is dropped (forget), and never comes
/// back from a load that began before.
class RuleCache {
  public:
    /// At most `capacity` accounts. `database` outlives this; loads run on `executor`.
    RuleCache(base::Database& database, boost::asio::any_io_executor executor, std::size_t capacity,
              base::Logger log);

    /// Null: the database does not answer, or is overloaded. That is an error of the call, not "no rules".
    using Found = std::function<void(RuleSetPtr)>;

    /// The rules for calls to this account (the ledger's id) of this domain. On the executor; `found` is
    /// called there, before this returns where they are known. Those who ask at once share one load.
    void find(std::int64_t account, std::string domain, Found found);

    /// After a notification on changed_channel, with its payload. From any thread.
    void forget(const std::string& payload);
    /// When notifications may have been missed.
    void forget_all() { forget({}); }

  private:
    boost::asio::awaitable<void> load(Owner owner);
    std::uint64_t forgotten();

    base::Database& database_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    std::mutex mutex_;             // of the two below: others forget on other threads
    std::uint64_t forgotten_ = 0;  // how often: what was read before is not remembered
    base::GenerationCache<RuleSetPtr> cache_;
    std::unordered_map<std::int64_t, std::vector<Found>> waiting_;  // on the executor
};

}  // namespace rules
