// A batch of postings as ledger.post_batch wants it. Pure: no thread, no connection.
#pragma once

#include "base/sql.hpp"
#include "ledger/posting.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ledger {

/// The order in which a batch's postings are sent.
struct BatchPlan {
    struct Entry {
        std::size_t posting;                 ///< index into the postings that were planned
        std::optional<std::size_t> earlier;  ///< entry with the same key that comes latest before this one
    };
    std::vector<Entry> entries;         ///< by shard, account, arrival
    std::vector<std::size_t> deferred;  ///< postings that must wait for the next batch, in order of arrival
};

/// Orders postings, which come in order of arrival. A refund and its charge may not share a batch: what is
/// stored about the charge decides about the refund. The later one is deferred.
[[nodiscard]] BatchPlan plan_batch(std::span<const Posting* const> postings);

/// The statement of the charging path.
extern const std::string_view post_batch_statement;

/// The same for a batch whose keys are probably new: what becomes of it is the same, but it takes twice as
/// long if one of them has been used.
extern const std::string_view post_new_batch_statement;

/// The same where the tables are spread over the nodes of a cluster: it takes the same parameters, all of one
/// shard, whose node the whole call is sent to.
extern const std::string_view post_shard_statement;

/// Where the tables are.
enum class Layout { one_server, cluster };

/// What a sender expects of the keys of a batch.
enum class Keys { some_used, all_new };

[[nodiscard]] constexpr const std::string_view& posting_statement(Layout layout, Keys keys) {
    if (layout == Layout::cluster) return post_shard_statement;
    return keys == Keys::all_new ? post_new_batch_statement : post_batch_statement;
}

/// The plan as one for each of its shards, in order; what is deferred is left out.
[[nodiscard]] std::vector<BatchPlan> by_shard(std::span<const Posting* const> postings,
                                              const BatchPlan& plan);

struct BatchLimits {
    std::int64_t max_amount;             ///< minor units a request may move
    std::chrono::milliseconds hold_ttl;  ///< how long a hold lives after it was placed or extended
};

/// The plan without these of its entries, which are in ascending order.
[[nodiscard]] BatchPlan without(const BatchPlan& plan, std::span<const std::size_t> entries);

/// The statement's parameters for the planned entries.
[[nodiscard]] base::sql::Params batch_parameters(std::span<const Posting* const> postings,
                                                 const BatchPlan& plan, const BatchLimits& limits);

/// Counts, behind that statement and in its transaction, what it posted for limited applications. Returns the
/// places of those that are over a limit, and which.
extern const std::string_view count_batch_statement;

/// What there is to count.
struct Counting {
    std::vector<std::size_t> entries;  ///< of the plan; the statement's places are these, from 1
    base::sql::Params params{};
};

/// Of what `rows`, which the first statement returned, say was posted now: what is replayed was counted when
/// it first came, and what was refused moved nothing.
[[nodiscard]] Counting counting_of(const base::sql::Rows& rows, std::span<const Posting* const> postings,
                                   const BatchPlan& plan);

/// What the statement returned, in the order of the entries.
[[nodiscard]] std::vector<Result<Receipt>> batch_results(const base::sql::Rows& rows,
                                                         std::span<const Posting* const> postings,
                                                         const BatchPlan& plan);

}  // namespace ledger
