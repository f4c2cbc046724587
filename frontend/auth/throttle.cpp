// Counting of failures.
#include "frontend/auth/throttle.hpp"

namespace auth {
namespace {

template <class Counts>
bool below(const Counts& counts, std::string_view key, std::size_t limit, Throttle::Clock::time_point now) {
    if (limit == 0) return true;
    const auto found = counts.find(std::string(key));
    return found == counts.end() || found->second.ends <= now || found->second.failures < limit;
}

}  // namespace

bool Throttle::allows(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    return below(logins_, login, options_.per_login, now) &&
           below(addresses_, address, options_.per_address, now);
}

void Throttle::failed(std::string_view login, std::string_view address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    add(logins_, login, now);
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
