// Each scheme in its turn, and the comparison of what they say.
#include "frontend/recognition.hpp"

#include <utility>

namespace frontend {
namespace asio = boost::asio;
using auth::Denial;
using auth::Outcome;

namespace {

bool is_missing(const Outcome& outcome) {
    const auto* denial = std::get_if<Denial>(&outcome);
    return denial != nullptr && *denial == Denial::missing;
}

/// A denial wins over a principal, and two principals must be one.
Outcome joined(Outcome one, Outcome other) {
    if (is_missing(one)) return other;
    if (is_missing(other) || std::holds_alternative<Denial>(one)) return one;
    if (std::holds_alternative<Denial>(other)) return other;
    const bool same = std::get<auth::PrincipalPtr>(one)->id() == std::get<auth::PrincipalPtr>(other)->id();
    return same ? one : Outcome(Denial::conflict);
}

}  // namespace

Recognition::Recognition(auth::Authenticator& authenticator, auth::SecretSchemes* secrets,
                         const std::string& realm)
    : authenticator_(authenticator),
      secrets_(secrets),
      basic_challenge_("Basic realm=\"" + realm + "\", charset=\"UTF-8\"") {}

std::vector<std::string> Recognition::challenges(Denial denial, std::string_view authorization) const {
    // Digest last: clients that take the first scheme that they know keep the one that every user can use.
    std::vector<std::string> result{basic_challenge_};
    // Those that take the strongest one have to come to it, too: their user may have no secret.
    const bool wrong = denial == Denial::wrong || denial == Denial::malformed;
    if (secrets_ == nullptr || (wrong && auth::is_digest(authorization))) return result;
    for (auto& challenge : secrets_->challenges(denial == Denial::stale))
        result.push_back(std::move(challenge));
    return result;
}

asio::awaitable<Outcome> Recognition::http(const http::Request& request, std::string_view peer) {
    const auth::Credentials credentials{request.header("Authorization"), peer, request.method_text,
                                        request.target};
    if (!credentials.in_http()) co_return Denial::missing;
    if (secrets_ != nullptr && auth::is_digest(credentials.authorization)) {
        co_return co_await secrets_->digest(credentials);
    }
    co_return co_await authenticator_.authenticate(credentials);
}

asio::awaitable<Outcome> Recognition::transport(const http::Request& request, std::string_view peer) {
    auto outcome = co_await http(request, peer);
    if (secrets_ == nullptr || request.certificate == nullptr) co_return outcome;
    auto certificate = co_await secrets_->certificate(request.certificate->fingerprint, peer);
    co_return joined(std::move(outcome), std::move(certificate));
}

Recognition::Shown Recognition::shown_in(const soap::Headers& headers) const {
    Shown shown;
    if (secrets_ == nullptr) return shown;
    const auto& options = secrets_->options();
    if (headers.username_token && options.username_token) shown.token = &*headers.username_token;
    const auto& sp = headers.request_soap_header;
    if (sp && options.sp_header && !sp->sp_password.empty()) shown.sp = &*sp;
    return shown;
}

bool Recognition::reads(const soap::Headers& headers) const {
    const auto [token, sp] = shown_in(headers);
    return token != nullptr || sp != nullptr;
}

asio::awaitable<Outcome> Recognition::message(Outcome transport, const soap::Headers& headers,
                                              std::string_view peer) {
    const auto [token, sp] = shown_in(headers);
    if (token != nullptr) {
        auto outcome = co_await username_token(*token, headers.security_expires, peer);
        transport = joined(std::move(transport), std::move(outcome));
    }
    if (sp != nullptr) {
        const auth::SpHeader header{sp->sp_id, sp->sp_password, sp->time_stamp};
        auto outcome = co_await secrets_->sp_header(header, peer);
        transport = joined(std::move(transport), std::move(outcome));
    }
    co_return transport;
}

asio::awaitable<Outcome> Recognition::username_token(const soap::UsernameToken& token,
                                                     const std::string& expires, std::string_view peer) {
    const auth::UsernameToken given{token.username, token.password, token.password_type, token.nonce,
                                    token.created};
    if (!expires.empty()) {
        const auto end = auth::parse_created(expires);
        if (!end || *end + secrets_->options().skew < std::chrono::system_clock::now())
            co_return Denial::expired;
    }
    if (given.digested()) co_return co_await secrets_->token(given, peer);
    const bool is_text = given.type.empty() || given.type.ends_with("#PasswordText");
    if (!is_text || token.username.find(':') != std::string::npos) co_return Denial::malformed;
    // The same password as in HTTP, so it is verified and remembered in the same way.
    const auto basic = "Basic " + auth::encode_base64(token.username + ':' + token.password);
    const auth::Credentials credentials{basic, peer};
    co_return co_await authenticator_.authenticate(credentials);
}

}  // namespace frontend
