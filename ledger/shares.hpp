// The shares of a split, as the functions that post splits want them.
#pragma once

#include "base/ids.hpp"
#include "base/sql.hpp"
#include "ledger/outcome.hpp"
#include "ledger/request.hpp"

#include <vector>

namespace ledger {

/// An account that is named twice has one share; the order is that of its first naming. invalid_shares when
/// the percents are not 1 to 100 each and 100 together.
[[nodiscard]] Result<std::vector<Split::Share>> merged_shares(std::vector<Split::Share> shares);

/// One array a column, and the digest of the request with its shares.
struct ShareColumns {
    base::sql::ArrayText shard, account, epoch, percent;
    base::Id128 digest{};
};
[[nodiscard]] ShareColumns share_columns(const std::vector<Split::Share>& shares, const base::Id128& digest);

}  // namespace ledger
