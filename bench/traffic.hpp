// Traffic of charging systems on a server, in a closed loop (the next request when the last one is answered)
// or an open one (each request has its time, whatever became of the ones before).
#pragma once

#include "bench/requests.hpp"
#include "bench/server_under_test.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct Traffic {
    Mix mix = Mix::uniform;
    int connections = 512;
    std::chrono::seconds duration{3};
    /// No more than this.
    std::int64_t requests = std::numeric_limits<std::int64_t>::max();
    std::int64_t accounts = 100'000;
    std::string authorization;
    /// Open loop: arrivals are a Poisson process with this mean.
    std::optional<double> per_second{};
};

struct TrafficRun {
    std::int64_t answered = 0;  ///< in all: what is under way at the end is waited for
    double per_second = 0;      ///< while the traffic lasted
    double generator_us = 0;    ///< processor time per request
    double server_us = 0;       ///< the server's
    /// Of an open loop, sorted, in ms, each from the time that the request was due: coordinated omission
    /// would hide a slow answer behind the requests that it kept back.
    std::vector<double> latencies_ms{};
};

/// Throws when a request is not answered with 200, or after 20 s without any answer.
[[nodiscard]] TrafficRun run_traffic(const ServerUnderTest& server, const Traffic& traffic);
/// The same against anything on this port of the loopback; the server's time stays 0.
[[nodiscard]] TrafficRun run_traffic(std::uint16_t port, const Traffic& traffic);

/// The smallest value that at least this part (0 to 1) does not exceed; of sorted values, not empty.
[[nodiscard]] double percentile(const std::vector<double>& sorted, double part);

}  // namespace bench
