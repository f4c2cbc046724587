// A real server of this build, and who may ask it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// A `ledgerline serve` of this build as a child, on a free port of the loopback and on the bench's database.
class ServerUnderTest {
  public:
    /// `settings`: environment variables, such as LEDGERLINE_LEDGER_BATCH_MAX. Returns when it serves and has
    /// read addresses ahead; throws when it does not.
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
    void await_log(std::string_view text, std::chrono::seconds patience);
    [[nodiscard]] std::int64_t memory(const std::string& field) const;

    std::filesystem::path folder_;
    pid_t pid_ = 0;
    std::string url_;
    std::uint16_t port_ = 0;
};

/// The only user of the benchmarks: an application with all rights, and its Authorization header.
[[nodiscard]] std::string create_bench_user(const std::string& url);

}  // namespace bench
