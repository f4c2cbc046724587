// Look-ups of addresses, in batches, and those that are read ahead.
#include "ledger/directory.hpp"

#include "base/pause.hpp"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <unordered_map>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

constexpr std::size_t parts_max = 64;
constexpr std::size_t part_min = 1000;  ///< addresses

/// Addresses that one statement reads: a few milliseconds, where they are in memory.
constexpr std::int64_t piece = 1000;

constexpr std::chrono::seconds retry_pause(10);

std::pair<std::string, AccountPtr> entry(const base::sql::Rows& rows, std::size_t row) {
    Account account;
    account.id = rows.integer(row, 1);
    account.shard = static_cast<std::int16_t>(rows.integer(row, 2));
    account.epoch = static_cast<std::int32_t>(rows.integer(row, 3));
    account.domain = rows.text(row, 4);
    return {std::string(rows.text(row, 0)), std::make_shared<const Account>(std::move(account))};
}

}  // namespace

Directory::Directory(base::Database& database, std::size_t capacity, base::Logger log)
    : database_(database), log_(std::move(log)), read_ahead_max_(capacity / 2) {
    const auto parts = std::clamp<std::size_t>(capacity / part_min, 1, parts_max);
    for (std::size_t i = 0; i < parts; ++i) parts_.emplace_back(capacity / parts);
    reader_ = std::jthread([this](const std::stop_token& stop) { serve_reading(stop); });
}

Directory::~Directory() = default;

asio::awaitable<Result<AccountPtr>> Directory::find(std::string address) {
    if (auto account = cached(address)) co_return account;
    const auto start = [this](auto handler, std::string missing) {
        wait({std::move(missing), Completion<Result<AccountPtr>>(std::move(handler))});
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<AccountPtr>)>(
        start, asio::use_awaitable, std::move(address));
}

Directory::Part& Directory::part_of(std::string_view address) {
    return parts_[std::hash<std::string_view>()(address) % parts_.size()];
}

AccountPtr Directory::cached(std::string_view address) {
    auto& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    const auto* found = part.cache.find(address);
    return found ? *found : nullptr;
}

void Directory::remember(std::string address, AccountPtr account) {
    auto& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    part.cache.put(std::move(address), std::move(account));
}

void Directory::forget(std::string_view address) {
    auto& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    part.cache.erase(address);
}

void Directory::forget_all() {
    for (auto& part : parts_) {
        const std::lock_guard lock(part.mutex);
        part.cache.clear();
    }
    {
        const std::lock_guard lock(mutex_);
        forgotten_ = true;
    }
    to_read_.notify_one();
}

std::size_t Directory::size() const {
    std::size_t size = 0;
    for (const auto& part : parts_) {
        const std::lock_guard lock(part.mutex);
        size += part.cache.size();
    }
    return size;
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
        for (std::size_t row = 0; row < rows.size(); ++row) found.insert(entry(rows, row));
    } catch (const base::DatabaseBusy&) {
        otherwise = Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("addresses can't be looked up", {{"addresses", waiters.size()}, {"error", error.what()}});
        otherwise = Refusal::unavailable;
    }
    for (const auto& [address, account] : found) remember(address, account);
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

void Directory::serve_reading(const std::stop_token& stop) {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            if (!to_read_.wait(lock, stop, [this] { return forgotten_; })) return;
            forgotten_ = false;
        }
        try {
            read_ahead(stop);
        } catch (const std::exception& error) {
            // The database is away or busy; until it is not, addresses are looked up when they are asked for.
            log_.warning("addresses are not read ahead; trying again", {{"error", error.what()}});
            base::pause(stop, retry_pause);
            const std::lock_guard lock(mutex_);
            forgotten_ = true;
        }
    }
}

bool Directory::forgotten() {
    const std::lock_guard lock(mutex_);
    return forgotten_;
}

void Directory::read_ahead(const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    std::string last;
    std::size_t read = 0;
    bool more = true;
    while (more && !stop.stop_requested() && !forgotten()) {
        const auto start = Clock::now();
        const auto wanted = std::min(piece, static_cast<std::int64_t>(read_ahead_max_ - read));
        const auto rows = database_.run_blocking([&](base::sql::Session& session) {
            return session.exec(
                "select address, account_id, shard, epoch, domain from ledger.accounts_after($1, $2)",
                base::sql::params(last, wanted));
        });
        for (std::size_t row = 0; row < rows.size(); ++row) {
            auto [address, account] = entry(rows, row);
            last = address;
            remember(std::move(address), std::move(account));
        }
        read += rows.size();
        more = rows.size() == static_cast<std::size_t>(piece);
        base::pause(stop, Clock::now() - start);
    }
    if (more) return;
    log_.info("addresses are read ahead",
              {{"addresses", read},
               {"ms", std::chrono::round<std::chrono::milliseconds>(Clock::now() - begin).count()}});
}

}  // namespace ledger
