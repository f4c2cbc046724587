// The curve of growth: how fast charging and its posting function are on ever larger ledgers.
#pragma once

#include "app/embedded_postgres.hpp"
#include "base/log.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

struct Growth {
    std::vector<std::int64_t>
        accounts;            ///< the sizes, a database each; the first one is what others are compared with
    std::int64_t rows = 10;  ///< journal rows of each account
    int seconds = 3;         ///< of each measurement
    int repeats = 3;
    std::filesystem::path folder;  ///< for the servers' files
};

/// One size. Rates are medians over the repeats; so are the parts of what the first size reached, which takes
/// turns with this one.
struct GrowthPoint {
    std::int64_t accounts = 0, journal_rows = 0;
    double loaded_per_second = 0;  ///< journal rows
    double posted_per_second = 0;  ///< post_batch alone
    double posted_vs_first = 1;
    double charged_per_second = 0;  ///< SOAP in, SOAP out
    double charged_vs_first = 1;
    double table_bytes_per_row = 0;  ///< of journal and requests together
    double index_bytes_per_row = 0;  ///< of theirs
};

/// A progress bar shows the loading on a terminal; each rate is told on standard error. Throws.
[[nodiscard]] std::vector<GrowthPoint> measure_growth(const app::EmbeddedPostgres& postgres,
                                                      const Growth& growth, const base::Logger& log);

/// For people.
[[nodiscard]] std::string growth_table(const std::vector<GrowthPoint>& points);
/// For programs: `{"growth": [{"accounts": …, "journal_rows": …, …}, …]}`.
[[nodiscard]] std::string growth_json(const std::vector<GrowthPoint>& points);

}  // namespace bench
