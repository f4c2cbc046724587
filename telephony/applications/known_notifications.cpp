// One statement for all who wait.
#include "telephony/applications/known_notifications.hpp"

#include <exception>
#include <utility>

namespace applications {

void KnownNotifications::find(const std::string& id, Found found) {
    if (const auto* known = cache_.find(id)) {
        const auto notification = *known;
        found(notification);
        return;
    }
    auto& waiting = waiting_[id];
    waiting.push_back(std::move(found));
    if (waiting.size() == 1) spawn_(load(id));
}

void KnownNotifications::forget(const std::string& id) {
    ++forgotten_;
    cache_.erase(id);
}

void KnownNotifications::forget_all() {
    ++forgotten_;
    cache_.clear();
}

boost::asio::awaitable<void> KnownNotifications::load(std::string id) {
    NotificationPtr loaded;
    const auto forgotten = forgotten_;
    try {
        auto found = co_await storage_.find(id);
        if (found) loaded = std::make_shared<const Notification>(std::move(*found));
    } catch (const std::exception& error) {
        log_.error("a notification can't be read", {{"notification", id}, {"error", error.what()}});
    }
    // What was stopped while it was read is not kept.
    if (loaded && forgotten == forgotten_) cache_.put(id, loaded);
    const auto waiting = waiting_.extract(id);
    for (const auto& found : waiting.mapped()) found(loaded);
}

}  // namespace applications
