// Challenges, and what each denial is in SIP.
#include "telephony/calls/door.hpp"

#include <utility>

namespace calls {
namespace {

constexpr auto retry_later = "Retry-After: 30";

auth::DigestNonces::Options nonce_options(std::chrono::milliseconds lifetime) {
    auth::DigestNonces::Options options;
    options.lifetime = lifetime;
    return options;
}

}  // namespace

Door::Door(Options options, auth::SecretSchemes& secrets)
    : options_(std::move(options)), secrets_(secrets), nonces_(nonce_options(options_.nonce_ttl)) {}

Response Door::challenge(bool stale) {
    Response response;
    response.status = 401;
    const auto add = [&](const std::string& algorithm) {
        response.headers.push_back("WWW-Authenticate: Digest realm=\"" + options_.realm + "\", nonce=\"" +
                                   nonces_.make(std::chrono::steady_clock::now()) + "\", algorithm=" +
                                   algorithm + ", qop=\"auth\"" + (stale ? ", stale=true" : ""));
    };
    if (options_.sha256) add("SHA-256");
    add("MD5");
    return response;
}

boost::asio::awaitable<Door::Admitted> Door::admit(Sender sender, std::string method, bool peers) {
    if (peers && options_.trusted.contains(std::string_view(sender.source))) co_return Visitor{};
    if (sender.authorization.empty()) co_return challenge(false);
    auto given = auth::parse_digest(sender.authorization);
    if (!given) co_return challenge(false);
    auto credentials = std::move(*given);
    const auto outcome = co_await secrets_.digest(std::move(credentials), options_.realm, nonces_,
                                                  std::move(method), sender.source);
    if (const auto* principal = std::get_if<auth::PrincipalPtr>(&outcome)) co_return Visitor{*principal};
    switch (std::get<auth::Denial>(outcome)) {
        case auth::Denial::throttled:
        case auth::Denial::overloaded:
        case auth::Denial::unavailable:
            co_return Response{503, {}, {retry_later}};
        case auth::Denial::stale:
            co_return challenge(true);
        default:
            co_return challenge(false);
    }
}

}  // namespace calls
