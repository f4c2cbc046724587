// The bounded pool of database sessions for everything that is not the charging path.
#pragma once

#include "base/sql.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

namespace base {

/// The pool's queue is full: the caller answers "overloaded" in its protocol's terms.
class DatabaseBusy : public std::runtime_error {
  public:
    DatabaseBusy() : std::runtime_error("the database queue is full") {}
};

/// Blocking sessions, a thread each. Coroutines hand in work and are resumed on their own executor.
class Database {
  public:
    struct Options {
        sql::SessionOptions session;  ///< statement_timeout must be set
        std::size_t sessions = 4;
        std::size_t queue_limit = 1024;
    };

    explicit Database(Options options);
    ~Database();  ///< runs what is queued, then joins

    /// Runs `work(session)` on a pool thread and resumes the caller's executor with what it returned or threw:
    /// sql::Error from the statements, DatabaseBusy when the queue is full. `work` is repeated once on a new
    /// session when the connection turns out to be lost before its first statement succeeded.
    template <class Work>
    boost::asio::awaitable<std::invoke_result_t<Work&, sql::Session&>> run(Work work);

    /// The same, blocking, for start-up code that has no coroutine.
    template <class Work>
    std::invoke_result_t<Work&, sql::Session&> run_blocking(Work work);

    // … private part: yours
};

}  // namespace base
