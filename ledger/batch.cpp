// Orders a batch and turns it into the parameters of ledger.post_batch.
#include "ledger/batch.hpp"

#include "ledger/hold_id.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>
#include <unordered_map>

namespace ledger {
namespace {

/// The key of a request as bytes for hash maps; `operation` apart, because refunds look for charges.
std::string key_of(const Posting& posting, std::string_view operation, std::string_view reference) {
    std::string key;
    key.reserve(reference.size() + operation.size() + 2 * sizeof(std::int64_t) + 1);
    key.append(reinterpret_cast<const char*>(&posting.account->id), sizeof posting.account->id);
    key.append(reinterpret_cast<const char*>(&posting.application), sizeof posting.application);
    key += operation;
    key += '\0';
    key += reference;
    return key;
}

/// Which charges a batch makes and which it refunds, to keep the two apart.
class RefundGuard {
  public:
    /// False: the posting must wait.
    bool admit(const Posting& posting) {
        const bool refunds = posting.operation == Operation::refund;
        if (!refunds && posting.operation != Operation::charge && posting.operation != Operation::capture) {
            return true;
        }
        const auto& charge =
            refunds && posting.original_reference ? *posting.original_reference : posting.reference;
        // Those that wait come first in the next batch: neither kind keeps the other waiting for long.
        const auto [found, fresh] = uses_.try_emplace(key_of(posting, "", charge), refunds);
        return fresh || found->second == refunds;
    }

  private:
    std::unordered_map<std::string, bool> uses_;  // charge -> whether it is refunded
};

}  // namespace

BatchPlan plan_batch(std::span<const Posting* const> postings) {
    BatchPlan plan;
    std::vector<std::size_t> order;
    order.reserve(postings.size());
    const bool any_refund =
        std::ranges::any_of(postings, [](auto* p) { return p->operation == Operation::refund; });
    RefundGuard guard;
    for (std::size_t i = 0; i < postings.size(); ++i) {
        if (!any_refund || guard.admit(*postings[i]))
            order.push_back(i);
        else
            plan.deferred.push_back(i);
    }
    std::ranges::stable_sort(order, [&](std::size_t left, std::size_t right) {
        const auto& a = *postings[left]->account;
        const auto& b = *postings[right]->account;
        return a.shard != b.shard ? a.shard < b.shard : a.id < b.id;
    });
    plan.entries.reserve(order.size());
    std::unordered_map<std::string, std::size_t> latest;
    for (std::size_t i = 0; i < order.size(); ++i) {
        BatchPlan::Entry entry{order[i], std::nullopt};
        const auto& posting = *postings[order[i]];
        const auto same_account = [&](std::size_t j) {
            return j < order.size() && postings[order[j]]->account->id == posting.account->id;
        };
        // Keys can only repeat within an account, and most accounts come once.
        if ((i > 0 && same_account(i - 1)) || same_account(i + 1)) {
            const auto [found, fresh] =
                latest.try_emplace(key_of(posting, to_string(posting.operation), posting.reference), i);
            if (!fresh) entry.earlier = std::exchange(found->second, i);
        }
        plan.entries.push_back(entry);
    }
    return plan;
}

BatchPlan without(const BatchPlan& plan, std::span<const std::size_t> entries) {
    const auto left_out = [&](std::size_t entry) { return std::ranges::binary_search(entries, entry); };
    BatchPlan rest;
    std::vector<std::size_t> places(plan.entries.size());
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
        if (left_out(i)) continue;
        auto entry = plan.entries[i];
        while (entry.earlier && left_out(*entry.earlier))
            entry.earlier = plan.entries[*entry.earlier].earlier;
        if (entry.earlier) entry.earlier = places[*entry.earlier];
        places[i] = rest.entries.size();
        rest.entries.push_back(entry);
    }
    return rest;
}

const std::string_view post_batch_statement =
    "select o_outcome, o_journal_no, o_request_id, o_hold from ledger.post_batch("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

const std::string_view post_new_batch_statement =
    "select o_outcome, o_journal_no, o_request_id, o_hold from ledger.post_batch("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
    "p_new => true)";

// In this form, with a shard that depends on nothing but parameters, Citus sends the call away as a whole.
const std::string_view post_shard_statement =
    "select o_outcome, o_journal_no, o_request_id, o_hold from ledger.post_shard(($2::smallint[])[1], "
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

std::vector<BatchPlan> by_shard(std::span<const Posting* const> postings, const BatchPlan& plan) {
    std::vector<BatchPlan> parts;
    std::size_t first = 0;  // entry of the part under way
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
        auto entry = plan.entries[i];
        const auto shard_of = [&](std::size_t at) {
            return postings[plan.entries[at].posting]->account->shard;
        };
        if (i == 0 || shard_of(i) != shard_of(i - 1)) {
            parts.emplace_back();
            first = i;
        }
        if (entry.earlier) *entry.earlier -= first;
        parts.back().entries.push_back(entry);
    }
    return parts;
}

namespace {

using Element = base::sql::BinaryArray::Element;

/// One array parameter; without elements when it would hold nothing but NULLs, which costs the server
/// nothing.
class Column {
  public:
    explicit Column(Element element) : element_(element), array_(element) {}
    template <class T>
    void add(const T& value) {
        array_.add(value);
        used_ = true;
    }
    template <class T>
    void add(const std::optional<T>& value) {
        if (value)
            add(*value);
        else
            array_.add_null();
    }
    void add_null() { array_.add_null(); }
    void add_text(std::string_view text) {
        if (text.empty())
            array_.add_null();
        else
            add(text);
    }
    void append_to(base::sql::Params& params) const {
        params.add(used_ ? array_ : base::sql::BinaryArray(element_));
    }

  private:
    Element element_;
    base::sql::BinaryArray array_;
    bool used_ = false;
};

struct Columns {
    base::sql::ArrayText operation;  // of a type whose number each database has chosen for itself
    Column shard{Element::smallint}, account{Element::bigint}, epoch{Element::integer},
        balance{Element::text}, amount{Element::bigint}, scale{Element::smallint}, unit{Element::text},
        application{Element::integer}, reference{Element::text}, digest{Element::uuid},
        earlier{Element::integer}, hold{Element::uuid}, contra{Element::text}, original{Element::text},
        unlinked{Element::boolean}, period{Element::integer}, code{Element::text}, description{Element::text};

    void add(const Posting& posting, std::optional<std::size_t> earlier_entry) {
        operation.add(to_string(posting.operation));
        shard.add(std::int64_t{posting.account->shard});
        account.add(posting.account->id);
        epoch.add(posting.account->epoch_to_compare());
        balance.add(posting.balance_type);
        const auto value = within_64_bits(posting.amount.value);
        amount.add(value.unscaled);
        scale.add(std::int64_t{value.scale});
        unit.add(posting.amount.unit);
        application.add(std::int64_t{posting.application});
        reference.add(std::string_view(posting.reference));
        digest.add(std::span(posting.digest));
        if (earlier_entry)
            earlier.add(static_cast<std::int64_t>(*earlier_entry) + 1);
        else
            earlier.add_null();
        if (posting.hold)
            hold.add(std::span(posting.hold->id));
        else
            hold.add_null();
        contra.add_text(posting.contra);
        original.add(posting.original_reference);
        if (posting.unlinked_allowed)
            unlinked.add(true);
        else
            unlinked.add_null();
        if (posting.period_days)
            period.add(std::int64_t{*posting.period_days});
        else
            period.add_null();
        code.add_text(posting.code);
        description.add_text(posting.description);
    }
};

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

base::sql::Params batch_parameters(std::span<const Posting* const> postings, const BatchPlan& plan,
                                   const BatchLimits& limits) {
    Columns columns;
    for (const auto& entry : plan.entries) columns.add(*postings[entry.posting], entry.earlier);
    base::sql::Params params;
    params.add(columns.operation);
    for (const auto* column :
         {&columns.shard, &columns.account, &columns.epoch, &columns.balance, &columns.amount, &columns.scale,
          &columns.unit, &columns.application, &columns.reference, &columns.digest, &columns.earlier,
          &columns.hold, &columns.contra, &columns.original, &columns.unlinked, &columns.period,
          &columns.code, &columns.description}) {
        column->append_to(params);
    }
    params.add(limits.max_amount);
    params.add(std::to_string(limits.hold_ttl.count()) + " milliseconds");
    return params;
}

const std::string_view count_batch_statement =
    "select o_place, o_limit from ledger.count_requests($1, $2, $3, $4, $5, $6, $7)";

Counting counting_of(const base::sql::Rows& rows, std::span<const Posting* const> postings,
                     const BatchPlan& plan) {
    const auto outcomes = rows.plain_array(0, 0);
    Counting counting;
    base::sql::ArrayText operation, shard, account, application, reference, gives_back, of_call;
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
        if (outcomes.at(i) != "posted") continue;
        const auto& posting = *postings[plan.entries[i].posting];
        operation.add(to_string(posting.operation));
        shard.add(std::int64_t{posting.account->shard});
        account.add(posting.account->id);
        application.add(std::int64_t{posting.application});
        reference.add(std::string_view(posting.reference));
        gives_back.add(posting.amount.value.unscaled < 0);
        of_call.add(posting.of_call);
        counting.entries.push_back(i);
    }
    counting.params =
        base::sql::params(operation, shard, account, application, reference, gives_back, of_call);
    return counting;
}

std::vector<Result<Receipt>> batch_results(const base::sql::Rows& rows,
                                           std::span<const Posting* const> postings, const BatchPlan& plan) {
    const auto outcomes = rows.plain_array(0, 0);
    // Arrays that no element was written to are NULL, and end where the last element was.
    const auto column = [&](std::size_t index) {
        auto elements = rows.is_null(0, index) ? std::vector<std::string_view>() : rows.plain_array(0, index);
        elements.resize(plan.entries.size());
        return elements;
    };
    const auto journal_nos = column(1);
    const auto request_ids = column(2);
    const auto holds = column(3);
    std::vector<Result<Receipt>> results;
    results.reserve(plan.entries.size());
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
        const auto outcome = outcomes.at(i);
        if (outcome != "posted" && outcome != "replayed") {
            results.emplace_back(refusal_named(outcome).value_or(Refusal::internal));
            continue;
        }
        Receipt receipt;
        receipt.replayed = outcome == "replayed";
        receipt.request_id = number(request_ids[i]).value_or(0);
        receipt.journal_no = number(journal_nos[i]);
        if (!holds[i].empty()) {
            receipt.hold =
                HoldId{postings[plan.entries[i].posting]->account->shard, id_of_hex(holds[i]).value()};
        }
        results.emplace_back(receipt);
    }
    return results;
}

}  // namespace ledger
