// The mixer of three and more parties as a child: a Janus with its own configuration under the data
// directory.
#pragma once

#include "app/data_dir.hpp"
#include "base/log.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace app {

/// Everything is called on the main thread: the child's death signal follows the thread that started it.
class EmbeddedJanus {
  public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        std::string address;    ///< of its media; empty: what it finds itself
        std::string rtp_ports;  ///< first and last, with a dash
    };

    /// What the server knows of it.
    struct Seen {
        bool hangs = false;     ///< it says nothing any more
        std::size_t rooms = 0;  ///< that it was asked for since the server's start
        std::size_t mixed = 0;  ///< parties
    };

    EmbeddedJanus(const DataDir& data_dir, Options options, base::Logger log);
    ~EmbeddedJanus();
    EmbeddedJanus(const EmbeddedJanus&) = delete;
    EmbeddedJanus& operator=(const EmbeddedJanus&) = delete;

    /// Starts it and does not wait: whoever needs it connects when it is there. Where it can't be run the log
    /// says so, and calls of two parties go on without it.
    void start();
    /// 0: it does not run.
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// One that hangs is killed, and started again when it has ended: not in its first seconds, in which it
    /// may have other things to do. So is one that has made many rooms, if it can be while it mixes nobody.
    void look_after(const Seen& seen);
    /// It ended by itself: it is started again at next_start().
    void ended(const std::string& status);
    /// When start() is due; nothing: it runs, or never will.
    [[nodiscard]] std::optional<Clock::time_point> next_start() const { return next_start_; }
    void stop();

    /// What it can play.
    [[nodiscard]] std::filesystem::path ringing() const { return data_dir_.janus() / "ringing.opus"; }
    [[nodiscard]] std::filesystem::path funds_end() const { return data_dir_.janus() / "funds_end.opus"; }
    /// Where its API is.
    [[nodiscard]] std::filesystem::path socket() const { return data_dir_.janus() / "api"; }

  private:
    void write_configuration() const;

    DataDir data_dir_;
    Options options_;
    base::Logger log_;
    pid_t pid_ = 0;
    Clock::time_point started_{};
    std::size_t rooms_ = 0;         ///< of the server's
    std::size_t rooms_before_ = 0;  ///< of these, that others made
    Clock::duration pause_{};       ///< before the next start
    std::optional<Clock::time_point> next_start_;
};

}  // namespace app
