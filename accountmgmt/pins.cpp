// Looks a PIN's hash up, remembers right PINs, and verifies others on a thread of its own.
#include "accountmgmt/pins.hpp"

#include "base/worker_pool.hpp"
#include "frontend/auth/credential_cache.hpp"
#include "frontend/auth/password.hpp"
#include "ledger/completion.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <utility>

namespace asio = boost::asio;

namespace accountmgmt {
namespace {

using Clock = std::chrono::steady_clock;

struct StoredPin {
    std::string hash;
    bool throttled = false;
};

}  // namespace

struct Pins::Impl {
    base::Database& database;
    const Options options;
    const base::Logger log;
    const auth::CredentialHasher hasher;

    std::mutex mutex;  // of what follows
    auth::CredentialCache<bool> right;

    base::WorkerPool workers;  // last: its thread uses the others

    Impl(base::Database& given_database, Options given, base::Logger given_log)
        : database(given_database),
          options(given),
          log(std::move(given_log)),
          right(options.remember_limit, options.remember),
          workers(1, options.hashing_queue_limit) {}

    [[nodiscard]] base::sql::Params tries_of(std::int64_t account) const {
        return base::sql::params(account, std::int64_t{options.tries_max},
                                 std::to_string(options.tries_window.count()) + " milliseconds");
    }

    /// Under the stored hash, which is another one with every change of the PIN.
    [[nodiscard]] auth::CredentialHash key_of(const std::string& hash, const std::string& pin) const {
        return hasher(hash + ' ' + pin);
    }

    asio::awaitable<std::optional<StoredPin>> find(std::int64_t account);
    [[nodiscard]] bool judge(std::int64_t account, const std::string& pin);
    [[nodiscard]] PinVerdict verify(std::int64_t account, std::string& pin);
};

/// Throws what Database::run throws.
asio::awaitable<std::optional<StoredPin>> Pins::Impl::find(std::int64_t account) {
    auto statement = [params = tries_of(account)](base::sql::Session& session) {
        return session.exec("select pin_hash, throttled from auth.account_pin($1, $2, $3)", params);
    };
    const auto rows = co_await database.run(std::move(statement));
    if (rows.empty()) co_return std::nullopt;
    co_return StoredPin{std::string(rows.text(0, 0)), rows.boolean(0, 1)};
}

/// On the hashing thread. Throws.
bool Pins::Impl::judge(std::int64_t account, const std::string& pin) {
    const auto begun = database.run_blocking([params = tries_of(account)](base::sql::Session& session) {
        return session.exec("select auth.begin_pin_try($1, $2, $3)", params);
    });
    const auto hash = begun.optional_text(0, 0);
    if (!hash || !auth::verify_password(*hash, pin)) {
        log.warning("a wrong PIN", {{"account", account}, {"throttled", !hash}});
        return false;
    }
    database.run_blocking([account](base::sql::Session& session) {
        return session.exec("select auth.forget_pin_tries($1)", base::sql::params(account));
    });
    const std::lock_guard lock(mutex);
    right.put(key_of(*hash, pin), true, Clock::now());
    return true;
}

/// Wipes the PIN.
PinVerdict Pins::Impl::verify(std::int64_t account, std::string& pin) {
    auto verdict = PinVerdict::unavailable;
    try {
        verdict = judge(account, pin) ? PinVerdict::good : PinVerdict::bad;
    } catch (const base::DatabaseBusy&) {
        verdict = PinVerdict::overloaded;
    } catch (const std::exception& error) {
        log.error("a PIN could not be verified", {{"error", error.what()}});
    }
    auth::wipe(pin);
    return verdict;
}

Pins::Pins(base::Database& database, Options options, base::Logger log)
    : impl_(std::make_unique<Impl>(database, options, std::move(log))) {}

Pins::~Pins() = default;

asio::awaitable<PinVerdict> Pins::check(std::int64_t account, std::optional<std::string> pin) {
    auto failure = PinVerdict::unavailable;
    bool found = false;
    std::optional<StoredPin> stored;
    try {
        stored = co_await impl_->find(account);
        found = true;
    } catch (const base::DatabaseBusy&) {
        failure = PinVerdict::overloaded;
    } catch (const std::exception& error) {
        impl_->log.error("a PIN can't be looked up", {{"error", error.what()}});
    }
    if (!found) co_return failure;
    if (!stored) co_return PinVerdict::good;
    // A PIN that is missing is no try at it. While tries are closed the right one is refused as well:
    // otherwise it could be told from the wrong ones.
    if (stored->throttled || !pin || pin->empty()) co_return PinVerdict::bad;
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->right.find(impl_->key_of(stored->hash, *pin), Clock::now())) co_return PinVerdict::good;
    }
    const auto start = [this, account](auto handler, std::string tried) {
        using Waiting = ledger::Completion<PinVerdict>;
        const auto waiting = std::make_shared<Waiting>(std::move(handler));
        const auto answer = [waiting](PinVerdict verdict) {
            asio::post(waiting->executor(), [waiting, verdict] { waiting->resume(verdict); });
        };
        auto work = [this, account, answer, tried = std::move(tried)]() mutable {
            answer(impl_->verify(account, tried));
        };
        if (!impl_->workers.push(std::move(work))) answer(PinVerdict::overloaded);
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(PinVerdict)>(
        start, asio::use_awaitable, std::move(*pin));
}

}  // namespace accountmgmt
