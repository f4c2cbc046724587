// Fills a ledger fast with what years of posting would leave behind, so that growth can be measured.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bench {

struct Load {
    std::int64_t accounts = 0;  ///< each with one balance
    std::int64_t rows =
        10;  ///< journal rows of each balance: a credit of EUR 10,000,000.00, then charges of 1.50
};

/// Told after each piece how many accounts there are by then.
using LoadProgress = std::function<void(std::int64_t accounts)>;

/// Adds accounts with history to a migrated ledger, as superuser: pieces of accounts are copied into a
/// staging table, from which one transaction derives what posting would have left of them: balances,
/// requests, journal, contra totals and numbers, under the shards' locks. It is sealed, its balances have
/// been charged, its indexes are as after a reindex. `ledgerline audit verify` finds nothing wrong with the
/// result. A load that was ended leaves the ledger without its indexes; the next one makes them. Throws
/// base::sql::Error.
void load(const std::string& superuser_url, const Load& load, const LoadProgress& progress);

/// Seals all that was posted and freezes its totals, as a server would by and by.
void settle(const std::string& superuser_url);

}  // namespace bench
