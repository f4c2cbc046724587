// base::Database: work from coroutines and threads, errors, overload, a database that goes away and comes
// back.
#include "base/database.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <thread>

namespace {

namespace asio = boost::asio;
using base::Database;
using base::sql::Session;

class DatabasePool : public testing::Test {
  protected:
    static void SetUpTestSuite() { database_.emplace(false); }
    static void TearDownTestSuite() { database_.reset(); }

    static Database::Options options(std::size_t sessions = 2) {
        Database::Options result;
        result.session.url = database_->url("postgres");
        result.session.application_name = "pool";
        result.session.statement_timeout = std::chrono::seconds(20);
        result.sessions = sessions;
        return result;
    }

    static inline std::optional<tests::TestDatabase> database_;
};

asio::awaitable<std::string> add_up(Database& database, int a, int b) {
    const auto before = std::this_thread::get_id();
    const auto work = [a, b](Session& session) {
        return std::string(session.exec("SELECT $1::int + $2::int", base::sql::params(a, b)).text(0, 0));
    };
    auto sum = co_await database.run(work);
    EXPECT_EQ(std::this_thread::get_id(), before) << "resumed on another thread";
    co_return sum;
}

TEST_F(DatabasePool, resumes_coroutines_on_their_own_executor) {
    Database database(options());
    asio::io_context io;
    std::vector<std::future<std::string>> sums;
    for (int i = 0; i < 100; ++i)
        sums.push_back(asio::co_spawn(io, add_up(database, i, 1), asio::use_future));
    io.run();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)].get(), std::to_string(i + 1));
}

asio::awaitable<void> divide_by_zero(Database& database) {
    const auto work = [](Session& session) { session.exec("SELECT 1 / 0"); };
    co_await database.run(work);
}

TEST_F(DatabasePool, hands_errors_to_the_caller_and_goes_on) {
    Database database(options(1));
    asio::io_context io;
    auto failed = asio::co_spawn(io, divide_by_zero(database), asio::use_future);
    auto good = asio::co_spawn(io, add_up(database, 1, 2), asio::use_future);
    io.run();
    EXPECT_THROW(failed.get(), base::sql::Error);
    EXPECT_EQ(good.get(), "3");
}

TEST_F(DatabasePool, refuses_work_when_the_queue_is_full) {
    auto small = options(1);
    small.queue_limit = 1;
    Database database(small);
    std::promise<void> started, release;
    std::thread busy([&] {
        database.run_blocking([&](Session&) {
            started.set_value();
            release.get_future().wait();
        });
    });
    started.get_future().wait();
    std::thread queued([&] { database.run_blocking([](Session& session) { session.exec("SELECT 1"); }); });
    while (database.queued() == 0) std::this_thread::yield();

    EXPECT_THROW(database.run_blocking([](Session& session) { session.exec("SELECT 1"); }),
                 base::DatabaseBusy);
    asio::io_context io;
    auto refused = asio::co_spawn(io, add_up(database, 1, 2), asio::use_future);
    io.run();
    EXPECT_THROW(refused.get(), base::DatabaseBusy);

    release.set_value();
    busy.join();
    queued.join();
}

constexpr std::chrono::seconds patient(60);

asio::awaitable<void> wait_for(Database& database, std::shared_future<void> lock,
                               std::chrono::milliseconds patience = patient) {
    const auto work = [lock](Session&) { lock.wait_for(std::chrono::seconds(20)); };
    co_await database.run_locking(work, patience);
}

TEST_F(DatabasePool, what_waits_for_locks_leaves_a_session_and_the_queue_to_the_others) {
    auto three = options(3);
    three.queue_limit = 4;
    std::promise<void> release;
    const auto lock = release.get_future().share();
    asio::io_context io;
    std::vector<std::future<void>> waiting;
    std::future<void> refused;
    {
        Database database(three);
        for (int i = 0; i < 6; ++i) {
            waiting.push_back(asio::co_spawn(io, wait_for(database, lock), asio::use_future));
            io.poll();
            // Two of them have a session each, the others are queued: the first two do not count in the
            // queue.
            while (i < 2 && database.queued() > 0) std::this_thread::yield();
        }
        EXPECT_EQ(database.queued(), 4U);
        refused = asio::co_spawn(io, wait_for(database, lock), asio::use_future);
        io.poll();
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(database.run_blocking(
                          [i](Session& session) { return session.exec("SELECT 7").integer(0, 0) + i; }),
                      7 + i);
        }
        EXPECT_EQ(database.queued(), 4U) << "one of those has taken the last session";
        release.set_value();
    }
    io.run();  // all that was queued was done, at the end too
    for (auto& done : waiting) EXPECT_NO_THROW(done.get());
    EXPECT_THROW(refused.get(), base::DatabaseBusy);
}

TEST_F(DatabasePool, what_waited_too_long_for_locks_never_begins) {
    std::promise<void> release;
    const auto lock = release.get_future().share();
    asio::io_context io;
    const auto ask = [&](Database& database, std::chrono::milliseconds patience) {
        auto result = asio::co_spawn(io, wait_for(database, lock, patience), asio::use_future);
        io.poll();
        return result;
    };
    std::future<void> first, impatient, next, last;
    {
        Database database(options(2));
        first = ask(database, patient);
        while (database.queued() > 0) std::this_thread::yield();  // it has the one session for this
        impatient = ask(database, {});
        EXPECT_EQ(database.queued(), 1U);
        // Who comes next sees to it, while all sessions are kept waiting.
        next = ask(database, patient);
        ASSERT_EQ(database.queued(), 1U);
        io.poll();
        EXPECT_THROW(impatient.get(), base::DatabaseBusy);
        // And where nobody comes, the session does that gets free.
        last = ask(database, {});
        EXPECT_EQ(database.queued(), 2U);
        release.set_value();
    }
    io.run();
    EXPECT_NO_THROW(first.get());
    EXPECT_NO_THROW(next.get());
    EXPECT_THROW(last.get(), base::DatabaseBusy);
}

TEST_F(DatabasePool, works_with_a_single_session_too) {
    Database database(options(1));
    std::promise<void> release;
    release.set_value();
    asio::io_context io;
    auto done = asio::co_spawn(io, wait_for(database, release.get_future().share()), asio::use_future);
    io.run();
    EXPECT_NO_THROW(done.get());
}

TEST_F(DatabasePool, replaces_sessions_that_were_closed_while_idle) {
    Database database(options(1));
    const auto pid = [](Session& session) { return session.exec("SELECT pg_backend_pid()").integer(0, 0); };
    const auto first = database.run_blocking(pid);
    database_->session().exec("SELECT pg_terminate_backend($1, 10000)", base::sql::params(first));
    EXPECT_NE(database.run_blocking(pid), first);
}

TEST_F(DatabasePool, never_repeats_work_that_lost_its_connection) {
    Database database(options(1));
    int runs = 0;
    const auto suicide = [&runs](Session& session) {
        ++runs;
        session.exec("SELECT pg_terminate_backend(pg_backend_pid())");
    };
    try {
        database.run_blocking(suicide);
        FAIL() << "no error";
    } catch (const base::sql::Error& error) {
        EXPECT_EQ(error.failure(), base::sql::Failure::connection);
    }
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(database.run_blocking([](Session& session) { return session.exec("SELECT 7").integer(0, 0); }),
              7);
}

TEST_F(DatabasePool, says_so_when_the_database_is_away) {
    auto away = options(1);
    away.session.url = "postgresql://localhost:1/nothing";
    Database database(away);
    for (int i = 0; i < 3; ++i) {
        EXPECT_THROW(database.run_blocking([](Session& session) { session.exec("SELECT 1"); }),
                     base::sql::Error);
    }
}

TEST_F(DatabasePool, needs_a_statement_timeout) {
    auto endless = options();
    endless.session.statement_timeout = std::chrono::milliseconds(0);
    EXPECT_THROW(Database{endless}, std::invalid_argument);
}

}  // namespace
