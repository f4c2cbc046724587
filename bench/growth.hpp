// The curve of growth: how fast the posting function is on a ledger that is empty, and on ever larger ones.
#pragma once

#include "app/embedded_postgres.hpp"
#include "base/log.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Growth {
    std::vector<std::int64_t> accounts;  ///< the sizes, a database each; the first one is "empty"
    std::int64_t rows = 10;              ///< journal rows of each account
    int seconds = 3;                     ///< of each measurement
    int repeats = 3;
};

/// A table for people: size, journal rows, loading speed, postings a second (median), share of the first
/// one's. A progress bar shows the loading on a terminal. Throws.
[[nodiscard]] std::string measure_growth(const app::EmbeddedPostgres& postgres, const Growth& growth,
                                         const base::Logger& log);

}  // namespace bench
