// Look-ups, and loads that several wait for.
#include "telephony/rules/cache.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace asio = boost::asio;

namespace rules {

RuleCache::RuleCache(base::Database& database, asio::any_io_executor executor, std::size_t capacity,
                     base::Logger log)
    : database_(database), executor_(std::move(executor)), log_(std::move(log)), cache_(capacity) {}

void RuleCache::find(std::int64_t account, std::string domain, Found found) {
    RuleSetPtr known;
    {
        const std::lock_guard lock(mutex_);
        if (const auto* cached = cache_.find(std::to_string(account))) known = *cached;
    }
    if (known) return found(std::move(known));
    auto& waiters = waiting_[account];
    waiters.push_back(std::move(found));
    if (waiters.size() > 1) return;
    Owner owner{account, std::move(domain)};
    asio::co_spawn(executor_, load(std::move(owner)), asio::detached);
}

std::uint64_t RuleCache::forgotten() {
    const std::lock_guard lock(mutex_);
    return forgotten_;
}

asio::awaitable<void> RuleCache::load(Owner owner) {
    // Who came while it was read may know of a change that the reading missed.
    constexpr int readings_max = 3;
    const auto account = *owner.account;
    RuleSetPtr set;
    try {
        for (int reading = 0; reading < readings_max; ++reading) {
            const auto begun = forgotten();
            const auto read = [&owner](base::sql::Session& session) { return rules::load(session, owner); };
            set = std::make_shared<const RuleSet>(co_await database_.run(read));
            const std::lock_guard lock(mutex_);
            if (begun != forgotten_) continue;
            cache_.put(std::to_string(account), set);
            break;
        }
    } catch (const std::exception& error) {
        set = nullptr;
        log_.error("the rules of an account can't be read", {{"account", account}, {"error", error.what()}});
    }
    const auto waiters = std::move(waiting_.extract(account).mapped());
    for (const auto& waiter : waiters) waiter(set);
}

void RuleCache::forget(const std::string& payload) {
    const std::lock_guard lock(mutex_);
    ++forgotten_;
    if (payload.empty())
        cache_.clear();
    else
        cache_.erase(payload);
}

}  // namespace rules
