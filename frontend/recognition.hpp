// Joins what HTTP, TLS and the SOAP header say about the sender: several credentials must name one principal.
#pragma once

#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/http/message.hpp"
#include "frontend/soap/envelope.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace frontend {

class Recognition {
  public:
    /// Both outlive this. `secrets`: null when only HTTP Basic is served.
    Recognition(auth::Authenticator& authenticator, auth::SecretSchemes* secrets, const std::string& realm);

    /// Who HTTP and TLS say it is; Denial::missing when they say nothing.
    boost::asio::awaitable<auth::Outcome> transport(const http::Request& request, std::string_view peer);

    /// Adds what the SOAP header says to what the transport said.
    boost::asio::awaitable<auth::Outcome> message(auth::Outcome transport, const soap::Headers& headers,
                                                  std::string_view peer);
    /// Does the header carry credentials that are looked at?
    [[nodiscard]] bool reads(const soap::Headers& headers) const;

    /// Values of WWW-Authenticate, for a sender who was denied with this Authorization.
    [[nodiscard]] std::vector<std::string> challenges(auth::Denial denial,
                                                      std::string_view authorization) const;

  private:
    /// Credentials in a header that are looked at; null: none.
    struct Shown {
        const soap::UsernameToken* token = nullptr;
        const soap::RequestSoapHeader* sp = nullptr;
    };
    [[nodiscard]] Shown shown_in(const soap::Headers& headers) const;

    boost::asio::awaitable<auth::Outcome> http(const http::Request& request, std::string_view peer);
    boost::asio::awaitable<auth::Outcome> username_token(const soap::UsernameToken& token,
                                                         const std::string& expires, std::string_view peer);

    auth::Authenticator& authenticator_;
    auth::SecretSchemes* secrets_;
    std::string basic_challenge_;
};

}  // namespace frontend
