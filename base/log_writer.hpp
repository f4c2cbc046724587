// Writes finished log lines on a thread of its own, so that whoever logs never waits for a disk or a pipe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace base {

/// A bounded buffer and the thread that empties it into a file. Safe from any thread.
class LogWriter {
  public:
    struct Options {
        std::string file{};  ///< appended to; empty: standard error
        /// Bytes that may wait; as many again may be on their way to the file. A quarter is kept for urgent
        /// lines.
        std::size_t buffer_limit = 4UL * 1024 * 1024;
        std::chrono::milliseconds write_interval{100};  ///< between two writes, unless a line is urgent
        std::chrono::milliseconds stop_timeout{2'000};  ///< for what waits at the end, when nobody reads it
        /// The line that says how many lines were lost before it.
        std::function<std::string(std::uint64_t lost)> lost_line{};
    };

    /// Opens the file. Throws std::runtime_error that names it.
    explicit LogWriter(Options options);
    /// Writes what waits.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// Takes a line without its line break, or counts it as lost when there is no room. Never waits for I/O.
    void append(std::string_view line, bool urgent);

    /// Waits until everything that was appended before is written or lost, at most the stop time-out.
    void flush();

    /// Opens the file anew, as it is told to after log rotation; what was appended before goes to the old
    /// one. Throws std::runtime_error that names the file, and goes on with the old one.
    void reopen();

    /// Lines that found no room, or that could not be written.
    [[nodiscard]] std::uint64_t lost() const;

  private:
    void run();
    void write_batch(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool write_all(std::string_view bytes) const;
    [[nodiscard]] int open_file() const;
    [[nodiscard]] bool wait_for_room() const;

    const Options options_;
    int file_;             ///< used by the writing thread, or while it does not write
    bool is_file_ = true;  ///< a write to it can't be made to wait by whoever reads it

    mutable std::mutex mutex_;
    std::condition_variable changed_;  ///< for the writing thread
    std::condition_variable written_;  ///< for flush() and reopen()
    std::string waiting_;
    std::string batch_;          ///< being written
    std::uint64_t taken_ = 0;    ///< lines that were appended
    std::uint64_t settled_ = 0;  ///< of those: written or lost
    std::uint64_t lost_ = 0;
    std::uint64_t reported_ = 0;  ///< of the lost ones
    bool hurry_ = false;
    bool writing_ = false;
    bool stopping_ = false;
    std::chrono::steady_clock::time_point stop_by_ = std::chrono::steady_clock::time_point::max();
    std::thread thread_;
};

}  // namespace base
