// A bounded pool of threads for work that computes long, such as hashing passwords, so that io threads never
// do.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace base {

class WorkerPool {
  public:
    /// Both at least 1. `queue_limit` counts what waits, not what runs.
    WorkerPool(std::size_t threads, std::size_t queue_limit);
    ~WorkerPool();  ///< does what is queued, then joins
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Queues `work`, which must not throw. False, and nothing queued, when the queue is full.
    [[nodiscard]] bool push(std::function<void()> work);
    /// Before what is queued, and even when the queue is full: for short work of which there is only so much.
    void push_first(std::function<void()> work);

    [[nodiscard]] std::size_t queued() const;

  private:
    void serve();

    const std::size_t queue_limit_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: joined before the rest goes
};

}  // namespace base
