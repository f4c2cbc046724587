// Latency of charges at a given rate, free of coordinated omission: each request has its time, whatever
// became of the ones before, and its latency counts from then.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct OpenLoad {
    std::uint16_t port = 0;  ///< of the loopback
    std::string authorization;
    std::int64_t accounts = 0;
    double per_second = 1000;  ///< mean; arrivals are a Poisson process
    int connections = 256;
    std::chrono::seconds duration{5};
};

/// Latencies in ms, sorted. Throws when a request was not answered with 200.
[[nodiscard]] std::vector<double> run_open_loop(const OpenLoad& load);

/// The smallest value that at least this part (0 to 1) does not exceed; of sorted values, not empty.
[[nodiscard]] double percentile(const std::vector<double>& sorted, double part);

}  // namespace bench
