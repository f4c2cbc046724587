// The bounded pool of database sessions for everything that is not the charging path.
#pragma once

#include "base/sql.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace base {

/// The pool's queue is full, or what waited in it did so for too long and was not begun: the caller answers
/// "overloaded" in its protocol's terms.
class DatabaseBusy : public std::runtime_error {
  public:
    DatabaseBusy() : std::runtime_error("the database is too busy") {}
};

/// Blocking sessions, a thread each. Coroutines hand in work and are resumed on their own executor.
/// Destroy it before the io_contexts whose coroutines use it.
class Database {
  public:
    struct Options {
        sql::SessionOptions session;  ///< statement_timeout must be set
        std::size_t sessions = 4;
        std::size_t queue_limit = 1024;  ///< of each kind of work
        /// After a failed connect, work fails at once for so long: also work that comes when the database has
        /// just come back, so it is short.
        std::chrono::milliseconds reconnect_pause{100};
        /// false: once a session is lost all further work on it fails; for a transaction that spans several
        /// pieces of work.
        bool replace_lost = true;
    };

    explicit Database(Options options);
    ~Database();  ///< runs what is queued, then joins
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs `work(session)` on a pool thread and resumes the caller's executor with what it returned or
    /// threw: sql::Error from the statements, DatabaseBusy when the queue is full. A session that the server
    /// closed while it was idle is replaced before `work` runs; `work` itself never runs twice, so after
    /// Failure::connection the caller decides whether what it did may be repeated.
    template <class Work>
    boost::asio::awaitable<std::invoke_result_t<Work&, sql::Session&>> run(Work work) {
        auto task = std::make_shared<Task<Work>>(std::move(work));
        co_await perform(task);
        co_return task->result();
    }

    /// The same for work that waits for locks, which may take long when much of it comes at once: it has a
    /// queue of its own and never all sessions, so that what only reads does not wait behind it. What has not
    /// begun after `patience` never does (DatabaseBusy): whoever asked for it may long have asked again.
    template <class Work>
    boost::asio::awaitable<std::invoke_result_t<Work&, sql::Session&>> run_locking(
        Work work, std::chrono::milliseconds patience) {
        auto task = std::make_shared<Task<Work>>(std::move(work));
        co_await perform_locking(task, patience);
        co_return task->result();
    }

    /// The same as run, blocking, for start-up code that has no coroutine.
    template <class Work>
    std::invoke_result_t<Work&, sql::Session&> run_blocking(Work work) {
        auto task = std::make_shared<Task<Work>>(std::move(work));
        perform_blocking(task);
        return task->result();
    }

    /// How much work waits for a session, for metrics.
    [[nodiscard]] std::size_t queued() const;

  private:
    /// One piece of work and, afterwards, what became of it. Shared, so that it outlives an abandoned
    /// coroutine.
    class Job {
      public:
        virtual ~Job() = default;
        virtual void run(sql::Session& session) = 0;
        void fail(std::exception_ptr error) { error_ = std::move(error); }

      protected:
        std::exception_ptr error_;
    };

    template <class Work>
    class Task final : public Job {
      public:
        using Result = std::invoke_result_t<Work&, sql::Session&>;

        explicit Task(Work work) : work_(std::move(work)) {}

        void run(sql::Session& session) override {
            if constexpr (std::is_void_v<Result>)
                work_(session);
            else
                result_.emplace(work_(session));
        }

        Result result() {
            if (error_) std::rethrow_exception(error_);
            if constexpr (!std::is_void_v<Result>) return std::move(*result_);
        }

      private:
        struct Nothing {};
        Work work_;
        std::optional<std::conditional_t<std::is_void_v<Result>, Nothing, Result>> result_;
    };

    using Done = boost::asio::any_completion_handler<void()>;

    boost::asio::awaitable<void> perform(std::shared_ptr<Job> job);
    boost::asio::awaitable<void> perform_locking(std::shared_ptr<Job> job,
                                                 std::chrono::milliseconds patience);
    void perform_blocking(const std::shared_ptr<Job>& job);

    struct Pool;
    std::unique_ptr<Pool> pool_;
};

}  // namespace base
