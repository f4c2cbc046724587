// Recognising senders: what is remembered first, then one verification for all who wait for it.
#include "frontend/auth/authenticator.hpp"

#include "base/worker_pool.hpp"
#include "frontend/auth/basic.hpp"
#include "frontend/auth/credential_cache.hpp"
#include "frontend/auth/directory.hpp"
#include "frontend/auth/password.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace auth {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

std::string_view to_string(Denial denial) {
    switch (denial) {
        case Denial::missing:
            return "no credentials";
        case Denial::malformed:
            return "credentials not understood";
        case Denial::stale:
            return "nonce too old";
        case Denial::expired:
            return "Timestamp past or malformed";
        case Denial::conflict:
            return "credentials of different principals";
        case Denial::throttled:
            return "too many failures";
        case Denial::wrong:
            return "wrong credentials";
        case Denial::overloaded:
            return "too many passwords to verify";
        case Denial::unavailable:
            return "the database does not answer";
    }
    return "";
}

namespace {

/// A credential that was right, and what it was right against: while the stored hash stays the same, a change
/// to the principal costs a look-up, not another argon2.
struct Verified {
    PrincipalPtr principal;
    std::string password_hash;
    std::uint64_t epoch = 0;  ///< of forget(); another one: the principal must be read again
};

struct Verdict {
    Outcome outcome = Denial::unavailable;
    std::string password_hash;
    bool hashed = true;  ///< false: taken from what an earlier verification had found
};

}  // namespace

struct Authenticator::Impl {
    using Waiter = std::function<void(const Outcome&)>;

    base::Database& database;
    const Options options;
    const base::Logger log;
    const CredentialHasher hasher;
    Failures failures;

    std::mutex mutex;  // guards what follows
    std::uint64_t epoch = 0;
    CredentialCache<Verified> verified;
    CredentialCache<std::uint64_t> wrong;  ///< with the epoch in which it was wrong
    std::map<CredentialHash, std::vector<Waiter>> pending;

    base::WorkerPool workers;  // last: its threads use the others

    Impl(base::Database& given_database, Options given, base::Logger given_log)
        : database(given_database),
          options(std::move(given)),
          log(std::move(given_log)),
          failures(options.failures, log),
          verified(options.remember_verified_limit, options.remember_verified),
          wrong(options.remember_wrong_limit, options.remember_wrong),
          workers(options.hashing_threads, options.hashing_queue_limit) {}

    std::optional<Outcome> recall(const CredentialHash& hash, const Credentials& credentials);
    void wait_for(const CredentialHash& hash, const Credentials& credentials, Waiter waiter);
    [[nodiscard]] bool was_right(const CredentialHash& hash);
    void verify(const CredentialHash& hash, BasicCredentials& basic, const std::string& peer);
    [[nodiscard]] Verdict judge(BasicCredentials& basic, const std::string& known_hash,
                                const std::string& peer);
    void record_failure(const std::string& login, const char* reason, const std::string& peer);
    [[nodiscard]] std::string login_of(const BasicCredentials& basic) const;
    void conclude(const CredentialHash& hash, const Verdict& verdict, std::uint64_t started_in,
                  std::optional<Clock::time_point> expires);
};

std::optional<Outcome> Authenticator::Impl::recall(const CredentialHash& hash,
                                                   const Credentials& credentials) {
    const auto now = Clock::now();
    PrincipalPtr principal;
    bool refresh = false;
    {
        const std::lock_guard lock(mutex);
        if (const auto* entry = verified.find(hash, now); entry && entry->value.epoch == epoch) {
            principal = entry->value.principal;
            // In its last fifth it is verified again beside the traffic, which then never waits for argon2.
            refresh = entry->expires - now < verified.lifetime() / 5 && !pending.contains(hash);
        } else if (const auto* known = wrong.find(hash, now); known && known->value == epoch) {
            return Denial::wrong;
        }
    }
    if (!principal) return std::nullopt;
    if (refresh) wait_for(hash, credentials, nullptr);
    return principal;
}

/// Calls `waiter` (if any) with the outcome of the verification of these credentials, which is started unless
/// it is under way.
void Authenticator::Impl::wait_for(const CredentialHash& hash, const Credentials& credentials,
                                   Waiter waiter) {
    auto basic = parse_basic(credentials.authorization);
    if (!basic) {
        if (waiter) waiter(Denial::malformed);
        return;
    }
    const bool works = waiter && was_right(hash);
    if (waiter && !works && !failures.allows(login_of(*basic), credentials.peer))
        return waiter(Denial::throttled);
    {
        const std::lock_guard lock(mutex);
        const auto [place, first] = pending.try_emplace(hash);
        if (waiter) place->second.push_back(std::move(waiter));
        if (!first) return;
    }
    const auto work = [this, hash, basic = std::make_shared<BasicCredentials>(std::move(*basic)),
                       peer = std::string(credentials.peer)] { verify(hash, *basic, peer); };
    // A look-up, as many as credentials are remembered: it does not wait behind passwords of strangers.
    if (works)
        workers.push_first(work);
    else if (!workers.push(work))
        conclude(hash, {Denial::overloaded, {}, true}, 0, std::nullopt);
}

/// What was right a while ago is no guess. It is read again after every change of any user, and whoever
/// guesses must not stop those who work then.
bool Authenticator::Impl::was_right(const CredentialHash& hash) {
    const std::lock_guard lock(mutex);
    return verified.find(hash, Clock::now()) != nullptr;
}

void Authenticator::Impl::verify(const CredentialHash& hash, BasicCredentials& basic,
                                 const std::string& peer) {
    std::uint64_t started_in = 0;
    std::string known_hash;
    Clock::time_point known_until;
    bool guess = true;
    {
        const std::lock_guard lock(mutex);
        started_in = epoch;
        const auto* entry = verified.find(hash, Clock::now());
        guess = entry == nullptr;
        // An entry of an earlier epoch saves argon2; one of this epoch is due for it.
        if (entry && entry->value.epoch != epoch) {
            known_hash = entry->value.password_hash;
            known_until = entry->expires;
        }
    }
    Verdict verdict;
    try {
        // Guesses that came at once, before any of them had failed, are not all judged.
        if (guess && !failures.allows(login_of(basic), peer))
            verdict.outcome = Denial::throttled;
        else
            verdict = judge(basic, known_hash, peer);
    } catch (const base::DatabaseBusy&) {
        verdict.outcome = Denial::overloaded;
    } catch (const std::exception& error) {
        log.error("a credential could not be verified", {{"error", error.what()}});
    }
    wipe(basic.password);
    // Only argon2 extends how long a credential is remembered.
    conclude(hash, verdict, started_in, verdict.hashed ? std::nullopt : std::optional(known_until));
}

Verdict Authenticator::Impl::judge(BasicCredentials& basic, const std::string& known_hash,
                                   const std::string& peer) {
    const auto login = parse_login(basic.user, options.default_domain);
    std::optional<Stored> stored;
    if (login) {
        const auto find = [&](base::sql::Session& session) { return find_principal(session, *login); };
        stored = database.run_blocking(find);
    }

    const bool hashed = !stored || stored->password_hash.empty() || stored->password_hash != known_hash;
    const char* reason = nullptr;
    if (!stored || stored->password_hash.empty()) {
        verify_nothing(basic.password);
        reason = stored ? "no password set" : "unknown login";
    } else if (hashed && !verify_password(stored->password_hash, basic.password)) {
        reason = "wrong password";
    } else if (!stored->enabled) {
        reason = "disabled";
    }
    if (reason != nullptr) {
        record_failure(login_of(basic), reason, peer);
        return {Denial::wrong, {}, hashed};
    }
    return {std::make_shared<const Principal>(std::move(stored->principal)), std::move(stored->password_hash),
            hashed};
}

/// The login in its normal form, if it has one.
std::string Authenticator::Impl::login_of(const BasicCredentials& basic) const {
    const auto login = parse_login(basic.user, options.default_domain);
    return login ? login->text() : basic.user;
}

void Authenticator::Impl::record_failure(const std::string& login, const char* reason,
                                         const std::string& peer) {
    const auto row = failures.note(login, reason, peer);
    if (!row) return;
    try {
        database.run_blocking([&row](base::sql::Session& session) { Failures::write(session, *row); });
    } catch (const std::exception& error) {
        log.error("a failed authentication is missing in the trail", {{"error", error.what()}});
    }
}

void Authenticator::Impl::conclude(const CredentialHash& hash, const Verdict& verdict,
                                   std::uint64_t started_in, std::optional<Clock::time_point> expires) {
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock(mutex);
        const auto now = Clock::now();
        const auto* principal = std::get_if<PrincipalPtr>(&verdict.outcome);
        // What was read before a change may be stale: it is remembered in its own epoch, thus not recalled.
        if (principal) {
            verified.put(hash, {*principal, verdict.password_hash, started_in}, now, expires);
        } else if (std::get<Denial>(verdict.outcome) == Denial::wrong) {
            verified.erase(hash);
            wrong.put(hash, started_in, now);
        }
        auto node = pending.extract(hash);
        waiters = std::move(node.mapped());
    }
    for (const auto& waiter : waiters) waiter(verdict.outcome);
}

Authenticator::Authenticator(base::Database& database, Options options, base::Logger log)
    : impl_(std::make_unique<Impl>(database, std::move(options), std::move(log))) {}

Authenticator::~Authenticator() = default;

Failures& Authenticator::failures() { return impl_->failures; }

void Authenticator::forget() {
    const std::lock_guard lock(impl_->mutex);
    ++impl_->epoch;
}

std::optional<Outcome> Authenticator::recall(const Credentials& credentials) {
    if (!credentials.in_http()) return Denial::missing;
    return impl_->recall(impl_->hasher(credentials.authorization), credentials);
}

asio::awaitable<Outcome> Authenticator::authenticate(Credentials credentials) {
    if (!credentials.in_http()) co_return Denial::missing;
    const auto hash = impl_->hasher(credentials.authorization);
    if (auto known = impl_->recall(hash, credentials)) co_return std::move(*known);

    const auto start = [this, &hash, &credentials](auto handler) {
        using Done = asio::any_completion_handler<void(Outcome)>;
        const auto executor = asio::get_associated_executor(handler);
        // The io_context must not run out of work while the handler is here.
        auto tracked = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        auto done = std::make_shared<Done>(std::move(handler));
        impl_->wait_for(hash, credentials, [tracked, done](const Outcome& outcome) {
            asio::post(tracked, [done, outcome] { std::move (*done)(outcome); });
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
        start, asio::use_awaitable);
}

}  // namespace auth
