// Calls from outside that have ended, as long as somebody may ask for them.
#pragma once

#include "telephony/calls/call.hpp"
#include "telephony/calls/reader.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace calls {

/// Who may ask for a call from outside.
struct Onlookers {
    std::string caller;             ///< login; empty: it came from a peer
    std::string caller_domain;      ///< the same
    std::string called_domain;      ///< empty: not found yet, or nobody's
    std::set<std::string> heard{};  ///< logins of applications that were asked or told about it
    bool anonymous_caller = false;  ///< towards them

    /// What was said in its dialogs is for whoever made it, and administrators of the domains of both sides.
    [[nodiscard]] bool include(const Reader& reader) const {
        if (!caller.empty() && reader.login == caller) return true;
        return reader.administrator && !reader.domain.empty() &&
               (reader.domain == caller_domain || reader.domain == called_domain);
    }
    /// How it is, and what becomes of it, is for the applications, too.
    [[nodiscard]] bool admit(const Reader& reader) const {
        return include(reader) || heard.contains(reader.login);
    }
};

/// What is left of one.
struct EndedCall {
    std::string id;
    Onlookers onlookers;
    CallStatus status;
    std::string trace;
};

/// Belongs to one executor.
class EndedCalls {
  public:
    using Clock = std::chrono::steady_clock;

    EndedCalls(std::chrono::milliseconds linger, std::size_t calls_max)
        : linger_(linger), calls_max_(calls_max) {}

    /// The oldest one goes where there is no room.
    void add(EndedCall call) {
        const auto now = Clock::now();
        while (!entries_.empty() && (entries_.front().until <= now || entries_.size() >= calls_max_))
            entries_.pop_front();
        entries_.push_back({std::move(call), now + linger_});
    }

    /// Null: unknown, or too long ago.
    [[nodiscard]] EndedCall* find(std::string_view id) {
        for (auto& entry : entries_) {
            if (entry.call.id == id) return entry.until > Clock::now() ? &entry.call : nullptr;
        }
        return nullptr;
    }

  private:
    struct Entry {
        EndedCall call;
        Clock::time_point until;
    };
    std::chrono::milliseconds linger_;
    std::size_t calls_max_;
    std::deque<Entry> entries_;  // the oldest first
};

}  // namespace calls
