// One private PostgreSQL per test program, and a fresh, migrated database per suite.
#pragma once

#include "app/embedded_postgres.hpp"
#include "base/sql.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace tests {

/// Started on first use, stopped and removed at the end of the program.
class Postgres {
  public:
    static Postgres& instance();
    ~Postgres();
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;

    /// A libpq URI for a role (`postgres`, `ledgerline_service`, `ledgerline_finance`) in a database.
    [[nodiscard]] std::string url(const std::string& role, const std::string& database) const;

    /// Makes a database that nobody has used, with all migrations applied (or empty), and returns its name.
    std::string create_database(bool migrated = true);
    void drop_database(const std::string& name);

    [[nodiscard]] app::EmbeddedPostgres& server() { return *server_; }

  private:
    Postgres();
    void make_template();

    std::filesystem::path folder_;
    std::unique_ptr<app::EmbeddedPostgres> server_;
    int databases_ = 0;
    bool has_template_ = false;
};

/// A database for the life of this object. In a suite: `static inline std::optional<TestDatabase> database;`.
class TestDatabase {
  public:
    explicit TestDatabase(bool migrated = true);
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::string url(const std::string& role = "ledgerline_service") const;
    /// A new session as a role; without statement time-out.
    [[nodiscard]] base::sql::Session session(const std::string& role = "postgres") const;

  private:
    std::string name_;
};

}  // namespace tests
