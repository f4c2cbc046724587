// The posting function under load, without HTTP: batches, one call a posting, one hot account.
#pragma once

#include "ledger/batch.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct PostingLoad {
    std::string url;           ///< as ledgerline_service
    std::size_t sessions = 2;  ///< a thread each; their accounts do not overlap, as with lanes
    std::size_t batch = 256;   ///< postings in one call
    bool hot = false;          ///< every posting on one account (one session)
    std::chrono::milliseconds duration{3000};
};

struct PostingRun {
    std::int64_t posted = 0;
    double per_second = 0;
};

/// Makes `count` accounts with one balance of EUR 10,000,000.00 each, and their contra total, as superuser.
void load_accounts(const std::string& superuser_url, std::int64_t count);

/// Posts charges of EUR 1.50 with unique references for the duration. Throws when one is refused.
[[nodiscard]] PostingRun run_postings(const PostingLoad& load,
                                      const std::vector<ledger::AccountPtr>& accounts);

/// All accounts, as ledger::Account.
[[nodiscard]] std::vector<ledger::AccountPtr> read_accounts(const std::string& url);

/// Journal rows so far: what a run says it posted must be there.
[[nodiscard]] std::int64_t journal_rows(const std::string& url);

}  // namespace bench
