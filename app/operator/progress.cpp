// Draws the bar.
#include "app/operator/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace app {
namespace {

constexpr std::int64_t width = 20;
constexpr std::chrono::milliseconds pause{100};
constexpr auto clear_line = "\r\x1B[K";

}  // namespace

Progress::Progress() : shown_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    if (shown_) std::cerr << clear_line << std::flush;
}

void Progress::show(std::int64_t done, std::int64_t total, std::string_view what) {
    if (!shown_) return;
    const auto now = std::chrono::steady_clock::now();
    if (what == what_ && now < next_) return;
    next_ = now + pause;
    what_ = what;
    std::string bar;
    if (total > 0) {
        // An estimate may be too low.
        const auto filled = static_cast<std::size_t>(std::min(done, total) * width / total);
        bar = '[' + std::string(filled, '#') + std::string(width - filled, ' ') + "] ";
    }
    std::cerr << clear_line << bar << done << (total > 0 ? '/' + std::to_string(total) : "") << ' ' << what_
              << std::flush;
}

}  // namespace app
