// Whether a principal may send this request now at all: methods, hours and requests a second of its limits.
#pragma once

#include "base/database.hpp"
#include "frontend/service.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace frontend {

/// Thread-safe.
class Admission {
  public:
    /// `database` outlives this; null where no principal has a limit of requests a second.
    explicit Admission(base::Database* database) : database_(database) {}

    /// The fault, if not; costs nothing for principals without limits. Requests a second are counted in the
    /// database, for all nodes together. Throws what Database::run throws.
    boost::asio::awaitable<std::optional<soap::Fault>> refusal(const Call& call);

    /// The same for what no operation is asked with: only hours, and requests a second.
    boost::asio::awaitable<bool> admits(auth::PrincipalPtr principal);

  private:
    using Clock = std::chrono::steady_clock;

    boost::asio::awaitable<bool> take_request(std::int64_t principal, std::int64_t limit);

    base::Database* database_;
    std::mutex mutex_;
    std::unordered_map<std::int64_t, Clock::time_point> used_up_;  ///< until when; the database is not asked
};

}  // namespace frontend
