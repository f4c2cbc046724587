// How many legs the SIP thread has, for the threads that ask or wait for the last one's end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace sip {

class LegCount {
  public:
    void set(std::size_t legs) {
        {
            const std::lock_guard lock(mutex_);
            legs_ = legs;
        }
        changed_.notify_all();
    }

    [[nodiscard]] std::size_t get() const {
        const std::lock_guard lock(mutex_);
        return legs_;
    }

    /// Blocks until there is none; false when the deadline comes first.
    bool wait_for_none(std::chrono::steady_clock::time_point deadline) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, deadline, [this] { return legs_ == 0; });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::size_t legs_ = 0;
};

}  // namespace sip
