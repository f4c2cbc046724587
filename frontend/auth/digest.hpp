// HTTP Digest authentication (RFC 7616), qop=auth: the header's text, the response that is right, and the
// server's nonces. No database and no sockets.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

enum class DigestAlgorithm : std::uint8_t { sha256, md5 };

struct DigestCredentials {
    std::string username, realm, nonce, uri, response, cnonce, nc;
    DigestAlgorithm algorithm = DigestAlgorithm::md5;  ///< what an absent parameter means (RFC 7616, 3.4)
};

/// Reads `Digest name=value, …`. Nothing for another scheme, a missing or doubled parameter, another qop than
/// auth, or an algorithm that is not one of the two.
[[nodiscard]] std::optional<DigestCredentials> parse_digest(std::string_view authorization);
[[nodiscard]] bool is_digest(std::string_view authorization);

/// H(user:realm:secret), which is SIP's HA1 too.
[[nodiscard]] std::string digest_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                                     std::string_view secret);
/// The response that a client that knows the secret sends.
[[nodiscard]] std::string digest_response(const DigestCredentials& credentials, std::string_view method,
                                          std::string_view ha1);

/// Makes nonces that carry their time under a keyed hash, and remembers which counts were used with each.
/// Thread-safe.
class DigestNonces {
  public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        Clock::duration lifetime = std::chrono::minutes(5);
        std::size_t limit = 65536;  ///< nonces whose counts are remembered; beyond, the oldest is stale
    };
    explicit DigestNonces(Options options);

    [[nodiscard]] std::string make(Clock::time_point now);

    enum class Verdict : std::uint8_t {
        fresh,
        stale,     ///< not ours, or not remembered any more: the client shall take a new one
        replayed,  ///< this count was used with it
    };
    /// To be asked after the response was found right: it uses the count up.
    Verdict use(std::string_view nonce, std::string_view count, Clock::time_point now);
    /// Without using it up: is it one of ours and young enough?
    [[nodiscard]] bool valid(std::string_view nonce, Clock::time_point now) const;

  private:
    struct Used {
        std::uint32_t highest = 0;
        std::uint64_t below = 0;  ///< bit n: highest - n was used
    };
    [[nodiscard]] std::string tag(std::string_view time) const;
    [[nodiscard]] Used* used(std::string_view nonce);

    Options options_;
    std::array<std::uint8_t, 32> key_{};
    std::mutex mutex_;
    std::map<std::string, Used, std::less<>> used_;  ///< by nonce, thus by its time
    std::string forgotten_;                          ///< the time of the last one that gave way
};

}  // namespace auth
