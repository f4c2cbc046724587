// What is remembered about credentials, under a keyed hash of them: bounded in number and time.
#pragma once

#include "frontend/auth/principal.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace auth {

/// A keyed BLAKE2b of a credential. The key is random and dies with the process, so that what is remembered
/// says nothing about passwords to whoever reads the memory later.
using CredentialHash = std::array<std::uint8_t, 32>;

class CredentialHasher {
  public:
    CredentialHasher();
    [[nodiscard]] CredentialHash operator()(std::string_view credential) const;

  private:
    std::array<std::uint8_t, 32> key_;
};

/// Maps hashes to values until they are too old. Not thread-safe.
template <class Value>
class CredentialCache {
  public:
    using Clock = std::chrono::steady_clock;

    CredentialCache(std::size_t limit, Clock::duration lifetime) : limit_(limit), lifetime_(lifetime) {}

    struct Entry {
        Value value;
        Clock::time_point expires;
    };

    /// Null when nothing is known, or was too long ago.
    [[nodiscard]] Entry* find(const CredentialHash& hash, Clock::time_point now) {
        const auto found = entries_.find(hash);
        return found == entries_.end() || found->second.expires <= now ? nullptr : &found->second;
    }

    /// Remembers for the cache's lifetime, or until `expires`.
    void put(const CredentialHash& hash, Value value, Clock::time_point now,
             std::optional<Clock::time_point> expires = std::nullopt) {
        if (limit_ == 0) return;
        if (entries_.size() >= limit_ && !entries_.contains(hash)) make_room(now);
        entries_.insert_or_assign(hash, Entry{std::move(value), expires.value_or(now + lifetime_)});
    }

    void erase(const CredentialHash& hash) { entries_.erase(hash); }
    void clear() { entries_.clear(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] Clock::duration lifetime() const { return lifetime_; }

  private:
    struct First8 {
        // A keyed hash is as good as random: any part of it spreads well.
        std::size_t operator()(const CredentialHash& hash) const {
            std::size_t value = 0;
            std::memcpy(&value, hash.data(), sizeof value);
            return value;
        }
    };

    void make_room(Clock::time_point now) {
        std::erase_if(entries_, [now](const auto& entry) { return entry.second.expires <= now; });
        if (entries_.size() >= limit_) entries_.erase(entries_.begin());
    }

    std::size_t limit_;
    Clock::duration lifetime_;
    std::unordered_map<CredentialHash, Entry, First8> entries_;
};

}  // namespace auth
