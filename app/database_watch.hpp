// Looks at the database from time to time, so that readiness probes neither wait for it nor load it.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace app {

class DatabaseWatch {
  public:
    struct Options {
        std::chrono::milliseconds interval{1000};
        int schema = 0;  ///< the number of this program's last migration
    };

    /// Has looked once when it returns. `database` outlives this.
    DatabaseWatch(Options options, base::Database& database, base::Logger log);
    ~DatabaseWatch();
    DatabaseWatch(const DatabaseWatch&) = delete;
    DatabaseWatch& operator=(const DatabaseWatch&) = delete;

    /// What is wrong with it, for anybody who asks; empty: it answers.
    [[nodiscard]] std::string database_trouble() const;
    /// What is wrong with its schema. A newer one than this program's is right: a newer program has just been
    /// started, and this one serves until it is stopped.
    [[nodiscard]] std::string schema_trouble() const;

  private:
    void serve(const std::stop_token& stop);
    void look();

    const Options options_;
    base::Database& database_;
    const base::Logger log_;
    mutable std::mutex mutex_;
    std::string trouble_;  ///< in the database's words
    std::int64_t schema_ = 0;  ///< as it was last seen
    std::chrono::steady_clock::time_point answered_;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace app
