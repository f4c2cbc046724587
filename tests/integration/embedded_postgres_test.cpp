// app::EmbeddedPostgres: what is left of killed runs is recovered from, long paths work, data stays.
#include "app/embedded_postgres.hpp"
#include "base/sql.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using app::DataDir;
using app::EmbeddedPostgres;

class Embedded : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "ledgerline-embedded-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ::chmod(folder_.c_str(), 0755);
    }
    void TearDown() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    static EmbeddedPostgres::Options options() {
        EmbeddedPostgres::Options result;
        result.shared_buffers = "16MB";
        result.start_timeout = std::chrono::seconds(60);
        return result;
    }

    static base::sql::Session session(const EmbeddedPostgres& postgres) {
        base::sql::SessionOptions result;
        result.url = postgres.url("postgres");
        return base::sql::Session(result);
    }

    fs::path folder_;
    base::Logger log_{base::LogLevel::error, base::LogFormat::text};
};

TEST_F(Embedded, keeps_its_data_is_durable_and_listens_on_its_socket_only) {
    {
        EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
        postgres.start();
        auto sql = session(postgres);
        sql.exec_script("CREATE TABLE t (x int); INSERT INTO t VALUES (7)");
        for (const auto* setting : {"fsync", "synchronous_commit", "full_page_writes", "data_checksums"}) {
            EXPECT_EQ(sql.exec(std::string("SHOW ") + setting).text(0, 0), "on") << setting;
        }
        EXPECT_EQ(sql.exec("SHOW listen_addresses").text(0, 0), "");
        EXPECT_EQ(sql.exec("SHOW server_encoding").text(0, 0), "UTF8");
        EXPECT_EQ(sql.exec("SHOW lc_collate").text(0, 0), "C.UTF-8");
        struct stat status {};
        ASSERT_EQ(::stat(("/proc/" + std::to_string(postgres.pid())).c_str(), &status), 0);
        EXPECT_NE(status.st_uid, 0U) << "PostgreSQL runs as root";
        EXPECT_EQ(::getpgid(postgres.pid()), postgres.pid()) << "Ctrl-C would reach it";
    }
    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    postgres.start();
    EXPECT_EQ(session(postgres).exec("SELECT x FROM t").integer(0, 0), 7);
}

TEST_F(Embedded, who_recovers_from_an_archive_is_ready_when_that_has_ended) {
    {
        EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
        postgres.start();
        auto sql = session(postgres);
        sql.exec("CREATE TABLE t (x int)");
        sql.exec("ALTER SYSTEM SET restore_command = 'sleep 1; false'");
    }
    std::ofstream(folder_ / "postgres" / "recovery.signal");
    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    postgres.start();
    auto sql = session(postgres);
    EXPECT_FALSE(sql.exec("SELECT pg_is_in_recovery()").boolean(0, 0));
    sql.exec("INSERT INTO t VALUES (7)");
    EXPECT_FALSE(fs::exists(folder_ / "postgres" / "recovery.signal"));
}

TEST_F(Embedded, a_deep_folder_gets_a_short_socket) {
    const auto deep = folder_ / std::string(60, 'a') / std::string(60, 'b');
    fs::create_directories(deep);
    EmbeddedPostgres postgres(DataDir(deep), options(), log_);
    postgres.start();
    EXPECT_EQ(session(postgres).exec("SELECT 1").integer(0, 0), 1);
    EXPECT_TRUE(fs::is_symlink(deep / "socket"));
    postgres.stop();
    fs::remove_all(fs::canonical(deep / "socket"));
}

TEST_F(Embedded, a_folder_that_its_user_cannot_enter_gets_a_link) {
    if (::geteuid() != 0) return;  // other users run the database as themselves
    const auto closed = folder_ / "closed";
    const auto data_dir = closed / "var";
    fs::create_directories(data_dir);
    ::chmod(closed.c_str(), 0700);
    const auto mask = ::umask(077);
    fs::path first;
    {
        EmbeddedPostgres postgres(DataDir(data_dir), options(), log_);
        postgres.start();
        session(postgres).exec("CREATE TABLE t (x int)");
        first = postgres.moved_to();
        EXPECT_EQ(fs::read_symlink(data_dir / "postgres"), first / "postgres");
    }
    {
        EmbeddedPostgres postgres(DataDir(data_dir), options(), log_);
        postgres.start();
        EXPECT_EQ(postgres.moved_to(), first);
        EXPECT_EQ(session(postgres).exec("SELECT count(*) FROM t").integer(0, 0), 0);
    }
    fs::remove_all(data_dir);
    fs::create_directories(data_dir);
    EmbeddedPostgres postgres(DataDir(data_dir), options(), log_);
    postgres.start();
    EXPECT_NE(postgres.moved_to(), first) << "a removed data directory came back";
    postgres.stop();
    ::umask(mask);
    fs::remove_all(first);
    fs::remove_all(postgres.moved_to());
}

TEST_F(Embedded, a_copy_of_a_link_takes_no_database_from_its_server) {
    if (::geteuid() != 0) return;
    const auto closed = folder_ / "closed";
    fs::create_directories(closed / "var");
    ::chmod(closed.c_str(), 0700);
    EmbeddedPostgres postgres(DataDir(closed / "var"), options(), log_);
    postgres.start();
    session(postgres).exec("CREATE TABLE t (x int)");
    fs::create_directories(closed / "copy");
    fs::copy_symlink(closed / "var" / "postgres", closed / "copy" / "postgres");
    {
        EmbeddedPostgres copy(DataDir(closed / "copy"), options(), log_);
        EXPECT_THROW(copy.start(), app::PlainError);
    }
    EXPECT_EQ(session(postgres).exec("SELECT count(*) FROM t").integer(0, 0), 0);
    postgres.stop();
    fs::remove_all(postgres.moved_to());
}

TEST_F(Embedded, another_users_cluster_is_left_as_it_is) {
    if (::geteuid() != 0) return;
    const auto owner_of = [](const fs::path& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_uid;
    };
    {
        EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
        postgres.start();
    }
    // As if a service of its own user had made it, on whose folder root tries something by hand.
    constexpr uid_t service = 12345;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
        ASSERT_EQ(::lchown(entry.path().c_str(), service, service), 0);
    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    EXPECT_THROW(postgres.start(), app::PlainError);
    for (const auto* name : {"postgres", "postgres/pg_hba.conf", "postgres/ledgerline.conf", "socket"})
        EXPECT_EQ(owner_of(folder_ / name), service) << name;
}

TEST_F(Embedded, an_interrupted_initdb_begins_anew) {
    fs::create_directories(folder_ / "postgres.new" / "base");
    std::ofstream(folder_ / "postgres.new" / "PG_VERSION") << "15\n";
    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    postgres.start();
    EXPECT_EQ(session(postgres).exec("SELECT 1").integer(0, 0), 1);
}

TEST_F(Embedded, stale_lock_files_that_name_a_living_stranger_are_no_obstacle) {
    {
        EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
        postgres.start();
        ::kill(postgres.pid(), SIGKILL);
        int status = 0;
        ::waitpid(postgres.pid(), &status, 0);
        postgres.ended();
    }
    // The pid of a living process of the cluster's own user would stop PostgreSQL itself; ours stands for it.
    std::ofstream(folder_ / "postgres" / "postmaster.pid") << ::getpid() << '\n'
                                                           << folder_.string() << "/postgres\n";
    std::ofstream(folder_ / "socket" / ".s.PGSQL.5432.lock") << ::getpid() << '\n';
    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    postgres.start();
    EXPECT_EQ(session(postgres).exec("SELECT 1").integer(0, 0), 1);
}

TEST_F(Embedded, a_postgres_without_its_server_is_ended_first) {
    // A server that is killed: the child below starts PostgreSQL and dies without a word.
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t server = ::fork();
    if (server == 0) {
        EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
        postgres.start();
        session(postgres).exec_script("CREATE TABLE t (x int); INSERT INTO t VALUES (7)");
        const pid_t pid = postgres.pid();
        ::kill(pid, SIGSTOP);  // it can't follow the death signal until somebody wakes it
        if (::write(pipe[1], &pid, sizeof pid) < 0) ::_exit(1);
        ::_exit(0);
    }
    pid_t orphan = 0;
    ASSERT_EQ(::read(pipe[0], &orphan, sizeof orphan), ssize_t{sizeof orphan});
    int status = 0;
    ::waitpid(server, &status, 0);
    ASSERT_EQ(::kill(orphan, SIGCONT), 0);

    EmbeddedPostgres postgres(DataDir(folder_), options(), log_);
    postgres.start();
    EXPECT_NE(postgres.pid(), orphan);
    EXPECT_EQ(session(postgres).exec("SELECT x FROM t").integer(0, 0), 7);
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST_F(Embedded, a_missing_postgresql_is_told_plainly) {
    auto nowhere = options();
    nowhere.bin_dir = "/nowhere";
    EmbeddedPostgres postgres(DataDir(folder_), nowhere, log_);
    try {
        postgres.start();
        FAIL() << "started";
    } catch (const app::PlainError& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/postgres"), std::string::npos);
    }
}

TEST_F(Embedded, the_lock_names_its_holder) {
    const DataDir data_dir(folder_);
    EXPECT_FALSE(app::DataDirLock::holder(data_dir));
    const app::DataDirLock lock(data_dir);
    EXPECT_EQ(app::DataDirLock::holder(data_dir), ::getpid());
    try {
        const app::DataDirLock second(data_dir);
        FAIL() << "locked twice";
    } catch (const app::PlainError& error) {
        EXPECT_NE(std::string(error.what()).find(std::to_string(::getpid())), std::string::npos)
            << error.what();
    }
}

TEST_F(Embedded, who_may_not_look_for_a_server_is_told_so) {
    const DataDir data_dir(folder_);
    const app::DataDirLock lock(data_dir);
    fs::permissions(folder_, fs::perms::none);
    const bool root = ::geteuid() == 0;  // whom no permissions stop
    if (root) {
        EXPECT_EQ(::seteuid(65534), 0);
    }
    EXPECT_THROW((void)app::DataDirLock::holder(data_dir), app::PlainError);
    if (root) {
        EXPECT_EQ(::seteuid(0), 0);
    }
    fs::permissions(folder_, fs::perms::owner_all);
}

TEST_F(Embedded, clients_find_a_running_server_only) {
    const DataDir data_dir(folder_);
    app::ServerInfo info;
    info.url = "http://127.0.0.1:8080";
    info.pid = ::getpid();
    info.demo = true;
    app::write_server_info(data_dir, info);
    EXPECT_FALSE(app::read_server_info(data_dir));
    const app::DataDirLock lock(data_dir);
    const auto found = app::read_server_info(data_dir);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->url, info.url);
    EXPECT_TRUE(found->demo);
}

}  // namespace
