// Counters of requests for /metrics. Labels come from tables, never from what clients send.
#pragma once

#include "frontend/http/server.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace frontend {

/// What became of a request.
enum class RequestOutcome : std::uint8_t {
    done,
    replayed,   ///< the first answer again
    refused,    ///< a fault by the rules of the service
    malformed,  ///< no SOAP message that is served here
    unauthenticated,
    overloaded,  ///< for want of capacity, or the database
    failed,      ///< a defect here
};
inline constexpr std::size_t request_outcomes = 7;
[[nodiscard]] std::string_view to_string(RequestOutcome outcome);

class RequestMetrics {
  public:
    /// Adds the counters of an operation and returns their number. Not once requests are served. Number 0 is
    /// for requests whose operation did not become known.
    std::size_t add(std::string_view service, std::string_view operation);

    RequestMetrics() { add("unknown", "unknown"); }

    /// Thread-safe.
    void count(std::size_t number, RequestOutcome outcome, std::chrono::steady_clock::duration time);

    /// Appends Prometheus text (exposition format 0.0.4).
    void write(std::string& out) const;

  private:
    /// Upper bounds in microseconds; a last bucket takes the rest.
    static constexpr std::array<std::uint64_t, 12> bounds{
        100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 500'000, 2'500'000};

    struct Counters {
        std::string_view service, operation;
        std::array<std::atomic<std::uint64_t>, request_outcomes> outcomes{};
        std::array<std::atomic<std::uint64_t>, bounds.size() + 1> buckets{};
        std::atomic<std::uint64_t> microseconds{0};
    };

    std::deque<Counters> counters_;
};

/// Appends a server's figures as Prometheus text.
void append_metrics(std::string& out, const http::Statistics& figures);

}  // namespace frontend
