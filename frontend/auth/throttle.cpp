// Counting of failures.
#include "frontend/auth/throttle.hpp"

#include <optional>

namespace auth {
namespace {

/// Until when no more tries are allowed; nothing when they are.
template <class Counts>
std::optional<Throttle::Clock::time_point> refused_until(const Counts& counts, std::string_view key,
                                                         std::size_t limit, Throttle::Clock::time_point now) {
    if (limit == 0) return std::nullopt;
    const auto found = counts.find(std::string(key));
    const bool below = found == counts.end() || found->second.ends <= now || found->second.failures < limit;
    return below ? std::nullopt : std::optional(found->second.ends);
}

/// Nobody's login is longer, and what a stranger makes up must not be kept in full.
std::string_view login_key(std::string_view login) { return login.substr(0, 511); }

}  // namespace

bool Throttle::allows(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    auto until = refused_until(logins_, login_key(login), options_.per_login, now);
    if (!until) until = refused_until(addresses_, address, options_.per_address, now);
    if (!until) return true;
    if (refused_.size() >= options_.entries_max) {
        std::erase_if(refused_, [now](const auto& entry) { return entry.second <= now; });
        if (refused_.size() >= options_.entries_max) refused_.erase(refused_.begin());
    }
    refused_[std::string(address)] = *until;
    return false;
}

Throttle::Clock::duration Throttle::refused_for(std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto found = refused_.find(std::string(address));
    return found == refused_.end() || found->second <= now ? Clock::duration::zero() : found->second - now;
}

void Throttle::failed(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    add(logins_, login_key(login), now);
    add(addresses_, address, now);
}

void Throttle::add(Counts& counts, std::string_view key, Clock::time_point now) const {
    if (counts.size() >= options_.entries_max) {
        std::erase_if(counts, [now](const auto& entry) { return entry.second.ends <= now; });
        if (counts.size() >= options_.entries_max) counts.erase(counts.begin());
    }
    auto& count = counts[std::string(key)];
    if (count.ends <= now) count = {0, now + options_.window};
    ++count.failures;
}

}  // namespace auth
