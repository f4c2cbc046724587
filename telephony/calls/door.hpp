// Who may come in: users by SIP digest (RFC 3261, 22; RFC 8760), and peers that are trusted by their address.
#pragma once

#include "frontend/auth/digest.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/http/networks.hpp"
#include "telephony/calls/reception.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <variant>

namespace calls {

class Door {
  public:
    struct Options {
        std::string realm = "ledgerline";
        bool sha256 = false;  ///< offered before MD5
        std::chrono::milliseconds nonce_ttl{300'000};
        http::Networks trusted{};  ///< peers whose calls need no digest, and whose word is taken on who calls
    };
    /// `secrets` outlives this.
    Door(Options options, auth::SecretSchemes& secrets);

    /// A user; of a trusted peer, nobody in particular.
    struct Visitor {
        auth::PrincipalPtr principal;
    };
    using Admitted = std::variant<Visitor, Response>;
    /// Who sent this request, or what it is answered. `peers`: whether trust suffices.
    boost::asio::awaitable<Admitted> admit(Sender sender, std::string method, bool peers);

  private:
    [[nodiscard]] Response challenge(bool stale);

    Options options_;
    auth::SecretSchemes& secrets_;
    auth::DigestNonces nonces_;
};

}  // namespace calls
