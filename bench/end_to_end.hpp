// The whole path under load: SOAP requests over HTTP to a real server, wrk as the charging system.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A `ledgerline serve` of this build as a child, on a free port of the loopback and on the bench's database.
class ServerUnderTest {
  public:
    /// `settings`: environment variables, such as LEDGERLINE_LEDGER_BATCH_MAX. Returns when it serves; throws
    /// when it does not.
    ServerUnderTest(const std::filesystem::path& folder, const std::string& superuser_url,
                    const std::vector<std::pair<std::string, std::string>>& settings);
    ~ServerUnderTest();  ///< stops it as an operator would
    ServerUnderTest(const ServerUnderTest&) = delete;
    ServerUnderTest& operator=(const ServerUnderTest&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// The most memory that it has had, and what it has now, in bytes.
    [[nodiscard]] std::int64_t memory_peak() const { return memory("VmHWM:"); }
    [[nodiscard]] std::int64_t memory_now() const { return memory("VmRSS:"); }
    /// Processor time so far.
    [[nodiscard]] double cpu_seconds() const;

  private:
    [[nodiscard]] std::int64_t memory(const std::string& field) const;

    std::filesystem::path folder_;
    pid_t pid_ = 0;
    std::string url_;
    std::uint16_t port_ = 0;
};

struct WrkLoad {
    std::string kind = "uniform";  ///< uniform, zipf, hot, pairs or balances: see charge.lua
    int connections = 512;
    std::chrono::seconds duration{3};
    std::int64_t accounts = 100'000;
};

struct WrkRun {
    std::int64_t answered = 0;
    double per_second = 0;
    double generator_us = 0;  ///< wrk's processor time per request, in µs
    double server_us = 0;     ///< the server's
};

/// The only user of the benchmarks: an application with all rights, and its Authorization header.
[[nodiscard]] std::string create_bench_user(const std::string& url);

/// Throws when a request was not answered with 200.
[[nodiscard]] WrkRun run_wrk(const ServerUnderTest& server, const WrkLoad& load,
                             const std::string& authorization);
/// The same against anything at `url` that answers 200; the server's time stays 0.
[[nodiscard]] WrkRun run_wrk(const std::string& url, const WrkLoad& load, const std::string& authorization);

}  // namespace bench
