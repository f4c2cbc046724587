// The notifications that calls are about at the moment, in front of the database.
#pragma once

#include "base/cache.hpp"
#include "base/log.hpp"
#include "telephony/applications/notification.hpp"
#include "telephony/applications/storage.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace applications {

using NotificationPtr = std::shared_ptr<const Notification>;

/// On one executor. Those who ask for the same one at once wait for one statement, and are answered in order.
class KnownNotifications {
  public:
    using Found = std::function<void(NotificationPtr)>;
    /// Runs a coroutine on the executor.
    using Spawn = std::function<void(boost::asio::awaitable<void>)>;

    KnownNotifications(std::size_t capacity, Storage& storage, Spawn spawn, base::Logger log)
        : cache_(capacity), storage_(storage), spawn_(std::move(spawn)), log_(std::move(log)) {}

    /// `found` is called at once or later; with null when there is none, or the database is away.
    void find(const std::string& id, Found found);

    void forget(const std::string& id);
    void forget_all();

  private:
    boost::asio::awaitable<void> load(std::string id);

    base::GenerationCache<NotificationPtr> cache_;
    std::unordered_map<std::string, std::vector<Found>> waiting_;
    std::uint64_t forgotten_ = 0;  ///< how often something was forgotten
    Storage& storage_;
    Spawn spawn_;
    base::Logger log_;
};

}  // namespace applications
