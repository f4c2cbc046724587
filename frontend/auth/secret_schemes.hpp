// Recognises senders by schemes that need the secret itself (HTTP Digest, WS-Security PasswordDigest, the
// RequestSOAPHeader of SDP gateways) or a client certificate. Logins that were read are remembered, so that a
// request costs a digest and no SQL.
#pragma once

#include "base/database.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/digest.hpp"
#include "frontend/auth/directory.hpp"
#include "frontend/auth/message_credentials.hpp"
#include "frontend/auth/secrets.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

class SecretSchemes {
  public:
    struct Options {
        std::string realm = "ledgerline";
        std::string default_domain = "example.com";
        bool digest = true;          ///< HTTP Digest with SHA-256
        bool digest_md5 = false;     ///< and with MD5
        bool username_token = true;  ///< WS-Security, both forms
        bool sp_header = false;      ///< RequestSOAPHeader
        DigestNonces::Options nonces{};
        std::chrono::seconds skew{300};      ///< how far times in headers may lie from ours, either way
        std::size_t replay_limit = 262'144;  ///< nonces and Created that are remembered beside the database
        std::chrono::seconds remember{300};  ///< how long a login that was read is used
        std::size_t remember_limit = 16'384;
    };

    /// `database` and `failures` outlive this.
    SecretSchemes(base::Database& database, Failures& failures, SecretBox box, Options options,
                  base::Logger log);
    ~SecretSchemes();
    SecretSchemes(const SecretSchemes&) = delete;
    SecretSchemes& operator=(const SecretSchemes&) = delete;

    [[nodiscard]] const Options& options() const;

    /// WWW-Authenticate values, the best first; with a fresh nonce.
    [[nodiscard]] std::vector<std::string> challenges(bool stale);

    /// Each says who sent it, or why nobody was recognised. None throws. What they view must stay until they
    /// answer.
    boost::asio::awaitable<Outcome> digest(Credentials credentials);
    boost::asio::awaitable<Outcome> token(UsernameToken token, std::string_view peer);
    boost::asio::awaitable<Outcome> sp_header(SpHeader header, std::string_view peer);
    boost::asio::awaitable<Outcome> certificate(std::string fingerprint, std::string_view peer);

    /// For SIP (RFC 3261, 22), which has nonces of its own: `given` is the answer to a challenge of this
    /// realm for a request with this method.
    boost::asio::awaitable<Outcome> digest(DigestCredentials given, std::string realm, DigestNonces& nonces,
                                           std::string method, std::string peer);

    /// Forgets every login, as Authenticator::forget().
    void forget();

  private:
    struct Known;
    struct Impl;
    boost::asio::awaitable<std::shared_ptr<const Known>> find(std::string login, bool is_fingerprint);
    boost::asio::awaitable<std::optional<bool>> use_in_database(std::string digest);
    boost::asio::awaitable<Denial> refuse(std::string login, const char* reason, std::string_view peer);
    std::unique_ptr<Impl> impl_;
};

}  // namespace auth
