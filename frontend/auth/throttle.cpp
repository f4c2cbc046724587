// Counting of failures.
#include "frontend/auth/throttle.hpp"

#include "base/ip.hpp"

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

std::string pair_key(std::string_view login, std::string_view address) {
    return base::counted_address(address) + ' ' + std::string(login_key(login));
}

/// Makes room for one more: those that have ended go, else any.
template <class Map, class Ended>
void make_room(Map& map, std::size_t limit, Ended ended) {
    if (map.size() < limit) return;
    std::erase_if(map, [&](const auto& entry) { return ended(entry.second); });
    if (map.size() >= limit) map.erase(map.begin());
}

}  // namespace

bool Throttle::allows(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto counted = base::counted_address(address);
    auto until = refused_until(logins_, login_key(login), options_.per_login, now);
    if (!until) until = refused_until(addresses_, counted, options_.per_address, now);
    if (!until) return true;
    const auto* known = working(login, address, now);
    if (known != nullptr &&
        (known->count.ends <= now || known->count.failures < options_.per_login || options_.per_login == 0)) {
        return true;
    }
    make_room(refused_, options_.entries_max, [now](auto ends) { return ends <= now; });
    refused_[counted] = *until;
    return false;
}

Throttle::Clock::duration Throttle::refused_for(std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto found = refused_.find(base::counted_address(address));
    return found == refused_.end() || found->second <= now ? Clock::duration::zero() : found->second - now;
}

void Throttle::failed(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    add(logins_, login_key(login), now);
    add(addresses_, base::counted_address(address), now);
    if (auto* known = working(login, address, now)) count(known->count, now);
}

void Throttle::worked(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (auto* known = working(login, address, now)) {
        known->ends = now + options_.works_for;
        return;
    }
    make_room(working_, options_.entries_max, [now](const Working& each) { return each.ends <= now; });
    working_[pair_key(login, address)] = {now + options_.works_for, {}};
}

void Throttle::add(Counts& counts, std::string_view key, Clock::time_point now) const {
    make_room(counts, options_.entries_max, [now](const Count& each) { return each.ends <= now; });
    count(counts[std::string(key)], now);
}

void Throttle::count(Count& count, Clock::time_point now) const {
    if (count.ends <= now) count = {0, now + options_.window};
    ++count.failures;
}

Throttle::Working* Throttle::working(std::string_view login, std::string_view address,
                                     Clock::time_point now) {
    const auto found = working_.find(pair_key(login, address));
    return found == working_.end() || found->second.ends <= now ? nullptr : &found->second;
}

}  // namespace auth
