// base::migrate: order, bookkeeping, refusals, one at a time.
#include "base/migrate.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>

namespace {

using base::Migration;

const base::Logger silent(base::LogLevel::error);

constexpr Migration first{1, "first",
                          "CREATE TABLE t (x int); INSERT INTO t SELECT current_setting('my.number')::int"};
constexpr Migration second{2, "second", "UPDATE t SET x = x + 1"};
constexpr Migration second_changed{2, "second", "UPDATE t SET x = x + 2"};
constexpr Migration broken{2, "second", "UPDATE t SET x = x + 1; SELECT 1 / 0"};
constexpr Migration other_number{3, "third", "SELECT 1"};

class Migrate : public testing::Test {
  protected:
    std::size_t migrate(std::vector<Migration> migrations) {
        return base::migrate(session_, migrations, {{"my.number", "40"}}, silent);
    }
    std::int64_t x() { return session_.exec("SELECT x FROM t").integer(0, 0); }
    std::string refusal_of(std::vector<Migration> migrations) {
        try {
            migrate(std::move(migrations));
        } catch (const base::MigrationRefused& refusal) {
            return refusal.what();
        }
        return "accepted";
    }

    tests::TestDatabase database_{false};
    base::sql::Session session_ = database_.session();
};

TEST_F(Migrate, applies_what_is_missing_in_order) {
    EXPECT_EQ(migrate({first}), 1U);
    EXPECT_EQ(x(), 40);
    EXPECT_EQ(migrate({first, second}), 1U);
    EXPECT_EQ(migrate({first, second}), 0U);
    EXPECT_EQ(x(), 41);
    const auto rows = session_.exec("SELECT name, sha256 FROM ledger_migration.applied ORDER BY number");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.text(1, 0), "second");
    EXPECT_EQ(rows.text(1, 1), base::sha256_hex(second.sql));
}

TEST_F(Migrate, a_file_that_fails_changes_nothing) {
    migrate({first});
    try {
        migrate({first, broken});
        FAIL() << "no error";
    } catch (const base::sql::Error& error) {
        EXPECT_NE(std::string(error.what()).find("0002_second.sql"), std::string::npos) << error.what();
    }
    EXPECT_EQ(x(), 40);
    EXPECT_EQ(migrate({first, second}), 1U);
    EXPECT_EQ(x(), 41);
}

TEST_F(Migrate, refuses_a_changed_file_and_a_newer_database) {
    migrate({first, second});
    EXPECT_NE(refusal_of({first, second_changed}).find("0002_second.sql was changed"), std::string::npos);
    EXPECT_NE(refusal_of({first}).find("newer than this program"), std::string::npos);
    EXPECT_NE(refusal_of({first, other_number}).find("different histories"), std::string::npos);
    EXPECT_EQ(x(), 41);
}

TEST_F(Migrate, programs_that_start_at_once_wait_for_each_other) {
    std::vector<std::thread> nodes;
    for (int i = 0; i < 4; ++i) {
        nodes.emplace_back([this] {
            auto session = database_.session();
            const std::vector<Migration> both{first, second};
            base::migrate(session, both, {{"my.number", "40"}}, silent);
        });
    }
    for (auto& node : nodes) node.join();
    EXPECT_EQ(x(), 41);
}

/// An audit or an export may take hours.
TEST_F(Migrate, who_waits_for_another_program_can_be_stopped) {
    auto other = database_.session();
    other.exec("SELECT pg_advisory_lock(x'6c65646765720001'::bigint)");
    int looks = 0;
    const auto impatient = [&looks] { return ++looks > 2; };
    const std::array migrations{first};
    EXPECT_THROW(base::migrate(session_, migrations, {{"my.number", "40"}}, silent, impatient),
                 base::MigrationRefused);
    other.exec("SELECT pg_advisory_unlock_all()");
    EXPECT_EQ(migrate({first}), 1U);
    // And who waits for a long reader.
    base::sql::Transaction reading(other);
    other.exec("SELECT FROM t");
    constexpr Migration locking{2, "second", "LOCK TABLE t"};
    looks = 0;
    const std::array more{first, locking};
    EXPECT_THROW(base::migrate(session_, more, {{"my.number", "40"}}, silent, impatient),
                 base::MigrationRefused);
}

TEST_F(Migrate, one_that_waits_for_a_long_reader_keeps_nobody_else_waiting) {
    constexpr Migration wider{2, "second", "ALTER TABLE t ADD COLUMN y int"};
    migrate({first});
    auto reader = database_.session();
    std::optional<base::sql::Transaction> reading(reader);
    reader.exec("SELECT x FROM t");
    std::thread upgrade([&] { migrate({first, wider}); });
    auto other = database_.session();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (other.exec("SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted").empty() &&
           std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    other.exec("SET statement_timeout = '20s'");
    EXPECT_NO_THROW(other.exec("UPDATE t SET x = x"));
    reading.reset();
    upgrade.join();
    EXPECT_NO_THROW(other.exec("SELECT y FROM t"));
}

TEST(EmbeddedMigrations, are_numbered_without_gaps) {
    int expected = 1;
    for (const auto& migration : base::embedded_migrations()) EXPECT_EQ(migration.number, expected++);
}

}  // namespace
