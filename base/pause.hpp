// What threads do between two rounds of their work.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace base {

/// Returns after `duration`, or as soon as a stop is requested.
inline void pause(const std::stop_token& stop, std::chrono::steady_clock::duration duration) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace base
