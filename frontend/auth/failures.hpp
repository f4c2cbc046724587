// What happens to failed authentications: a log line, a count against guessers, and a row in the trail, of
// which an attacker can cause only so many.
#pragma once

#include "base/log.hpp"
#include "base/sql.hpp"
#include "frontend/auth/throttle.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// Thread-safe.
class Failures {
  public:
    using Clock = Throttle::Clock;
    struct Options {
        Throttle::Options throttle{};
        std::size_t rows_per_minute = 60;  ///< in the trail; further ones are counted in the next row
    };
    Failures(Options options, base::Logger log);

    /// May this login be tried from this address now?
    [[nodiscard]] bool allows(std::string_view login, std::string_view address) {
        return throttle_.allows(login, address, Clock::now());
    }

    /// This login was right from this address: guesses from elsewhere do not concern it there for a while.
    void worked(std::string_view login, std::string_view address) {
        throttle_.worked(login, address, Clock::now());
    }

    /// How long an address that was just refused shall wait.
    [[nodiscard]] std::chrono::seconds retry_after(std::string_view address) {
        return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(
                                                     throttle_.refused_for(address, Clock::now())));
    }

    struct Row {
        std::string login, details, origin;
    };
    /// Logs and counts a failure. What is returned is to be written with write().
    [[nodiscard]] std::optional<Row> note(std::string_view login, std::string_view reason,
                                          std::string_view peer);
    /// Throws sql::Error.
    static void write(base::sql::Session& session, const Row& row);

  private:
    Options options_;
    base::Logger log_;
    Throttle throttle_;
    std::mutex mutex_;
    Clock::time_point minute_ends_{};
    std::size_t rows_ = 0, unwritten_ = 0;
};

}  // namespace auth
