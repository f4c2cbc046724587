// Credentials inside messages: WS-Security UsernameToken 1.0 and the RequestSOAPHeader of SDP gateways. Pure
// checks of texts, times and replays.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace auth {

using SystemTime = std::chrono::system_clock::time_point;

/// WS-Security UsernameToken profile 1.0, as literal text.
struct UsernameToken {
    std::string_view username, password, type, nonce, created;
    [[nodiscard]] bool digested() const { return type.ends_with("#PasswordDigest"); }
};

/// spPassword = MD5(spId + password + timeStamp), in hex of either case.
struct SpHeader {
    std::string_view id, password, time_stamp;
};

/// An xsd:dateTime with a zone (absent: UTC), to the second. Nothing for anything else. Times before 1700 and
/// after 2200 become these.
[[nodiscard]] std::optional<SystemTime> parse_created(std::string_view text);
/// yyyyMMddHHmmss in UTC.
[[nodiscard]] std::optional<SystemTime> parse_time_stamp(std::string_view text);

/// Base64(SHA-1(nonce + created + secret)), the nonce as bytes and Created as its literal text (profile 1.0,
/// 3.1). False for a nonce that is no base64.
[[nodiscard]] bool token_matches(const UsernameToken& token, std::string_view secret);
/// What a token must not come twice under, whoever spells it anew: base64 has several forms of the same
/// bytes, which all have the same digest.
[[nodiscard]] std::string token_identity(std::string_view login, const UsernameToken& token);
[[nodiscard]] bool sp_matches(const SpHeader& header, std::string_view secret);

/// Remembers what must not come twice until its time window has passed. Thread-safe.
class ReplayMemory {
  public:
    enum class Verdict : std::uint8_t { fresh, replayed, full };
    explicit ReplayMemory(std::size_t limit) : limit_(limit) {}

    /// `until`: when the time check would refuse it anyway.
    Verdict use(std::string key, SystemTime until, SystemTime now);

  private:
    std::size_t limit_;
    std::mutex mutex_;
    std::unordered_set<std::string> keys_;
    std::multimap<SystemTime, std::string> by_end_;
};

}  // namespace auth
