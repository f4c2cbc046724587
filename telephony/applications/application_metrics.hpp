// What became of questions to applications and of what they were told, for /metrics.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace applications {

enum class AskResult : std::uint8_t {
    answered,
    slow,      ///< no answer in time
    failed,    ///< away, a fault, or an answer that can't be read
    nonsense,  ///< an action that can't be done
    skipped,   ///< it failed too often lately, or has too many questions at once
    unknown,   ///< there is no such notification, or the database is away
};
enum class TellResult : std::uint8_t {
    delivered,
    refused,  ///< a fault
    lost,     ///< not delivered within the time for it
    skipped,  ///< too many wait
    unknown,
};
[[nodiscard]] std::string_view to_string(AskResult result);
[[nodiscard]] std::string_view to_string(TellResult result);

/// Counted on one thread, read on any.
class ApplicationMetrics {
  public:
    void count(AskResult result, std::chrono::steady_clock::duration time);
    void count(TellResult result);
    void set_waiting(std::size_t tells) { waiting_.store(tells, std::memory_order_relaxed); }
    void set_open(std::size_t endpoints) { open_.store(endpoints, std::memory_order_relaxed); }

    /// Appends Prometheus text (exposition format 0.0.4).
    void write(std::string& out) const;

  private:
    std::array<std::atomic<std::uint64_t>, 6> asks_{};
    std::array<std::atomic<std::uint64_t>, 5> tells_{};
    std::atomic<std::uint64_t> ask_microseconds_{0};
    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::size_t> open_{0};
};

}  // namespace applications
