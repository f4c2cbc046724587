// Look-ups of addresses, in batches.
#include "ledger/directory.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unordered_map>
#include <utility>

namespace asio = boost::asio;

namespace ledger {

Directory::Directory(base::Database& database, std::size_t capacity, base::Logger log)
    : database_(database), log_(std::move(log)), cache_(capacity) {}

asio::awaitable<Result<AccountPtr>> Directory::find(std::string address) {
    if (auto account = cached(address)) co_return account;
    const auto start = [this](auto handler, std::string missing) {
        wait({std::move(missing), Completion<Result<AccountPtr>>(std::move(handler))});
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<AccountPtr>)>(
        start, asio::use_awaitable, std::move(address));
}

AccountPtr Directory::cached(std::string_view address) {
    const std::lock_guard lock(mutex_);
    const auto* found = cache_.find(address);
    return found ? *found : nullptr;
}

void Directory::forget(std::string_view address) {
    const std::lock_guard lock(mutex_);
    cache_.erase(address);
}

void Directory::forget_all() {
    const std::lock_guard lock(mutex_);
    cache_.clear();
}

/// Queues a look-up. While one statement is under way, the next misses gather for the next one.
void Directory::wait(Waiter waiter) {
    const auto executor = waiter.waiting.executor();
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(waiter));
        if (std::exchange(loading_, true)) return;
    }
    asio::co_spawn(executor, load_waiting(), asio::detached);
}

asio::awaitable<void> Directory::load_waiting() {
    while (true) {
        std::vector<Waiter> waiters;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) {
                loading_ = false;
                co_return;
            }
            waiters.swap(waiting_);
        }
        co_await load(std::move(waiters));
    }
}

asio::awaitable<void> Directory::load(std::vector<Waiter> waiters) {
    base::sql::ArrayText addresses;
    for (const auto& waiter : waiters) addresses.add(std::string_view(waiter.address));
    auto statement = [&addresses](base::sql::Session& session) {
        return session.exec("select address, account_id, shard, epoch, domain from ledger.find_accounts($1)",
                            base::sql::params(addresses));
    };
    Refusal otherwise = Refusal::unknown_account;
    std::unordered_map<std::string, AccountPtr> found;
    try {
        const auto rows = co_await database_.run(statement);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            Account account;
            account.id = rows.integer(row, 1);
            account.shard = static_cast<std::int16_t>(rows.integer(row, 2));
            account.epoch = static_cast<std::int32_t>(rows.integer(row, 3));
            account.domain = rows.text(row, 4);
            found.emplace(rows.text(row, 0), std::make_shared<const Account>(std::move(account)));
        }
    } catch (const base::DatabaseBusy&) {
        otherwise = Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("addresses can't be looked up", {{"addresses", waiters.size()}, {"error", error.what()}});
        otherwise = Refusal::unavailable;
    }
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [address, account] : found) cache_.put(address, account);
    }
    for (auto& waiter : waiters) {
        const auto account = found.find(waiter.address);
        Result<AccountPtr> result = otherwise;
        if (account != found.end()) result = account->second;
        const auto executor = waiter.waiting.executor();
        asio::post(executor, [waiting = std::move(waiter.waiting), result]() mutable {
            waiting.resume(std::move(result));
        });
    }
}

}  // namespace ledger
