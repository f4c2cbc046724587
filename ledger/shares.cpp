// Adds up and lists shares.
#include "ledger/shares.hpp"

#include "ledger/digest.hpp"

#include <algorithm>
#include <utility>

namespace ledger {

Result<std::vector<Split::Share>> merged_shares(std::vector<Split::Share> shares) {
    std::vector<Split::Share> merged;
    std::int64_t sum = 0;
    for (auto& share : shares) {
        if (share.percent < 1 || share.percent > 100) return Refusal::invalid_shares;
        sum += share.percent;
        const auto same =
            std::ranges::find_if(merged, [&](const auto& s) { return s.account->id == share.account->id; });
        if (same == merged.end())
            merged.push_back(std::move(share));
        else
            same->percent += share.percent;
    }
    if (sum != 100) return Refusal::invalid_shares;
    return merged;
}

ShareColumns share_columns(const std::vector<Split::Share>& shares, const base::Id128& digest) {
    ShareColumns columns;
    Fields fields;
    fields.add(digest);
    for (const auto& share : shares) {
        columns.shard.add(std::int64_t{share.account->shard});
        columns.account.add(share.account->id);
        columns.epoch.add(share.account->epoch_to_compare());
        columns.percent.add(std::int64_t{share.percent});
        fields.add(share.account->id);
        fields.add(std::int64_t{share.percent});
    }
    columns.digest = fields.digest();
    return columns;
}

}  // namespace ledger
