// The private PostgreSQL of a data directory: made, started, recovered and stopped by the server.
#pragma once

#include "app/data_dir.hpp"
#include "app/process.hpp"
#include "base/log.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace app {

/// A cluster that only this machine's cluster user, `postgres` and root can reach, over a Unix socket. Never
/// runs as root: a server started by root runs it as the user `postgres`. The caller holds the data
/// directory's lock.
class EmbeddedPostgres {
  public:
    struct Options {
        std::filesystem::path bin_dir = "/usr/lib/postgresql/15/bin";
        std::string shared_buffers = "256MB";  ///< as PostgreSQL writes it
        std::string max_wal_size = "4GB";
        std::string min_wal_size = "1GB";
        std::int64_t max_connections = 100;
        std::chrono::milliseconds start_timeout{600'000};  ///< crash recovery included
        std::chrono::milliseconds stop_timeout{60'000};    ///< then it is stopped without a checkpoint
        /// Asked while waiting: true gives up a start, and stops without a checkpoint.
        std::function<bool()> impatient = [] { return false; };
    };

    EmbeddedPostgres(DataDir data_dir, Options options, base::Logger log);
    ~EmbeddedPostgres();  ///< stops it
    EmbeddedPostgres(const EmbeddedPostgres&) = delete;
    EmbeddedPostgres& operator=(const EmbeddedPostgres&) = delete;

    /// Makes the cluster on first use, ends what an earlier run left behind, starts PostgreSQL and waits
    /// until it answers and has the database `ledgerline`. On the main thread (see start_child). Throws
    /// PlainError.
    void start();

    /// Fast shutdown; waits for the end. Harmless when it does not run.
    void stop();

    /// The process, or 0.
    [[nodiscard]] pid_t pid() const { return pid_; }

    /// To be called after waitpid reported this process: it does not run any more.
    void ended() { pid_ = 0; }

    /// A libpq URI for a role: `postgres` (superuser), `ledgerline_service` or `ledgerline_finance`.
    [[nodiscard]] std::string url(const std::string& role, const std::string& database = "ledgerline") const;
    /// The same for a client of a data directory whose server runs.
    [[nodiscard]] static std::string url_of(const DataDir& data_dir, const std::string& role,
                                            const std::string& database = "ledgerline");

    /// Where the cluster really lies, when the cluster's user can't enter the data directory; else empty.
    [[nodiscard]] const std::filesystem::path& moved_to() const { return moved_to_; }

  private:
    void check_program() const;
    void check_owner() const;
    void place();
    void place_socket();
    void end_leftovers();
    void remove_stale_files() const;
    void initialise() const;
    void write_configuration() const;
    void write_owned(const std::filesystem::path& path, const std::string& text) const;
    void make_owned_directory(const std::filesystem::path& path) const;
    void launch();
    void wait_until_ready();
    void create_database() const;
    [[nodiscard]] std::string log_tail() const;
    [[nodiscard]] std::filesystem::path program(const char* name) const { return options_.bin_dir / name; }

    DataDir data_dir_;
    Options options_;
    base::Logger log_;
    OsUser user_;
    std::filesystem::path home_;  // where cluster and socket really are
    std::filesystem::path moved_to_;
    std::optional<DataDirLock> moved_lock_;  // of moved_to_: a copy of the link leads there, too
    pid_t pid_ = 0;
};

}  // namespace app
