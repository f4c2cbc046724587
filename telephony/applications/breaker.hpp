// A circuit breaker: who fails again and again is left alone for a while. Pure: the time is given.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace applications {

/// Closed: everything is tried. After `failures` in a row it opens, and nothing is tried for `pause`; then
/// one try is let through, which closes it or opens it for twice as long, at most `pause_max`.
class Breaker {
  public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        std::size_t failures = 5;
        std::chrono::milliseconds pause{5'000};
        std::chrono::milliseconds pause_max{60'000};
    };

    explicit Breaker(const Options& options) : options_(options) {}

    /// May it be tried now? After yes, succeeded(), failed() or given_up() must follow.
    [[nodiscard]] bool admits(Clock::time_point now) {
        if (!is_open()) return true;
        if (now < open_until_ || probing_) return false;
        probing_ = true;
        return true;
    }

    void succeeded() {
        failures_ = 0;
        probing_ = false;
        pause_ = {};
    }

    /// True when this opened it.
    bool failed(Clock::time_point now) {
        const bool was_open = is_open();
        // Tries that began before it opened say nothing new.
        if (was_open && !probing_) return false;
        probing_ = false;
        ++failures_;
        if (!is_open()) return false;
        pause_ = was_open ? std::min(pause_ * 2, options_.pause_max) : options_.pause;
        open_until_ = now + pause_;
        return !was_open;
    }

    /// The try came to no end that says anything.
    void given_up() { probing_ = false; }

    [[nodiscard]] bool is_open() const { return failures_ >= options_.failures; }
    [[nodiscard]] bool is_fresh() const { return failures_ == 0; }
    /// Of an open one: when the next try is let through.
    [[nodiscard]] Clock::time_point open_until() const { return open_until_; }

  private:
    Options options_;
    std::size_t failures_ = 0;
    std::chrono::milliseconds pause_{0};
    Clock::time_point open_until_{};
    bool probing_ = false;
};

}  // namespace applications
