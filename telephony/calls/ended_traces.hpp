// What was said in calls from outside that have ended, as long as somebody may ask for it.
#pragma once

#include "telephony/calls/reader.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace calls {

/// Who may look at a call: whoever made it, and administrators of the domains of both sides.
struct Onlookers {
    std::string caller;         ///< login; empty: it came from a peer
    std::string caller_domain;  ///< the same
    std::string called_domain;  ///< empty: not found yet, or nobody's

    [[nodiscard]] bool include(const Reader& reader) const {
        if (!caller.empty() && reader.login == caller) return true;
        return reader.administrator && !reader.domain.empty() &&
               (reader.domain == caller_domain || reader.domain == called_domain);
    }
};

/// Belongs to one executor.
class EndedTraces {
  public:
    using Clock = std::chrono::steady_clock;

    EndedTraces(std::chrono::milliseconds linger, std::size_t traces_max)
        : linger_(linger), traces_max_(traces_max) {}

    /// The oldest one goes where there is no room.
    void add(std::string id, Onlookers onlookers, std::string text) {
        const auto now = Clock::now();
        while (!entries_.empty() && (entries_.front().until <= now || entries_.size() >= traces_max_))
            entries_.pop_front();
        entries_.push_back({std::move(id), std::move(onlookers), std::move(text), now + linger_});
    }

    /// Nothing: unknown, too long ago, or not for this reader.
    [[nodiscard]] std::optional<std::string> find(const Reader& reader, std::string_view id) const {
        for (const auto& entry : entries_) {
            if (entry.id != id || entry.until <= Clock::now()) continue;
            return entry.onlookers.include(reader) ? std::optional(entry.text) : std::nullopt;
        }
        return std::nullopt;
    }

  private:
    struct Entry {
        std::string id;
        Onlookers onlookers;
        std::string text;
        Clock::time_point until;
    };
    std::chrono::milliseconds linger_;
    std::size_t traces_max_;
    std::deque<Entry> entries_;  // the oldest first
};

}  // namespace calls
