// Places, initialises, starts and stops the private cluster.
#include "app/embedded_postgres.hpp"

#include "app/http_client.hpp"
#include "base/ids.hpp"
#include "base/migrate.hpp"
#include "base/sql.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace app {
namespace fs = std::filesystem;
namespace {

constexpr auto database_name = "ledgerline";

/// The longest folder that leaves room for `/.s.PGSQL.5432` in a socket's address.
constexpr std::size_t socket_dir_limit = sizeof(sockaddr_un::sun_path) - sizeof("/.s.PGSQL.5432");

/// A short name for a data directory, the same at every start.
std::string path_hash(const fs::path& path) { return base::sha256_hex(path.string()).substr(0, 16); }

/// Makes `link` point to `target`, whatever link was there.
void point_link(const fs::path& link, const fs::path& target) {
    std::error_code ignored;
    if (fs::is_symlink(fs::symlink_status(link, ignored)) && fs::read_symlink(link, ignored) == target)
        return;
    if (fs::is_symlink(fs::symlink_status(link, ignored)) || fs::is_empty(link, ignored))
        fs::remove(link, ignored);
    std::error_code error;
    fs::create_symlink(target, link, error);
    if (error) throw PlainError("can't make the link " + link.string() + ": " + error.message());
}

/// Whatever the umask: the cluster's user must get in.
void make_public_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) == 0 && ::chmod(path.c_str(), 0755) == 0) return;
    if (errno != EEXIST) {
        throw PlainError("can't make the folder " + path.string() + ": " + std::strerror(errno));
    }
}

void sync_directory(const fs::path& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || ::fsync(directory) != 0) {
        throw PlainError("can't write " + path.string() + " to disk: " + std::strerror(errno));
    }
    ::close(directory);
}

std::string first_line(const fs::path& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

/// postmaster.pid's eighth line, `ready` when connections are accepted (PostgreSQL's pidfile.h).
std::string postmaster_status(const fs::path& cluster, pid_t pid) {
    std::ifstream in(cluster / "postmaster.pid");
    std::string line;
    for (int number = 1; number <= 8; ++number) {
        if (!std::getline(in, line)) return "";
        if (number == 1 && line != std::to_string(pid)) return "";
    }
    return line.substr(0, line.find(' '));
}

}  // namespace

EmbeddedPostgres::EmbeddedPostgres(DataDir data_dir, Options options, base::Logger log)
    : data_dir_(std::move(data_dir)), options_(std::move(options)), log_(std::move(log)) {}

EmbeddedPostgres::~EmbeddedPostgres() { stop(); }

void EmbeddedPostgres::start() {
    check_program();
    user_ = ::geteuid() == 0 ? OsUser::named("postgres") : OsUser::current();
    check_owner();
    place();
    place_socket();
    end_leftovers();
    if (!fs::exists(home_ / "postgres" / "PG_VERSION")) initialise();
    remove_stale_files();
    write_configuration();
    launch();
    wait_until_ready();
    create_database();
}

void EmbeddedPostgres::check_program() const {
    for (const char* name : {"postgres", "initdb"}) {
        if (::access(program(name).c_str(), X_OK) == 0) continue;
        throw PlainError(
            "the embedded database needs " + program(name).string() +
            ", which is not there: install postgresql-15, set [postgres] bin_dir, or give the URL of a "
            "database in [database] url");
    }
}

/// PostgreSQL would refuse a cluster of somebody else's, but not before files in it were given to its user:
/// after one start by root, the server of the cluster's owner could not start any more.
void EmbeddedPostgres::check_owner() const {
    struct stat status {};
    if (::stat(data_dir_.cluster().c_str(), &status) != 0 || status.st_uid == user_.uid) return;
    throw PlainError("the database in " + data_dir_.cluster().string() + " is not the user " + user_.name +
                     "'s, as whom it would run: start the server as the user that made it (uid " +
                     std::to_string(status.st_uid) + ')');
}

/// Decides where the cluster lies: in the data directory, or in /var/lib/ledgerline when its user can't get
/// there. A link remembers the place: who removes the data directory begins anew, who moves it takes the link
/// along.
void EmbeddedPostgres::place() {
    home_ = fs::canonical(data_dir_.path());
    moved_to_.clear();
    const auto cluster = data_dir_.cluster();
    if (!fs::is_symlink(fs::symlink_status(cluster))) {
        if (can_enter(user_, home_)) return;
        if (fs::exists(cluster)) {
            throw PlainError(
                "user " + user_.name + " can't enter " + home_.string() +
                " any more, where its database lies: restore the permissions of the folders above");
        }
        point_link(cluster, fs::path("/var/lib/ledgerline") / base::random_hex_id() / "postgres");
    }
    moved_to_ = fs::read_symlink(cluster).parent_path();
    home_ = moved_to_;
    make_public_directory(home_.parent_path());
    make_public_directory(home_);
    if (!moved_lock_) moved_lock_.emplace(DataDir(home_));
    std::ofstream(home_ / "data-directory") << data_dir_.path().string() << '\n';  // for whoever finds it
}

/// The socket lies beside the cluster, or under a short path when that would be too long for a socket's
/// address.
void EmbeddedPostgres::place_socket() {
    auto directory = home_ / "socket";
    if (directory.string().size() > socket_dir_limit) {
        const auto name = "ledgerline-" + std::to_string(user_.uid) + '-' + path_hash(home_);
        directory = fs::path(::geteuid() == 0 ? "/run" : "/tmp") / name;
    }
    make_owned_directory(directory);
    if (directory != data_dir_.socket_dir() && directory != fs::canonical(data_dir_.path()) / "socket") {
        point_link(data_dir_.socket_dir(), directory);
    }
}

/// A folder that only the cluster's user can enter. One that somebody else made before us (in /tmp) is
/// refused.
void EmbeddedPostgres::make_owned_directory(const fs::path& path) const {
    std::error_code error;
    if (fs::is_symlink(fs::symlink_status(path, error)))
        fs::remove(path, error);  // a link from another layout
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        throw PlainError("can't make the folder " + path.string() + ": " + std::strerror(errno));
    }
    if (::geteuid() == 0 && ::lchown(path.c_str(), user_.uid, user_.gid) != 0) {
        throw PlainError("can't give " + path.string() + " to user " + user_.name + ": " +
                         std::strerror(errno));
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != user_.uid ||
        ::chmod(path.c_str(), 0700) != 0) {
        throw PlainError("the folder " + path.string() + " must belong to user " + user_.name + " alone");
    }
}

/// Ends what is left of an earlier server that was killed. We hold the data directory's lock, so whatever
/// runs on this cluster belongs to nobody any more; it got our death signal and usually is on its way out.
void EmbeddedPostgres::end_leftovers() {
    const auto cluster = home_ / "postgres";
    auto leftovers = processes_in("postgres", cluster);
    if (leftovers.empty()) return;
    log_.warning("a database process of an earlier run is still there; ending it",
                 {{"pid", leftovers.front()}, {"processes", leftovers.size()}});
    const auto postmaster = first_line(cluster / "postmaster.pid");
    for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
        for (const auto pid : leftovers) {
            if (signal == SIGKILL || std::to_string(pid) == postmaster) ::kill(pid, signal);
        }
        for (const auto pid : leftovers) wait_until_gone(pid, options_.stop_timeout);
        leftovers = processes_in("postgres", cluster);
        if (leftovers.empty()) return;
    }
    throw PlainError("process " + std::to_string(leftovers.front()) + " still uses the cluster " +
                     cluster.string() + " and can't be ended");
}

/// Lock files name a process by number only; after a crash or reboot that number may be anybody's. No
/// postgres runs on this cluster (end_leftovers), so they are stale.
void EmbeddedPostgres::remove_stale_files() const {
    std::error_code ignored;
    fs::remove(home_ / "postgres" / "postmaster.pid", ignored);
    const auto socket = fs::canonical(data_dir_.socket_dir());
    fs::remove(socket / ".s.PGSQL.5432", ignored);
    fs::remove(socket / ".s.PGSQL.5432.lock", ignored);
}

/// initdb into a draft folder that gets its name when everything is there: a start that was interrupted
/// begins anew.
void EmbeddedPostgres::initialise() const {
    const auto draft = home_ / "postgres.new";
    fs::remove_all(draft);
    log_.info("making the database cluster", {{"path", (home_ / "postgres").string()}, {"user", user_.name}});
    make_owned_directory(draft);

    const LogFile output(data_dir_.postgres_log());
    ChildOptions child;
    child.arguments = {program("initdb").string(), "--pgdata=" + draft.string(), "--username=postgres",
                       "--encoding=UTF8",          "--locale=C.UTF-8",           "--data-checksums",
                       "--auth-local=peer",        "--auth-host=reject",         "--no-instructions"};
    child.user = user_;
    child.output = output.descriptor();
    child.death_signal = SIGKILL;
    const auto pid = start_child(child);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) {
        throw PlainError("initdb failed (" + describe_status(status) + "):\n" + log_tail());
    }
    std::ofstream(draft / "postgresql.conf", std::ios::app)
        << "\n# Written by the server at every start. Your own settings: ALTER SYSTEM, which wins.\n"
           "include 'ledgerline.conf'\n";
    fs::rename(draft, home_ / "postgres");
    sync_directory(home_);  // were the new name lost with the power, the next start would begin anew
}

void EmbeddedPostgres::write_configuration() const {
    const auto cluster = home_ / "postgres";
    const auto version = first_line(cluster / "PG_VERSION");
    if (version != "15") {
        throw PlainError("the cluster " + cluster.string() + " was made by PostgreSQL " + version +
                         "; this server runs PostgreSQL 15");
    }
    std::ostringstream settings;
    settings << "# Rewritten at every start.\n"
             << "listen_addresses = ''\n"
             << "unix_socket_directories = '" << fs::canonical(data_dir_.socket_dir()).string() << "'\n"
             << "unix_socket_permissions = 0700\n"
             << "cluster_name = 'ledgerline'\n"
             << "max_connections = " << options_.max_connections << '\n'
             << "shared_buffers = '" << options_.shared_buffers << "'\n"
             << "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n"
             << "wal_compression = lz4\nwal_buffers = '16MB'\n"
             << "max_wal_size = '" << options_.max_wal_size << "'\nmin_wal_size = '" << options_.min_wal_size
             << "'\ncheckpoint_timeout = '15min'\n"
             << "jit = off\n"
             // Who recovers to a point in time is ready when that is reached, and not while it only reads.
             << "hot_standby = off\n"
             << "timezone = 'UTC'\nlog_timezone = 'UTC'\n"
             << "log_line_prefix = '%m [%p] %q%u@%d '\n";
    write_owned(cluster / "ledgerline.conf", settings.str());
    write_owned(cluster / "pg_hba.conf",
                "# Rewritten at every start. Who may be which role: pg_ident.conf.\n"
                "local all         all peer map=ledgerline\n"
                "local replication all peer map=ledgerline\n");
    std::ostringstream map;
    map << "# Rewritten at every start.\n";
    for (const auto& os_user : std::set<std::string>{user_.name, "postgres", "root"}) {
        for (const char* role : {"postgres", "ledgerline_service", "ledgerline_finance"}) {
            map << "ledgerline \"" << os_user << "\" " << role << '\n';
        }
    }
    write_owned(cluster / "pg_ident.conf", map.str());
}

/// Writes a file for the cluster's user. No link is followed: the folder is that user's, and we may be root.
void EmbeddedPostgres::write_owned(const fs::path& path, const std::string& text) const {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    const bool written = file >= 0 && (::geteuid() != 0 || ::fchown(file, user_.uid, user_.gid) == 0) &&
                         ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const auto reason = std::string(std::strerror(errno));
    if (file >= 0) ::close(file);
    if (!written) throw PlainError("can't write " + path.string() + ": " + reason);
}

void EmbeddedPostgres::launch() {
    const LogFile output(data_dir_.postgres_log());
    ChildOptions child;
    child.arguments = {program("postgres").string(), "-D", (home_ / "postgres").string()};
    child.user = user_;
    child.output = output.descriptor();
    child.death_signal = SIGINT;  // "fast shutdown"
    pid_ = start_child(child);
}

void EmbeddedPostgres::wait_until_ready() {
    using namespace std::chrono_literals;
    const auto start = std::chrono::steady_clock::now();
    auto next_word = start + 5s;
    while (postmaster_status(home_ / "postgres", pid_) != "ready") {
        int status = 0;
        if (wait_for_child(pid_, 20ms, status)) {
            pid_ = 0;
            throw PlainError("PostgreSQL did not start (" + describe_status(status) +
                             "); its last words in " + data_dir_.postgres_log().string() + ":\n" +
                             log_tail());
        }
        const auto now = std::chrono::steady_clock::now();
        if (options_.impatient()) {
            stop();
            throw PlainError("interrupted while the database was starting");
        }
        if (now > start + options_.start_timeout) {
            stop();
            throw PlainError(
                "PostgreSQL was not ready in time ([postgres] start_timeout); its last words in " +
                data_dir_.postgres_log().string() + ":\n" + log_tail());
        }
        if (now > next_word) {
            log_.info("the database is still starting, perhaps recovering from a crash");
            next_word = now + 5s;
        }
    }
}

void EmbeddedPostgres::create_database() const {
    base::sql::SessionOptions options;
    options.url = url("postgres", "postgres");
    options.application_name = "ledgerline start";
    try {
        base::sql::Session session(options);
        const auto found =
            session.exec("SELECT 1 FROM pg_database WHERE datname = $1", base::sql::params(database_name));
        if (found.empty()) session.exec(std::string("CREATE DATABASE ") + database_name);
    } catch (const base::sql::Error& error) {
        throw PlainError(std::string("the embedded database does not answer: ") + error.what());
    }
}

void EmbeddedPostgres::stop() {
    using namespace std::chrono_literals;
    if (pid_ == 0) return;
    int status = 0;
    ::kill(pid_, SIGINT);
    const auto deadline = std::chrono::steady_clock::now() + options_.stop_timeout;
    while (!wait_for_child(pid_, 50ms, status)) {
        if (!options_.impatient() && std::chrono::steady_clock::now() < deadline) continue;
        log_.warning("stopping the database without a checkpoint; it recovers at the next start");
        ::kill(pid_, SIGQUIT);
        ::waitpid(pid_, &status, 0);
        status = 0;
        break;
    }
    pid_ = 0;
    if (status != 0) log_.warning("the database ended unexpectedly", {{"status", describe_status(status)}});
}

std::string EmbeddedPostgres::url(const std::string& role, const std::string& database) const {
    return url_of(data_dir_, role, database);
}

std::string EmbeddedPostgres::url_of(const DataDir& data_dir, const std::string& role,
                                     const std::string& database) {
    std::error_code error;
    auto socket = fs::canonical(data_dir.socket_dir(), error);  // short: see place_socket
    if (error) socket = data_dir.socket_dir();
    return "postgresql://" + role + "@/" + database + "?host=" + percent_encoded(socket.string());
}

std::string EmbeddedPostgres::log_tail() const {
    std::ifstream in(data_dir_.postgres_log());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back("    " + line);
        if (lines.size() > 8) lines.erase(lines.begin());
    }
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
}

}  // namespace app
