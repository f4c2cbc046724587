// One look-up, then a digest, then the question whether it came before.
#include "frontend/auth/secret_schemes.hpp"

#include "frontend/auth/failures.hpp"

#include <mutex>
#include <unordered_map>

namespace auth {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using System = std::chrono::system_clock;

/// A login as it was read; with nobody behind it, too, so that unknown ones cost no SQL each time.
struct SecretSchemes::Known {
    PrincipalPtr principal;
    bool enabled = false;
    std::string secret;  ///< empty: has none
    Clock::time_point expires;

    [[nodiscard]] const char* why_not(bool needs_secret) const {
        if (!principal) return "unknown login";
        if (!enabled) return "disabled";
        return needs_secret && secret.empty() ? "no secret set" : nullptr;
    }
};

struct SecretSchemes::Impl {
    base::Database& database;
    Failures& failures;
    const SecretBox box;
    const Options options;
    const base::Logger log;
    DigestNonces nonces;
    ReplayMemory replays;

    std::mutex mutex;  // guards what follows
    std::uint64_t epoch = 0;
    std::unordered_map<std::string, std::shared_ptr<const Known>> known;

    Impl(base::Database& given_database, Failures& given_failures, SecretBox given_box, Options given,
         base::Logger given_log)
        : database(given_database),
          failures(given_failures),
          box(given_box),
          options(std::move(given)),
          log(std::move(given_log)),
          nonces(options.nonces),
          replays(options.replay_limit) {}

    std::shared_ptr<const Known> cached(const std::string& login) {
        const std::lock_guard lock(mutex);
        const auto found = known.find(login);
        return found != known.end() && found->second->expires > Clock::now() ? found->second : nullptr;
    }

    void remember(const std::string& login, const std::shared_ptr<const Known>& entry,
                  std::uint64_t read_in) {
        const std::lock_guard lock(mutex);
        if (read_in != epoch) return;  // changed meanwhile
        if (known.size() >= options.remember_limit) known.erase(known.begin());
        known.insert_or_assign(login, entry);
    }

    std::uint64_t present_epoch() {
        const std::lock_guard lock(mutex);
        return epoch;
    }

    [[nodiscard]] bool in_time(SystemTime time) const {
        const auto now = System::now();
        return time >= now - options.skew && time <= now + options.skew;
    }
    ReplayMemory::Verdict use_once(std::string key, SystemTime time) {
        return replays.use(std::move(key), time + options.skew + std::chrono::seconds(1), System::now());
    }
};

SecretSchemes::SecretSchemes(base::Database& database, Failures& failures, SecretBox box, Options options,
                             base::Logger log)
    : impl_(std::make_unique<Impl>(database, failures, box, std::move(options), std::move(log))) {}

SecretSchemes::~SecretSchemes() = default;

const SecretSchemes::Options& SecretSchemes::options() const { return impl_->options; }

void SecretSchemes::forget() {
    const std::lock_guard lock(impl_->mutex);
    ++impl_->epoch;
    impl_->known.clear();
}

std::vector<std::string> SecretSchemes::challenges(bool stale) {
    std::vector<std::string> result;
    const auto add = [&](const char* algorithm) {
        result.push_back("Digest realm=\"" + impl_->options.realm + "\", qop=\"auth\", algorithm=" +
                         algorithm + ", nonce=\"" + impl_->nonces.make(Clock::now()) + "\", charset=UTF-8" +
                         (stale ? ", stale=true" : ""));
    };
    if (impl_->options.digest) add("SHA-256");
    if (impl_->options.digest && impl_->options.digest_md5) add("MD5");
    return result;
}

/// Null when the database does not answer. `login` is in normal form, or a certificate's fingerprint.
asio::awaitable<std::shared_ptr<const SecretSchemes::Known>> SecretSchemes::find(std::string login,
                                                                                 bool is_fingerprint) {
    if (auto entry = impl_->cached(login)) co_return entry;
    const auto read_in = impl_->present_epoch();
    std::optional<Stored> stored;
    try {
        const auto parsed = is_fingerprint ? std::nullopt : parse_login(login, impl_->options.default_domain);
        const auto work = [login, parsed](base::sql::Session& session) {
            return parsed ? find_principal(session, *parsed) : find_certificate(session, login);
        };
        stored = co_await impl_->database.run(work);
    } catch (const std::exception& error) {
        impl_->log.error("a login could not be read", {{"error", error.what()}});
        co_return nullptr;
    }
    auto entry = std::make_shared<Known>();
    entry->expires = Clock::now() + impl_->options.remember;
    if (stored) {
        if (!stored->secret.empty()) {
            auto secret = impl_->box.open(stored->secret);
            if (!secret) impl_->log.error("a secret was made with another key file", {{"login", login}});
            entry->secret = secret.value_or("");
        }
        entry->enabled = stored->enabled;
        entry->principal = std::make_shared<const Principal>(std::move(stored->principal));
    }
    impl_->remember(login, entry, read_in);
    co_return entry;
}

asio::awaitable<Denial> SecretSchemes::refuse(std::string login, const char* reason, std::string_view peer) {
    const auto row = impl_->failures.note(login, reason, peer);
    if (!row) co_return Denial::wrong;
    try {
        const auto work = [row](base::sql::Session& session) { Failures::write(session, *row); };
        co_await impl_->database.run(work);
    } catch (const std::exception& error) {
        impl_->log.error("a failed authentication is missing in the trail", {{"error", error.what()}});
    }
    co_return Denial::wrong;
}

asio::awaitable<Outcome> SecretSchemes::digest(Credentials credentials) {
    const auto& options = impl_->options;
    const auto given = parse_digest(credentials.authorization);
    if (!given || !options.digest || given->uri != credentials.target) co_return Denial::malformed;
    if (given->algorithm == DigestAlgorithm::md5 && !options.digest_md5) co_return Denial::malformed;
    auto copy = *given;
    co_return co_await digest(std::move(copy), options.realm, impl_->nonces, std::string(credentials.method),
                              std::string(credentials.peer));
}

asio::awaitable<Outcome> SecretSchemes::digest(DigestCredentials given, std::string realm,
                                               DigestNonces& nonces, std::string method, std::string peer) {
    const auto login = parse_login(given.username, impl_->options.default_domain);
    const auto name = login ? login->text() : given.username;
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    // Over UDP anybody can send in anybody's name: only who has heard our challenge can have guessed.
    if (!nonces.valid(given.nonce, Clock::now())) co_return Denial::stale;
    if (!login) co_return co_await refuse(name, "unknown login", peer);
    if (given.realm != realm) co_return co_await refuse(name, "another realm", peer);
    const auto entry = co_await find(name, false);
    if (!entry) co_return Denial::unavailable;
    // Guesses that came at once, before any of them had failed, are not all judged.
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    if (const auto* reason = entry->why_not(true)) co_return co_await refuse(name, reason, peer);
    const auto ha1 = digest_ha1(given.algorithm, given.username, given.realm, entry->secret);
    if (!equal_secretly(given.response, digest_response(given, method, ha1))) {
        co_return co_await refuse(name, "wrong digest", peer);
    }
    switch (nonces.use(given.nonce, given.nc, Clock::now())) {
        case DigestNonces::Verdict::stale:
            co_return Denial::stale;
        case DigestNonces::Verdict::replayed:
            co_return co_await refuse(name, "replayed digest", peer);
        case DigestNonces::Verdict::fresh:
            break;
    }
    impl_->failures.worked(name, peer);
    co_return entry->principal;
}

asio::awaitable<Outcome> SecretSchemes::token(UsernameToken token, std::string_view peer) {
    const auto& options = impl_->options;
    if (!options.username_token || !token.digested()) co_return Denial::malformed;
    const auto login = parse_login(token.username, options.default_domain);
    const auto name = login ? login->text() : std::string(token.username);
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    if (!login) co_return co_await refuse(name, "unknown login", peer);
    const auto created = parse_created(token.created);
    if (token.nonce.empty() || !created) co_return co_await refuse(name, "no nonce or Created", peer);
    const auto entry = co_await find(name, false);
    if (!entry) co_return Denial::unavailable;
    // Guesses that came at once, before any of them had failed, are not all judged.
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    if (const auto* reason = entry->why_not(true)) co_return co_await refuse(name, reason, peer);
    if (!token_matches(token, entry->secret)) co_return co_await refuse(name, "wrong digest", peer);
    if (!impl_->in_time(*created)) co_return co_await refuse(name, "Created too old or too new", peer);
    const auto identity = token_identity(name, token);
    bool replayed = impl_->use_once(identity, *created) == ReplayMemory::Verdict::replayed;
    // Fresh here, or there was no room to remember it: was it used before, perhaps at another node?
    if (!replayed) {
        const auto first = co_await use_in_database(identity);
        if (!first) co_return Denial::unavailable;
        replayed = !*first;
    }
    if (replayed) co_return co_await refuse(name, "replayed token", peer);
    impl_->failures.worked(name, peer);
    co_return entry->principal;
}

/// False: somebody did before. Nothing: the database does not answer.
asio::awaitable<std::optional<bool>> SecretSchemes::use_in_database(std::string digest) {
    // As long as Created could be in time, whichever way the clocks differ.
    const auto seconds = 2 * impl_->options.skew.count() + 2;
    try {
        const auto work = [digest, seconds](base::sql::Session& session) {
            return session
                .exec("SELECT auth.use_nonce($1, $2)", base::sql::params(digest, std::int64_t{seconds}))
                .boolean(0, 0);
        };
        co_return co_await impl_->database.run(work);
    } catch (const std::exception& error) {
        impl_->log.error("a nonce can't be remembered", {{"error", error.what()}});
        co_return std::nullopt;
    }
}

asio::awaitable<Outcome> SecretSchemes::sp_header(SpHeader header, std::string_view peer) {
    const auto& options = impl_->options;
    if (!options.sp_header) co_return Denial::malformed;
    const auto login = parse_login(header.id, options.default_domain);
    const auto name = login ? login->text() : std::string(header.id);
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    if (!login) co_return co_await refuse(name, "unknown login", peer);
    const auto time = parse_time_stamp(header.time_stamp);
    const auto entry = co_await find(name, false);
    if (!entry) co_return Denial::unavailable;
    // Guesses that came at once, before any of them had failed, are not all judged.
    if (!impl_->failures.allows(name, peer)) co_return Denial::throttled;
    if (const auto* reason = entry->why_not(true)) co_return co_await refuse(name, reason, peer);
    if (!sp_matches(header, entry->secret)) co_return co_await refuse(name, "wrong spPassword", peer);
    // Clients send one of these for all requests of a second: within the window it may come again.
    if (!time || !impl_->in_time(*time))
        co_return co_await refuse(name, "timeStamp too old or too new", peer);
    impl_->failures.worked(name, peer);
    co_return entry->principal;
}

asio::awaitable<Outcome> SecretSchemes::certificate(std::string fingerprint, std::string_view peer) {
    const auto name = "certificate " + fingerprint;
    const auto entry = co_await find(fingerprint, true);
    if (!entry) co_return Denial::unavailable;
    // Valid, but nobody's: other credentials may say who it is.
    if (!entry->principal) co_return Denial::missing;
    if (const auto* reason = entry->why_not(false)) co_return co_await refuse(name, reason, peer);
    co_return entry->principal;
}

}  // namespace auth
