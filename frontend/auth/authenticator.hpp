// Turns credentials into a principal. Passwords are argon2id and cost tens of milliseconds, so verified
// credentials are remembered for minutes under a keyed hash: the charging path pays a look-up.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "frontend/auth/failures.hpp"
#include "frontend/auth/principal.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace auth {

/// What HTTP says about a request's sender, as views into the request.
struct Credentials {
    std::string_view authorization;  ///< the value of HTTP's Authorization header; empty when it is absent
    std::string_view peer;           ///< where the request came from
    std::string_view method{};       ///< of HTTP, and …
    std::string_view target{};       ///< … its target as sent: digests are over both

    /// Does HTTP itself name somebody? If not, a SOAP header might.
    [[nodiscard]] bool in_http() const { return !authorization.empty(); }
};

/// Why nobody was recognised.
enum class Denial : std::uint8_t {
    missing,      ///< no credentials at all
    malformed,    ///< a scheme that is not served, or bytes that are no credentials
    stale,        ///< right, but with a nonce that is too old: again with the new one
    expired,      ///< by the message's own Timestamp: the sender's clock may be wrong
    conflict,     ///< credentials that name different principals
    throttled,    ///< too many failures of this login or from this address: later
    wrong,        ///< unknown, wrong password, disabled: the sender does not learn which
    overloaded,   ///< too many passwords are being verified already: try again
    unavailable,  ///< the database did not answer: try again
};
[[nodiscard]] std::string_view to_string(Denial denial);

using Outcome = std::variant<PrincipalPtr, Denial>;

class Authenticator {
  public:
    struct Options {
        std::string default_domain = "example.com";   ///< of logins without `@domain`
        std::chrono::seconds remember_verified{300};  ///< how long a verified credential is remembered
        std::chrono::seconds remember_wrong{30};      ///< how long a wrong one is
        std::size_t remember_verified_limit = 16384;  ///< credentials; older ones give way
        std::size_t remember_wrong_limit = 4096;
        std::size_t hashing_threads = 1;       ///< each uses 64 MiB while it hashes
        std::size_t hashing_queue_limit = 64;  ///< waiting verifications; beyond: Denial::overloaded
        Failures::Options failures{};
    };

    /// `database` must outlive the authenticator; the authenticator must be destroyed before the io_contexts
    /// whose coroutines use it.
    Authenticator(base::Database& database, Options options, base::Logger log);
    ~Authenticator();  ///< finishes the verifications under way
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;

    /// What is already known about these credentials, without waiting: the charging path. Nothing: ask
    /// authenticate(). Thread-safe.
    [[nodiscard]] std::optional<Outcome> recall(const Credentials& credentials);

    /// Recognises the sender, or says why not. Answers at once what recall() knows; otherwise reads the
    /// principal from the database and verifies the password on the hashing pool, once for all requests that
    /// wait for the same credentials. Does not throw. What `credentials` views must stay until it answers.
    /// Thread-safe.
    boost::asio::awaitable<Outcome> authenticate(Credentials credentials);

    /// Shared with the schemes that need no hashing.
    [[nodiscard]] Failures& failures();

    /// Forgets everything that was remembered; to be called whenever a principal may have changed (NOTIFY
    /// `auth_changed`, or a new connection of the listener). Thread-safe.
    void forget();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The channel on which the database tells that principals changed.
inline constexpr const char* changed_channel = "auth_changed";

}  // namespace auth
