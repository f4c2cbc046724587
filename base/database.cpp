// The pool's threads: each takes work from the two bounded queues and runs it on its own session.
#include "base/database.hpp"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace base {
namespace asio = boost::asio;

struct Database::Pool {
    using Clock = std::chrono::steady_clock;
    enum class Kind : std::uint8_t { plain, locking };

    struct Entry {
        std::shared_ptr<Job> job;
        std::function<void()> finished{};
        std::uint64_t number = 0;  ///< of arrival
        Kind kind = Kind::plain;
        Clock::time_point begin_by = Clock::time_point::max();

        [[nodiscard]] bool late() const { return Clock::now() >= begin_by; }
        void refuse() const {
            job->fail(std::make_exception_ptr(DatabaseBusy()));
            finished();
        }
    };

    const Options options;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<Entry> plain, locking;
    std::uint64_t arrived = 0;
    std::size_t locking_under_way = 0;
    bool stopping = false;
    std::vector<std::jthread> threads;  // last: joined before the rest goes

    explicit Pool(Options given) : options(std::move(given)) {
        if (options.session.statement_timeout.count() <= 0) {
            throw std::invalid_argument("the database pool needs a statement time-out");
        }
        for (std::size_t i = 0; i < options.sessions; ++i) threads.emplace_back([this] { serve(); });
    }

    ~Pool() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        changed.notify_all();
    }

    void push(Entry entry) {
        std::vector<Entry> refused;
        {
            const std::lock_guard lock(mutex);
            // Where the database keeps all sessions waiting, who comes sees to those who came long ago.
            while (!locking.empty() && locking.front().late()) {
                refused.push_back(std::move(locking.front()));
                locking.pop_front();
            }
            auto& queue = entry.kind == Kind::plain ? plain : locking;
            if (queue.size() < options.queue_limit) {
                entry.number = ++arrived;
                queue.push_back(std::move(entry));
                changed.notify_one();
            } else {
                refused.push_back(std::move(entry));
            }
        }
        for (const auto& one : refused) one.refuse();
    }

    /// The queue whose turn it is, in the order of arrival; null: nothing may begin now.
    std::deque<Entry>* next_queue() {
        const auto room = std::max<std::size_t>(options.sessions, 2) - 1;
        const bool may_lock = !locking.empty() && locking_under_way < room;
        if (!may_lock) return plain.empty() ? nullptr : &plain;
        return plain.empty() || locking.front().number < plain.front().number ? &locking : &plain;
    }

    std::optional<Entry> pop() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return stopping || next_queue() != nullptr; });
        auto* queue = next_queue();
        // At the end: what may not begin now is left to those whose work is under way.
        if (queue == nullptr) return std::nullopt;
        auto entry = std::move(queue->front());
        queue->pop_front();
        if (entry.kind == Kind::locking) ++locking_under_way;
        return entry;
    }

    void serve() {
        Connector connector(options);
        while (auto entry = pop()) {
            try {
                if (entry->late()) throw DatabaseBusy();
                entry->job->run(connector.session());
            } catch (...) {
                entry->job->fail(std::current_exception());
            }
            if (entry->kind == Kind::locking) {
                const std::lock_guard lock(mutex);
                --locking_under_way;
                changed.notify_one();  // there is room for one more, and this thread may get other work
            }
            entry->finished();
        }
    }

    /// Queues the work; the coroutine that waits is resumed on its own executor.
    static asio::awaitable<void> perform(Pool* pool, Entry entry) {
        const auto start = [pool, entry = std::move(entry)](auto handler) mutable {
            // The io_context must not run out of work while the handler is here. The handler is wrapped in a
            // shared pointer because std::function wants to copy.
            const auto executor = asio::get_associated_executor(handler);
            auto tracked = asio::prefer(executor, asio::execution::outstanding_work.tracked);
            auto done = std::make_shared<Done>(std::move(handler));
            entry.finished = [tracked, done] { asio::post(tracked, [done] { std::move (*done)(); }); };
            pool->push(std::move(entry));
        };
        return asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
    }

    /// A thread's session, made when it is needed and made anew when it was lost.
    class Connector {
      public:
        explicit Connector(const Options& options) : options_(options) {}

        sql::Session& session() {
            if (session_ && !session_->alive()) {
                if (!options_.replace_lost) {
                    throw sql::Error(sql::Failure::connection, "", "the connection to the database was lost");
                }
                session_.reset();
            }
            if (!session_) connect();
            return *session_;
        }

      private:
        void connect() {
            const auto now = std::chrono::steady_clock::now();
            if (failure_ && now < retry_at_) throw sql::Error(*failure_);
            try {
                session_.emplace(options_.session);
                failure_.reset();
            } catch (const sql::Error& error) {
                failure_ = error;
                retry_at_ = std::chrono::steady_clock::now() + options_.reconnect_pause;
                throw;
            }
        }

        const Options& options_;
        std::optional<sql::Session> session_;
        std::optional<sql::Error> failure_;
        std::chrono::steady_clock::time_point retry_at_;
    };
};

Database::Database(Options options) : pool_(std::make_unique<Pool>(std::move(options))) {}

Database::~Database() = default;

std::size_t Database::queued() const {
    const std::lock_guard lock(pool_->mutex);
    return pool_->plain.size() + pool_->locking.size();
}

asio::awaitable<void> Database::perform(std::shared_ptr<Job> job) {
    return Pool::perform(pool_.get(), {.job = std::move(job)});
}

asio::awaitable<void> Database::perform_locking(std::shared_ptr<Job> job,
                                                std::chrono::milliseconds patience) {
    Pool::Entry entry{.job = std::move(job), .kind = Pool::Kind::locking};
    entry.begin_by = Pool::Clock::now() + patience;
    return Pool::perform(pool_.get(), std::move(entry));
}

void Database::perform_blocking(const std::shared_ptr<Job>& job) {
    std::promise<void> finished;
    pool_->push({.job = job, .finished = [&finished] { finished.set_value(); }});
    finished.get_future().wait();
}

}  // namespace base
