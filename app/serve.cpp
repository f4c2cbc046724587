// Starts everything in order, waits for signals, stops everything in order.
#include "app/serve.hpp"

#include "app/data_dir.hpp"
#include "app/demo.hpp"
#include "app/embedded_janus.hpp"
#include "app/embedded_postgres.hpp"
#include "app/local_client.hpp"
#include "app/node.hpp"
#include "app/node_options.hpp"
#include "base/sql.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>

namespace app {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

base::Logger make_logger(const Settings::Log& settings) {
    try {
        return base::Logger(log_options(settings));
    } catch (const std::runtime_error& error) {
        throw PlainError(error.what());
    }
}

/// The signals that a server handles, blocked in all its threads and taken one by one by the main thread.
class Signals {
  public:
    Signals() {
        ::sigemptyset(&set_);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&set_, signal);
        ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        ::signal(SIGPIPE, SIG_IGN);
    }

    /// The next signal; nothing when none came in time.
    std::optional<int> wait(std::chrono::milliseconds timeout) {
        timespec limit{};
        limit.tv_sec = timeout.count() / 1000;
        limit.tv_nsec = timeout.count() % 1000 * 1'000'000;
        const int signal = ::sigtimedwait(&set_, nullptr, &limit);
        return signal > 0 ? std::optional(signal) : std::nullopt;
    }

    /// A signal to stop has come and was not taken yet.
    [[nodiscard]] static bool stop_pending() {
        sigset_t pending;
        ::sigpending(&pending);
        return ::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1;
    }

    /// SIGHUP says "read the settings' files again", as daemons understand it; but when the terminal that the
    /// server was started on is gone, it says that nobody is left to stop it.
    [[nodiscard]] bool terminal_gone() const { return had_terminal_ && !has_terminal(); }

  private:
    static bool has_terminal() {
        const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal < 0) return false;
        ::close(terminal);
        return true;
    }

    sigset_t set_{};
    const bool had_terminal_ = has_terminal();
};

void check_loopback(const ListenAddress& listen) {
    if (listen.loopback()) return;
    throw PlainError("demo data has known passwords and is served on loopback only, not on " +
                     listen.address);
}

/// Tries the port before anything heavy is started for nothing.
void check_port(const ListenAddress& listen) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    sockaddr_in address4{};
    sockaddr_in6 address6{};
    address4.sin_family = AF_INET;
    address4.sin_port = htons(listen.port);
    address6.sin6_family = AF_INET6;
    address6.sin6_port = htons(listen.port);
    ::inet_pton(AF_INET, listen.address.c_str(), &address4.sin_addr);
    ::inet_pton(AF_INET6, listen.address.c_str(), &address6.sin6_addr);
    const auto* address =
        v6 ? reinterpret_cast<const sockaddr*>(&address6) : reinterpret_cast<const sockaddr*>(&address4);
    const auto length = static_cast<socklen_t>(v6 ? sizeof address6 : sizeof address4);

    const int socket = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool free = ::bind(socket, address, length) == 0 && ::listen(socket, 1) == 0;
    const int error = errno;
    ::close(socket);
    if (free) return;
    const auto where = listen.address + ':' + std::to_string(listen.port);
    if (error == EADDRINUSE) {
        throw PlainError(
            "port " + std::to_string(listen.port) + " on " + listen.address +
            " is in use by another program; stop that one, or give another --listen ADDRESS:PORT");
    }
    throw PlainError("can't listen on " + where + ": " + std::strerror(error));
}

/// The data directory, its lock and, unless the settings name a database, its PostgreSQL.
class Foundation {
  public:
    explicit Foundation(const ServeOptions& options) : data_dir_(options.data_dir) {
        data_dir_.create();
        lock_.emplace(data_dir_);
        remove_server_info(data_dir_);
    }

    void start_database(const Settings& settings, const base::Logger& log) {
        const auto& database = settings.database;
        if (!database.url.empty()) {
            urls_ = {database.url, database.role,
                     database.owner_url.empty() ? database.url : database.owner_url};
            return;
        }
        postgres_.emplace(data_dir_, postgres_options(settings.postgres), log.with({{"part", "postgres"}}));
        postgres_->start();
        if (!postgres_->moved_to().empty()) {
            log.info("the database's user can't enter the data directory; the cluster lies elsewhere",
                     {{"cluster", postgres_->moved_to().string()}, {"link", data_dir_.cluster().string()}});
        }
        urls_ = {postgres_->url("ledgerline_service"), "", postgres_->url("postgres")};
    }

    [[nodiscard]] const DataDir& data_dir() const { return data_dir_; }
    [[nodiscard]] const DatabaseUrls& urls() const { return urls_; }
    [[nodiscard]] EmbeddedPostgres* postgres() { return postgres_ ? &*postgres_ : nullptr; }

  private:
    static EmbeddedPostgres::Options postgres_options(const Settings::Postgres& settings) {
        EmbeddedPostgres::Options options;
        options.bin_dir = settings.bin_dir;
        options.shared_buffers = settings.shared_buffers;
        options.max_wal_size = settings.max_wal_size;
        options.min_wal_size = settings.min_wal_size;
        options.max_connections = settings.max_connections;
        options.start_timeout = settings.start_timeout;
        options.stop_timeout = settings.stop_timeout;
        options.impatient = Signals::stop_pending;
        return options;
    }

    DataDir data_dir_;
    std::optional<DataDirLock> lock_;
    std::optional<EmbeddedPostgres> postgres_;
    DatabaseUrls urls_;
};

void load_demo(const DatabaseUrls& urls, const Settings& settings) {
    base::sql::SessionOptions options;
    options.url = urls.owner;
    options.application_name = "ledgerline demo";
    try {
        base::sql::Session owner(options);
        const auto box = auth::SecretBox::from_file(settings.auth.key_file, true);
        load_demo_data(owner, settings.auth.default_domain, box);
    } catch (const std::runtime_error& error) {
        throw PlainError(std::string("the demo data can't be loaded: ") + error.what());
    }
}

/// A ledger that was tried with demo data may go on being used, but not with passwords that everybody knows.
void check_known_passwords(const DatabaseUrls& urls, const Settings& settings, const std::string& address) {
    base::sql::SessionOptions options;
    options.url = urls.owner;
    options.application_name = "ledgerline serve";
    std::string logins;
    try {
        base::sql::Session session(options);
        const auto box = auth::SecretBox::from_file(settings.auth.key_file, true);
        for (const auto& login : users_with_known_passwords(session, box))
            logins += (logins.empty() ? "" : ", ") + login;
    } catch (const std::runtime_error& error) {
        throw PlainError(std::string("the users' passwords can't be looked at: ") + error.what());
    }
    if (logins.empty()) return;
    throw PlainError(
        "users of the demo data still have the passwords or secrets that everybody knows (" + logins +
        "), and are served on loopback only, not on " + address +
        "; start the server on loopback, and disable each with `ledgerline user disable LOGIN`, or "
        "change both with `user passwd` and `user secret`");
}

/// Where the server can be reached.
struct Urls {
    std::string http, health;
};

void greet(const Foundation& foundation, const Urls& urls, bool demo, const EmbeddedPostgres* postgres) {
    const auto program = program_path();
    // Clients find the usual data directory by themselves.
    const auto usual = DataDir(client_data_dir()).path() == foundation.data_dir().path();
    const auto flag = usual ? "" : " --data-dir " + shell_word(foundation.data_dir().path().string());
    auto& out = std::cout;
    out << "\nledgerline is ready.\n\n"
        << "  SOAP      " << urls.http << "/ParlayX/\n"
        << "  WSDL      " << urls.http << "/ParlayX/v2_1/AmountCharging?wsdl\n"
        << "  Health    " << urls.health << "/readyz\n";
    if (postgres != nullptr) {
        out << "  Database  private PostgreSQL in " << foundation.data_dir().cluster().string() << '\n';
        if (!postgres->moved_to().empty()) {
            out << "            a link to " << (postgres->moved_to() / "postgres").string()
                << ", because its user can't enter this folder\n";
        }
    }
    if (demo) {
        out << '\n'
            << demo_summary() << "\nCharge an account, in another terminal:\n\n"
            << "  " << program << " charge tel:+15550001 1.50 EUR --reference R1" << flag << "\n\n"
            << "See it as finance staff do:\n\n"
            << "  " << program << " psql" << flag << "\n";
    }
    out << "\nCtrl-C stops " << (postgres != nullptr ? "server and database" : "the server") << ".\n"
        << std::endl;
    out.clear();  // a server serves, whoever reads this
}

/// The mixer, when the settings want one of this server's own; they then say where its socket is.
std::unique_ptr<EmbeddedJanus> make_janus(const DataDir& data_dir, Settings& settings,
                                          const base::Logger& log) {
    auto& bridge = settings.media.bridge;
    std::unique_ptr<EmbeddedJanus> janus;
    const auto sip = parse_listen_address(settings.sip.listen);
    if (bridge == "own" && sip) {
        EmbeddedJanus::Options options;
        options.rtp_ports = settings.media.rtp_ports;
        const bool everywhere = sip->address == "0.0.0.0" || sip->address == "::";
        options.address = settings.media.address;
        if (options.address.empty() && !everywhere) options.address = sip->address;
        janus = std::make_unique<EmbeddedJanus>(data_dir, std::move(options), log.with({{"part", "bridge"}}));
        bridge = janus->socket().string();
        if (settings.media.ringing.empty()) settings.media.ringing = janus->ringing().string();
        if (settings.media.funds_end.empty()) settings.media.funds_end = janus->funds_end().string();
        janus->start();
    }
    if (!bridge.starts_with('/')) bridge.clear();
    return janus;
}

/// A child that ends by itself is started again.
void child_ended(EmbeddedPostgres* postgres, EmbeddedJanus* janus, const base::Logger& log) {
    int status = 0;
    if (janus != nullptr && janus->pid() != 0 && ::waitpid(janus->pid(), &status, WNOHANG) == janus->pid())
        janus->ended(describe_status(status));
    if (postgres == nullptr || postgres->pid() == 0) return;
    if (::waitpid(postgres->pid(), &status, WNOHANG) != postgres->pid()) return;
    postgres->ended();
    log.error("the database ended; starting it again", {{"status", describe_status(status)}});
    postgres->start();
    log.info("the database runs again");
}

/// Until the mixer is to be started again, or to be looked after.
std::chrono::milliseconds patience(const EmbeddedJanus* janus) {
    if (janus == nullptr) return 1h;
    const auto due = janus->next_start();
    if (!due) return 1s;
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()), 0ms);
}

/// Waits until a signal says stop.
void wait_for_stop(Signals& signals, Node& node, EmbeddedPostgres* postgres, EmbeddedJanus* janus,
                   const base::Logger& log) {
    for (;;) {
        const auto signal = signals.wait(patience(janus));
        if (patience(janus) == 0ms) janus->start();
        if (janus != nullptr) janus->look_after(node.bridge());
        if (!signal) continue;
        if (*signal == SIGHUP && !signals.terminal_gone()) {
            node.reload();
            continue;
        }
        if (*signal != SIGCHLD) {
            log.info("stopping", {{"signal", ::strsignal(*signal)}});
            return;
        }
        child_ended(postgres, janus, log);
    }
}

/// Requests under way finish; a second signal, or the time-out, cuts them.
void drain(Node& node, Signals& signals, Duration timeout, const base::Logger& log) {
    node.stop_accepting();
    const auto deadline = Clock::now() + timeout;
    while (node.connections_open() > 0) {
        const auto signal = signals.wait(20ms);
        const bool again = signal && (*signal == SIGINT || *signal == SIGTERM);
        if (!again && Clock::now() < deadline) continue;
        log.warning(again ? "second signal: cutting open connections" : "time-out: cutting open connections",
                    {{"connections", node.connections_open()}});
        node.cut();
        return;
    }
}

}  // namespace

int serve(const ServeOptions& options) {
    Signals signals;
    const auto log = make_logger(options.settings.log);
    const auto listen = parse_listen_address(options.settings.server.listen);
    if (!listen) throw PlainError("server.listen is no address and port: " + options.settings.server.listen);
    const auto tls_listen = parse_listen_address(options.settings.tls.listen);
    if (options.demo) check_loopback(*listen);
    if (options.demo && tls_listen) check_loopback(*tls_listen);
    Foundation foundation(options);
    check_port(*listen);
    if (tls_listen) check_port(*tls_listen);
    const auto sip_listen = parse_listen_address(options.settings.sip.listen);
    if (options.demo && sip_listen) check_loopback(*sip_listen);
    auto health_listen = parse_listen_address(options.settings.server.health_listen);
    if (health_listen) check_port(*health_listen);
    foundation.start_database(options.settings, log);
    apply_migrations(foundation.urls(), options.settings, log, Signals::stop_pending);
    auto settings = options.settings;
    if (settings.auth.key_file.empty()) settings.auth.key_file = foundation.data_dir().key_file().string();
    if (options.demo) load_demo(foundation.urls(), settings);
    for (const auto* each : {&listen, &tls_listen, &sip_listen}) {
        if (options.demo || !*each || (*each)->loopback()) continue;
        check_known_passwords(foundation.urls(), settings, (*each)->address);
        break;
    }
    std::optional<Node> node;
    // Whoever tries the demo runs applications beside it.
    if (options.demo && settings.callbacks.allow.empty()) settings.callbacks.allow = "127.0.0.0/8, ::1";
    if (options.demo) settings.call.allow_loopback = true;
    if (options.demo && settings.media.bridge.empty()) settings.media.bridge = "own";
    auto janus = make_janus(foundation.data_dir(), settings, log);
    node.emplace(settings, foundation.urls(), log);

    auto bound = *listen;
    bound.port = node->port();
    ServerInfo info;
    info.url = bound.url();
    info.pid = ::getpid();
    info.demo = options.demo;
    write_server_info(foundation.data_dir(), info);
    log.info("ready", {{"url", info.url}, {"tls_port", node->tls_port()}});
    log.flush();  // before the greeting, for whoever reads both on a terminal
    if (health_listen) health_listen->port = node->health_port();
    const Urls urls{info.url, health_listen ? health_listen->url() : info.url};
    greet(foundation, urls, options.demo, foundation.postgres());

    wait_for_stop(signals, *node, foundation.postgres(), janus.get(), log);
    drain(*node, signals, options.settings.server.stop_timeout, log);
    remove_server_info(foundation.data_dir());
    node.reset();
    janus.reset();
    if (foundation.postgres() != nullptr) foundation.postgres()->stop();
    log.info("stopped");
    return 0;
}

int migrate(const ServeOptions& options, bool over_citus) {
    const auto log = make_logger(options.settings.log);
    Foundation foundation(options);
    foundation.start_database(options.settings, log);
    apply_migrations(foundation.urls(), options.settings, log);
    if (over_citus) distribute_over_citus(foundation.urls());
    std::cout << "The database is up to date" << (over_citus ? " and distributed.\n" : ".\n");
    return 0;
}

}  // namespace app
