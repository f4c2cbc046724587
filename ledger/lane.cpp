// The lane's thread: gather, post, answer.
#include "ledger/lane.hpp"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>

namespace asio = boost::asio;

namespace ledger {
namespace {

/// How many batches after a repeated request expect more of them: clients repeat in bursts, and a batch that
/// expects none and has one is posted twice.
constexpr unsigned wary_batches = 100;

/// While it lives the database is being asked, however that ends.
class Asked {
  public:
    explicit Asked(std::atomic<Lane::Clock::time_point>& at) : at_(at) {
        at_.store(Lane::Clock::now(), std::memory_order_relaxed);
    }
    ~Asked() { at_.store(Lane::Clock::time_point::max(), std::memory_order_relaxed); }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;

  private:
    std::atomic<Lane::Clock::time_point>& at_;
};

bool is_repeat(const Result<Receipt>& result) {
    return result ? result->replayed : result.error() == Refusal::reference_conflict;
}

}  // namespace

Lane::Lane(LaneOptions options, base::Logger log)
    : options_(std::move(options)),
      log_(std::move(log)),
      wary_(wary_batches),  // clients repeat what a server that is gone has not answered
      gathering_(options_.fill, options_.gather_for),
      thread_([this] { serve(); }) {}

Lane::~Lane() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    arrived_.notify_one();
}

asio::awaitable<Result<Receipt>> Lane::post(Posting posting) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Receipt>)>(
        [this](auto handler, Posting moved) {
            enqueue({std::move(moved), Waiting(std::move(handler)), Clock::now()});
        },
        asio::use_awaitable, std::move(posting));
}

void Lane::enqueue(Pending pending) {
    std::vector<Done> refused;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        // A lane that the database keeps waiting takes nothing: who comes sees to those who came long ago.
        const auto oldest = pending.since - options_.queue_timeout;
        while (!queue_.empty() && queue_.front().since < oldest) {
            refused.push_back({std::move(queue_.front().waiting), Refusal::overloaded});
            queue_.pop_front();
        }
        if (!refused.empty()) waiting_.fetch_sub(refused.size(), std::memory_order_relaxed);
        if (!stopping_ && waiting_.load(std::memory_order_relaxed) < options_.queue_limit) {
            queue_.push_back(std::move(pending));
            wake = queue_.size() == awaited_;
            waiting_.fetch_add(1, std::memory_order_relaxed);
        } else {
            refused.push_back({std::move(pending.waiting), Refusal::overloaded});
        }
    }
    if (wake) arrived_.notify_one();
    if (!refused.empty()) complete(std::move(refused));
}

void Lane::serve() {
    std::vector<Pending> deferred;
    while (true) {
        auto batch = take(std::move(deferred));
        if (batch.empty()) return;
        const auto size = batch.size();
        const auto start = Clock::now();
        deferred = post_batch(std::move(batch));
        gathering_.answered(size - deferred.size(), start, Clock::now());
    }
}

/// What waits, at most a batch, the deferred ones first. Empty: stop.
std::vector<Lane::Pending> Lane::take(std::vector<Pending> deferred) {
    std::unique_lock lock(mutex_);
    const auto something = [this] { return stopping_ || !queue_.empty(); };
    if (deferred.empty()) {
        // A node that nobody sends anything, because it is not ready, must get ready all the same.
        while (!connected_ && !arrived_.wait_for(lock, options_.reconnect_pause, something)) {
            lock.unlock();
            reconnect();
            lock.lock();
        }
        arrived_.wait(lock, something);
        awaited_ = gathering_.wanted();
        arrived_.wait_until(lock, gathering_.until(),
                            [this] { return stopping_ || queue_.size() >= awaited_; });
        awaited_ = 1;
    }
    const auto room = options_.batch_max - std::min(options_.batch_max, deferred.size());
    const auto count = std::min(room, queue_.size());
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(queue_.begin(), end, std::back_inserter(deferred));
    queue_.erase(queue_.begin(), end);
    return deferred;
}

/// Posts and answers a batch; returns what must wait for the next one.
std::vector<Lane::Pending> Lane::post_batch(std::vector<Pending> batch) {
    std::vector<Done> done;
    done.reserve(batch.size());
    const auto oldest = Clock::now() - options_.queue_timeout;
    const auto late =
        std::ranges::stable_partition(batch, [&](const Pending& p) { return p.since >= oldest; });
    for (auto& pending : late) done.push_back({std::move(pending.waiting), Refusal::overloaded});
    batch.erase(late.begin(), late.end());

    std::vector<const Posting*> postings;
    postings.reserve(batch.size());
    for (const auto& pending : batch) postings.push_back(&pending.posting);
    const auto plan = plan_batch(postings);
    if (!plan.entries.empty()) {
        auto results =
            options_.layout == Layout::cluster ? execute_by_shard(postings, plan) : execute(postings, plan);
        for (std::size_t i = 0; i < plan.entries.size(); ++i) {
            auto& pending = batch[plan.entries[i].posting];
            done.push_back({std::move(pending.waiting), std::move(results[i])});
        }
    }
    std::vector<Pending> deferred;
    for (const auto index : plan.deferred) deferred.push_back(std::move(batch[index]));
    waiting_.fetch_sub(done.size(), std::memory_order_relaxed);
    complete(std::move(done));
    return deferred;
}

/// On a cluster a call is of one shard.
std::vector<Result<Receipt>> Lane::execute_by_shard(std::span<const Posting* const> postings,
                                                    const BatchPlan& plan) {
    std::vector<Result<Receipt>> results;
    results.reserve(plan.entries.size());
    for (const auto& part : by_shard(postings, plan))
        std::ranges::move(execute(postings, part), std::back_inserter(results));
    return results;
}

std::vector<Result<Receipt>> Lane::execute(std::span<const Posting* const> postings, const BatchPlan& plan) {
    try {
        const auto sent = send(postings, plan);
        if (!sent) return std::vector<Result<Receipt>>(plan.entries.size(), Refusal::unavailable);
        if (!sent->over_limit.empty()) return execute_within_limits(postings, plan, sent->over_limit);
        auto results = batch_results(sent->rows, postings, plan);
        if (std::ranges::any_of(results, is_repeat))
            wary_ = wary_batches;
        else if (wary_ > 0)
            --wary_;
        return results;
    } catch (const std::exception& error) {
        // A data error, or a result that is not understood: one request is at fault, and must not fail the
        // others.
        log_.error("a batch failed", {{"postings", plan.entries.size()}, {"error", error.what()}});
        if (plan.entries.size() == 1) return {Refusal::internal};
        return execute_one_by_one(postings, plan);
    }
}

std::vector<Result<Receipt>> Lane::execute_one_by_one(std::span<const Posting* const> postings,
                                                      const BatchPlan& plan) {
    std::vector<Result<Receipt>> results;
    results.reserve(plan.entries.size());
    for (const auto& entry : plan.entries) {
        BatchPlan alone;
        alone.entries.push_back({entry.posting, std::nullopt});
        results.push_back(execute(postings, alone).front());
    }
    return results;
}

/// Posts the batch again without those that were over a limit.
std::vector<Result<Receipt>> Lane::execute_within_limits(std::span<const Posting* const> postings,
                                                         const BatchPlan& plan,
                                                         std::span<const std::size_t> over_limit) {
    const auto rest = without(plan, over_limit);
    std::vector<Result<Receipt>> results;
    if (!rest.entries.empty()) results = execute(postings, rest);
    for (const auto entry : over_limit) {
        results.insert(results.begin() + static_cast<std::ptrdiff_t>(entry), Refusal::over_limit);
    }
    return results;
}

void Lane::reconnect() {
    try {
        if (!session_) session_.emplace(options_.session);
        connected_ = true;
    } catch (const std::exception& error) {
        log_.debug("the database is still away", {{"error", error.what()}});
    }
}

/// Sends a batch until the database has answered. Sending again is safe, whatever became of the first try:
/// every posting has a key. Nothing: the database stayed away.
std::optional<Lane::Sent> Lane::send(std::span<const Posting* const> postings, const BatchPlan& plan) {
    const auto params = batch_parameters(postings, plan, options_.limits);
    const auto deadline = Clock::now() + options_.resend_for;
    while (true) {
        try {
            if (!session_) session_.emplace(options_.session);
            auto sent = exec(postings, plan, params);
            connected_ = true;
            return sent;
        } catch (const base::sql::Error& error) {
            if (error.failure() == base::sql::Failure::data) throw;
            log_.warning("a batch is sent again", {{"error", error.what()}});
            if (error.failure() == base::sql::Failure::connection) {
                session_.reset();
                connected_ = false;
            }
            if (Clock::now() >= deadline) return std::nullopt;
            // Not cut short at the end either: what waits is still posted, for as long as always.
            std::this_thread::sleep_for(options_.reconnect_pause);
        }
    }
}

Lane::Clock::duration Lane::unanswered() const {
    const auto now = Clock::now();
    return now - std::min(now, asked_at_.load(std::memory_order_relaxed));
}

Lane::Sent Lane::exec(std::span<const Posting* const> postings, const BatchPlan& plan,
                      const base::sql::Params& params) {
    const Asked asked(asked_at_);
    const auto& statement = posting_statement(options_.layout, wary_ > 0 ? Keys::some_used : Keys::all_new);
    if (!options_.counts) return {session_->exec(statement, params)};
    base::sql::Transaction transaction(*session_);
    Sent sent{session_->exec(statement, params)};
    const auto counting = counting_of(sent.rows, postings, plan);
    if (!counting.entries.empty()) {
        const auto rows = session_->exec(count_batch_statement, counting.params);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const auto place = static_cast<std::size_t>(rows.integer(row, 0)) - 1;
            sent.over_limit.push_back(counting.entries.at(place));
            log_.info("a request is over a limit",
                      {{"application", postings[plan.entries[sent.over_limit.back()].posting]->application},
                       {"limit", rows.text(row, 1)}});
        }
        std::ranges::sort(sent.over_limit);
    }
    // Where one is over a limit, all of it is rolled back.
    if (sent.over_limit.empty()) transaction.commit();
    return sent;
}

/// Resumes the waiting coroutines, with one hand-over to each io thread that has some among them.
void Lane::complete(std::vector<Done> done) const {
    struct Group {
        asio::any_io_executor executor;
        std::vector<Done> done;
    };
    std::vector<Group> groups;
    for (auto& item : done) {
        auto group = std::ranges::find(groups, item.waiting.executor(), &Group::executor);
        if (group == groups.end()) {
            groups.push_back({item.waiting.executor(), {}});
            group = std::prev(groups.end());
        }
        group->done.push_back(std::move(item));
    }
    for (auto& group : groups) {
        const auto executor = group.executor;
        asio::post(executor, [items = std::move(group.done)]() mutable {
            for (auto& item : items) item.waiting.resume(std::move(item.result));
        });
    }
}

}  // namespace ledger
