// Times, digests and replays of credentials inside messages.
#include "frontend/auth/message_credentials.hpp"

#include "frontend/auth/basic.hpp"
#include "frontend/auth/secrets.hpp"

#include <algorithm>
#include <array>

namespace auth {
namespace {

/// Takes digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : text.substr(0, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

/// The parts of a date and time, in their order; 0 between them where the form has no separator.
std::optional<SystemTime> take_time(std::string_view& text, const std::array<char, 5>& separators) {
    std::array<int, 6> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && separators[i - 1] != 0 && !take(text, separators[i - 1])) return std::nullopt;
        const auto value = take_digits(text, i == 0 ? 4 : 2);
        if (!value) return std::nullopt;
        parts[i] = *value;
    }
    using namespace std::chrono;
    const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                              day(static_cast<unsigned>(parts[2]))};
    if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
    // The clock counts nanoseconds, of which 64 bits reach from 1677 to 2262; Expires in the year 9999 is
    // "never".
    constexpr sys_days first(year(1700) / January / 1), last(year(2200) / January / 1);
    return std::clamp<sys_seconds>(sys_days(date) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]),
                                   first, last);
}

}  // namespace

std::optional<SystemTime> parse_created(std::string_view text) {
    const auto time = take_time(text, {'-', '-', 'T', ':', ':'});
    if (!time) return std::nullopt;
    if (take(text, '.')) {
        const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
        if (end == 0) return std::nullopt;
        text.remove_prefix(end);
    }
    if (text.empty() || text == "Z") return time;
    const bool west = text.starts_with('-');
    if (!west && !text.starts_with('+')) return std::nullopt;
    text.remove_prefix(1);
    const auto hours = take_digits(text, 2);
    if (!hours || !take(text, ':')) return std::nullopt;
    const auto minutes = take_digits(text, 2);
    if (!minutes || !text.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
    const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return west ? *time + offset : *time - offset;
}

std::optional<SystemTime> parse_time_stamp(std::string_view text) {
    const auto time = take_time(text, {});
    return text.empty() ? time : std::nullopt;
}

bool token_matches(const UsernameToken& token, std::string_view secret) {
    auto text = decode_base64(token.nonce);
    if (!text) return false;
    text->append(token.created).append(secret);
    return equal_secretly(encode_base64(sha1(*text)), token.password);
}

std::string token_identity(std::string_view login, const UsernameToken& token) {
    std::string key(login);
    key.append("\n").append(encode_base64(decode_base64(token.nonce).value_or(std::string())));
    return sha256_hex(key.append("\n").append(token.created));
}

bool sp_matches(const SpHeader& header, std::string_view secret) {
    std::string text(header.id);
    text.append(secret).append(header.time_stamp);
    std::string given(header.password);
    for (char& c : given) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    return equal_secretly(md5_hex(text), given);
}

ReplayMemory::Verdict ReplayMemory::use(std::string key, SystemTime until, SystemTime now) {
    const std::lock_guard lock(mutex_);
    while (!by_end_.empty() && by_end_.begin()->first < now) {
        keys_.erase(by_end_.begin()->second);
        by_end_.erase(by_end_.begin());
    }
    if (keys_.contains(key)) return Verdict::replayed;
    // Forgetting one early would let it in again: rather refuse new ones for a while.
    if (keys_.size() >= limit_) return Verdict::full;
    by_end_.emplace(until, key);
    keys_.insert(std::move(key));
    return Verdict::fresh;
}

}  // namespace auth
