// A progress bar for long commands: on standard error, and only when that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace app {

/// Redrawn a few times a second, and whenever what is done is another thing; gone when it is destroyed.
class Progress {
  public:
    Progress();
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Whether anybody sees it: otherwise nobody needs to find out how much there is to do.
    [[nodiscard]] bool shown() const { return shown_; }
    /// `what` is done to `done` of `total` things; total 0: nobody knows how many there are.
    void show(std::int64_t done, std::int64_t total, std::string_view what);

  private:
    bool shown_;
    std::string what_;
    std::chrono::steady_clock::time_point next_{};
};

}  // namespace app
