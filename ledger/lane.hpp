// A lane: one thread with one database session that posts whatever waits as one batch.
#pragma once

#include "base/log.hpp"
#include "base/sql.hpp"
#include "ledger/batch.hpp"
#include "ledger/completion.hpp"
#include "ledger/gathering.hpp"

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace ledger {

struct LaneOptions {
    base::sql::SessionOptions session;
    std::size_t batch_max = 256;  ///< postings in one transaction
    /// Postings that make a batch worth its call, which costs the database some 400 µs whatever it posts.
    std::size_t fill = 48;
    std::chrono::milliseconds gather_for{5};  ///< the longest that a batch waits for those that may ask again
    std::size_t queue_limit = 8192;           ///< postings that may wait; more are refused as overloaded
    std::chrono::milliseconds queue_timeout{5000};  ///< older ones are refused unposted
    std::chrono::milliseconds resend_for{5000};  ///< how long a batch is sent again when the database is away
    std::chrono::milliseconds reconnect_pause{100};  ///< between two attempts to reach the database
    BatchLimits limits{};
    Layout layout = Layout::one_server;  ///< of the database that the session leads to
    bool counts = false;  ///< what is posted counts against its applications' limits, in the same transaction
};

/// Batching is natural: while one batch is at the database the next one gathers, and goes when that is back
/// and its clients have asked again (Gathering). A lane only saves round trips: correctness is the posting
/// function's, which locks in the database.
class Lane {
  public:
    Lane(LaneOptions options, base::Logger log);
    ~Lane();  ///< posts what waits, then joins
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// Resumes the caller's executor with what became of the posting. Never throws.
    boost::asio::awaitable<Result<Receipt>> post(Posting posting);

    [[nodiscard]] std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
    /// Whether the database answered when it was last asked.
    [[nodiscard]] bool connected() const { return connected_.load(std::memory_order_relaxed); }
    using Clock = std::chrono::steady_clock;
    /// How long the database has had a batch that it has not answered yet.
    [[nodiscard]] Clock::duration unanswered() const;

  private:
    using Waiting = Completion<Result<Receipt>>;
    struct Pending {
        Posting posting;
        Waiting waiting;
        Clock::time_point since;
    };
    struct Done {
        Waiting waiting;
        Result<Receipt> result;
    };

    void enqueue(Pending pending);
    void serve();
    std::vector<Pending> take(std::vector<Pending> deferred);
    std::vector<Pending> post_batch(std::vector<Pending> batch);
    std::vector<Result<Receipt>> execute_by_shard(std::span<const Posting* const> postings,
                                                  const BatchPlan& plan);
    std::vector<Result<Receipt>> execute(std::span<const Posting* const> postings, const BatchPlan& plan);
    std::vector<Result<Receipt>> execute_one_by_one(std::span<const Posting* const> postings,
                                                    const BatchPlan& plan);
    std::vector<Result<Receipt>> execute_within_limits(std::span<const Posting* const> postings,
                                                       const BatchPlan& plan,
                                                       std::span<const std::size_t> over_limit);

    /// What the database made of a batch.
    struct Sent {
        base::sql::Rows rows;
        std::vector<std::size_t> over_limit{};  ///< entries; where there are any nothing was posted
    };
    std::optional<Sent> send(std::span<const Posting* const> postings, const BatchPlan& plan);
    Sent exec(std::span<const Posting* const> postings, const BatchPlan& plan,
              const base::sql::Params& params);
    void reconnect();
    void complete(std::vector<Done> done) const;

    const LaneOptions options_;
    const base::Logger log_;
    std::optional<base::sql::Session> session_;
    unsigned wary_;  ///< so many batches more may hold keys that have been used
    std::atomic<std::size_t> waiting_ = 0;
    std::atomic<bool> connected_ = true;
    std::atomic<Clock::time_point> asked_at_{Clock::time_point::max()};  ///< max: the database has no batch
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Pending> queue_;
    Gathering gathering_;
    std::size_t awaited_ = 1;  ///< postings that wake the lane
    bool stopping_ = false;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace ledger
