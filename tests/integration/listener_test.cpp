// base::Listener: notifications arrive, and a lost connection comes back with a reset.
#include "base/listener.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace {

using namespace std::chrono_literals;

/// Counts what the listener reports and waits for it.
class Recorder {
  public:
    void reset() {
        change([this] { ++resets_; });
    }
    void notified(const std::string& channel, const std::string& payload) {
        change([&] { last_ = channel + ':' + payload; });
    }
    bool wait_for_resets(int number) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return resets_ >= number; });
    }
    bool wait_for(const std::string& notification) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return last_ == notification; });
    }

  private:
    template <class Change>
    void change(Change make) {
        {
            const std::lock_guard lock(mutex_);
            make();
        }
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int resets_ = 0;
    std::string last_;
};

TEST(Listener, hears_notifications_and_comes_back_after_a_lost_connection) {
    const tests::TestDatabase database(false);
    Recorder recorder;
    base::Listener::Options options;
    options.session.url = database.url("postgres");
    options.session.application_name = "listener under test";
    options.channels = {"one", "Two \"quoted\""};
    options.backoff_min = 10ms;
    options.on_reset = [&] { recorder.reset(); };
    options.on_notify = [&](const std::string& channel, const std::string& payload) {
        recorder.notified(channel, payload);
    };
    const base::Listener listener(options, base::Logger(base::LogLevel::error));

    auto session = database.session();
    ASSERT_TRUE(recorder.wait_for_resets(1));
    session.exec("SELECT pg_notify('one', 'hello')");
    EXPECT_TRUE(recorder.wait_for("one:hello"));
    session.exec("SELECT pg_notify('Two \"quoted\"', '')");
    EXPECT_TRUE(recorder.wait_for("Two \"quoted\":"));

    session.exec(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'listener under test'");
    ASSERT_TRUE(recorder.wait_for_resets(2));
    session.exec("SELECT pg_notify('one', 'again')");
    EXPECT_TRUE(recorder.wait_for("one:again"));
}

}  // namespace
