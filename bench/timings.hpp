// Times of the parts of a charge: Google Benchmark for what computes, traffic for HTTP alone, a real lane
// for SQL.
#pragma once

#include "ledger/account.hpp"

#include <map>
#include <string>
#include <vector>

namespace bench {

/// Microseconds a request of every part (parts.hpp), of `http_only` (an io thread's processor time when the
/// handler answers at once, sockets included) and of `lane_and_sql` (from the lane's queue to the result, in
/// full batches on one lane; what PostgreSQL does counts). `url`: of the service's role, with `accounts` in
/// its database.
[[nodiscard]] std::map<std::string, double> part_microseconds(
    const std::string& url, const std::vector<ledger::AccountPtr>& accounts);

}  // namespace bench
