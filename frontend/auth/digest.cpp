// RFC 7616's grammar and arithmetic.
#include "frontend/auth/digest.hpp"

#include "base/ids.hpp"
#include "frontend/auth/secrets.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace auth {
namespace {

constexpr std::string_view scheme = "digest ";
constexpr std::size_t time_digits = 16;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

void skip_spaces(std::string_view& text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

/// A token or a quoted string at the beginning of `text`, taken off it.
std::optional<std::string> take_value(std::string_view& text) {
    std::string value;
    if (text.empty() || text.front() != '"') {
        const auto end = std::min(text.find_first_of(", \t"), text.size());
        value = text.substr(0, end);
        text.remove_prefix(end);
        return value;
    }
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return value;
        }
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        value += text[i];
    }
    return std::nullopt;
}

std::optional<std::map<std::string, std::string>> parameters_of(std::string_view text) {
    std::map<std::string, std::string> result;
    for (;;) {
        skip_spaces(text);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        auto name = text.substr(0, equals);
        while (name.ends_with(' ')) name.remove_suffix(1);
        text.remove_prefix(equals + 1);
        skip_spaces(text);
        auto value = take_value(text);
        if (!value || !result.emplace(lower(name), std::move(*value)).second) return std::nullopt;
        skip_spaces(text);
        if (text.empty()) return result;
        if (text.front() != ',') return std::nullopt;
        text.remove_prefix(1);
    }
}

std::string hash(DigestAlgorithm algorithm, std::string_view text) {
    return algorithm == DigestAlgorithm::md5 ? md5_hex(text) : sha256_hex(text);
}

std::optional<std::uint64_t> hex_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::uint64_t count_of(DigestNonces::Clock::time_point time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

bool is_digest(std::string_view authorization) {
    return lower(authorization.substr(0, scheme.size())) == scheme;
}

std::optional<DigestCredentials> parse_digest(std::string_view authorization) {
    if (!is_digest(authorization)) return std::nullopt;
    auto found = parameters_of(authorization.substr(scheme.size()));
    if (!found) return std::nullopt;
    for (const auto* name : {"username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop"}) {
        if (!found->contains(name)) return std::nullopt;
    }
    DigestCredentials result;
    const auto algorithm = lower((*found)["algorithm"]);
    if (algorithm == "sha-256")
        result.algorithm = DigestAlgorithm::sha256;
    else if (!algorithm.empty() && algorithm != "md5")
        return std::nullopt;
    if ((*found)["qop"] != "auth" || (*found)["nc"].size() != 8 || !hex_number((*found)["nc"]))
        return std::nullopt;
    if (lower((*found)["userhash"]) == "true") return std::nullopt;
    result.username = (*found)["username"];
    result.realm = (*found)["realm"];
    result.nonce = (*found)["nonce"];
    result.uri = (*found)["uri"];
    result.response = lower((*found)["response"]);
    result.cnonce = (*found)["cnonce"];
    result.nc = (*found)["nc"];
    return result;
}

std::string digest_ha1(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                       std::string_view secret) {
    std::string text(user);
    text.append(":").append(realm).append(":").append(secret);
    return hash(algorithm, text);
}

std::string digest_response(const DigestCredentials& credentials, std::string_view method,
                            std::string_view ha1) {
    const auto ha2 = hash(credentials.algorithm, std::string(method) + ':' + credentials.uri);
    std::string text(ha1);
    text.append(":").append(credentials.nonce).append(":").append(credentials.nc);
    text.append(":").append(credentials.cnonce).append(":auth:").append(ha2);
    return hash(credentials.algorithm, text);
}

DigestNonces::DigestNonces(Options options) : options_(options) { base::random_bytes(key_); }

std::string DigestNonces::tag(std::string_view time) const {
    std::array<std::uint8_t, 24> hash{};
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(time.data()),
                       time.size(), key_.data(), key_.size());
    return base::hex(hash);
}

std::string DigestNonces::make(Clock::time_point now) {
    // The low bits are random: two challenges of one moment must differ, as counts are kept by nonce.
    std::array<std::uint8_t, 8> noise{};
    base::random_bytes(noise);
    std::array<std::uint8_t, 8> time{};
    const auto count = count_of(now);
    for (std::size_t i = 0; i < time.size(); ++i) time[i] = static_cast<std::uint8_t>(count >> (56 - 8 * i));
    const auto text = base::hex(time) + base::hex(noise);
    return text + tag(text);
}

bool DigestNonces::valid(std::string_view nonce, Clock::time_point now) const {
    if (nonce.size() < 2 * time_digits) return false;
    const auto text = nonce.substr(0, 2 * time_digits);
    if (!equal_secretly(nonce.substr(2 * time_digits), tag(text))) return false;
    const auto made = hex_number(text.substr(0, time_digits));
    return made && count_of(now) - *made < static_cast<std::uint64_t>(options_.lifetime.count());
}

/// What is remembered of a nonce that is ours. When there are too many the oldest gives way, and with it, as
/// what was forgotten could be replayed, all that are not remembered and no younger: null. A new nonce always
/// has room, so that nobody who takes one for each request locks out others.
DigestNonces::Used* DigestNonces::used(std::string_view nonce) {
    const auto found = used_.find(nonce);
    if (found != used_.end()) return &found->second;
    if (used_.size() >= options_.limit) {
        forgotten_ = used_.begin()->first.substr(0, time_digits);
        used_.erase(used_.begin());
    }
    if (nonce.substr(0, time_digits) <= forgotten_) return nullptr;
    return &used_[std::string(nonce)];
}

DigestNonces::Verdict DigestNonces::use(std::string_view nonce, std::string_view count,
                                        Clock::time_point now) {
    const auto parsed = hex_number(count);
    if (!parsed || *parsed == 0 || !valid(nonce, now)) return Verdict::stale;
    const auto number = static_cast<std::uint32_t>(*parsed);
    const std::lock_guard lock(mutex_);
    auto* const known = used(nonce);
    if (known == nullptr) return Verdict::stale;
    auto& entry = *known;
    // Clients with several connections overtake themselves: counts come out of order within a window.
    constexpr std::uint32_t window = 64;
    if (number > entry.highest) {
        const auto step = number - entry.highest;
        entry.below = step >= window ? 0 : entry.below << step;
        entry.below |= 1;
        entry.highest = number;
        return Verdict::fresh;
    }
    const auto behind = entry.highest - number;
    if (behind >= window || (entry.below >> behind & 1) != 0) return Verdict::replayed;
    entry.below |= std::uint64_t{1} << behind;
    return Verdict::fresh;
}

}  // namespace auth
