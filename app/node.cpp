// Makes the parts in the order of their dependencies and takes them down in the reverse.
#include "app/node.hpp"

#include "accountmgmt/account_management.hpp"
#include "accountmgmt/pins.hpp"
#include "app/data_dir.hpp"
#include "app/database_watch.hpp"
#include "app/interfaces.hpp"
#include "app/ledger_options.hpp"
#include "app/node_options.hpp"
#include "app/telephony.hpp"
#include "app/telephony_options.hpp"
#include "base/database.hpp"
#include "base/listener.hpp"
#include "base/migrate.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/endpoint.hpp"
#include "frontend/http/server.hpp"
#include "frontend/request_metrics.hpp"
#include "frontend/soap/envelope.hpp"
#include "frontend/soap_client.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sealer.hpp"
#include "ledger/sweeper.hpp"
#include "payment/payment.hpp"
#include "payment/request_status.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace app {
namespace asio = boost::asio;
namespace {

/// A file of its own, or the log.
base::Logger make_access_log(const Settings::Log& settings, const base::Logger& log) {
    if (settings.access_file.empty()) return log;
    auto options = log_options(settings);
    options.file = settings.access_file;
    return base::Logger(options);
}

/// One io_context with its thread. Joining it waits for the work that is under way.
class IoThread {
  public:
    asio::io_context context{1};

    IoThread() = default;
    ~IoThread() { join(); }
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;

    void start() {
        thread_ = std::thread([this] { context.run(); });
    }
    void join() {
        guard_.reset();
        if (thread_.joinable()) thread_.join();
    }

  private:
    asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(context);
    std::thread thread_;
};

/// Days are cut by the database, for finance's queries too, so it must know how.
void set_time_zone(base::Database& database, const std::string& time_zone, const base::Logger& log) {
    try {
        std::string before;
        bool used = false;
        const bool changed = database.run_blocking([&](base::sql::Session& session) {
            const auto rows = session.exec(
                "select finance.time_zone(), exists (select from ledger.shard where next_journal_no > 1)");
            before = rows.text(0, 0);
            used = rows.boolean(0, 1);
            return session.exec("select ledger.set_time_zone($1)", base::sql::params(time_zone))
                .boolean(0, 0);
        });
        if (changed && used)  // else it is the first start that says how they are cut
            log.warning(
                "days and months are cut in another time zone from now on, for every node on this database; "
                "[finance] time_zone must be the same on all of them",
                {{"time_zone", time_zone}, {"before", before}});
    } catch (const base::sql::Error& error) {
        if (error.failure() != base::sql::Failure::data) throw;
        throw PlainError("[finance] time_zone: " + std::string(error.what()));
    }
}

}  // namespace

struct Node::Parts {
    base::Logger log;
    base::Logger access_log;
    std::atomic<bool> stopping = false;
    bool serves_tls = false;
    bool health_apart = false;
    bool logs_apart = false;
    // In the order of their making. What coroutines look at when they are abandoned comes first and goes
    // last.
    soap::XmlRuntime xml;
    soap::Catalogue catalogue{published_interfaces()};
    std::optional<soap::Decoder> decoder;
    std::optional<payment::Payment> payment;
    std::optional<accountmgmt::AccountManagement> account_management;
    std::optional<Telephony> telephony;
    std::optional<frontend::Endpoint> endpoint;
    std::vector<std::unique_ptr<IoThread>> threads;
    std::optional<frontend::SoapClient> soap_client;  ///< its connections belong to the threads
    std::optional<base::Database> database;
    std::optional<DatabaseWatch> watch;
    std::optional<ledger::Ledger> ledger;
    std::optional<ledger::Sweeper> sweeper;
    std::optional<ledger::Sealer> sealer;
    std::optional<auth::Authenticator> authenticator;
    std::optional<auth::SecretSchemes> secrets;
    std::optional<accountmgmt::Pins> pins;
    std::optional<base::Listener> listener;
    std::optional<http::Server> server;

    Parts(const Settings& settings, base::Logger logger);
    /// Apart from the constructor: what was made before something could not be is taken down in order.
    void make(const Settings& settings, const DatabaseUrls& urls);
    ~Parts();

    void make_endpoint(const Settings& settings);
    void make_listener(const DatabaseUrls& urls);
    void make_server(const Settings& settings);
    void warn_of_certificate() const;
    [[nodiscard]] frontend::Readiness readiness() const;
    void append_metrics(std::string& text) const;
};

Node::Parts::Parts(const Settings& settings, base::Logger logger)
    : log(std::move(logger)),
      access_log(make_access_log(settings.log, log)),
      serves_tls(!settings.tls.listen.empty()),
      health_apart(!settings.server.health_listen.empty()),
      logs_apart(!settings.log.access_file.empty()) {}

void Node::Parts::make(const Settings& settings, const DatabaseUrls& urls) {
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    const auto wanted = settings.server.threads == 0 ? cores : to_size(settings.server.threads);
    for (std::size_t i = 0; i < wanted; ++i) threads.push_back(std::make_unique<IoThread>());

    decoder.emplace(xml, catalogue, soap_limits(settings));
    soap_client.emplace(*decoder, callback_options(settings.callbacks));
    database.emplace(pool_options(settings, urls));
    set_time_zone(*database, settings.finance.time_zone, log);
    DatabaseWatch::Options watches;
    watches.schema = base::embedded_migrations().back().number;
    watch.emplace(watches, *database, log);
    ledger.emplace(node_ledger_options(settings, urls), *database, log.with({{"part", "ledger"}}));
    sweeper.emplace(sweeper_options(settings), *database, ledger->shards(), log.with({{"part", "sweeper"}}));
    sealer.emplace(sealer_options(settings), *database, log.with({{"part", "sealer"}}));
    authenticator.emplace(*database, auth_options(settings.auth), log.with({{"part", "auth"}}));
    auto box = auth::SecretBox::from_file(settings.auth.key_file, true);
    secrets.emplace(*database, authenticator->failures(), box, secret_options(settings),
                    log.with({{"part", "auth"}}));
    payment.emplace(*ledger, amount_style(settings));
    pins.emplace(*database, pin_options(settings), log.with({{"part", "pins"}}));
    account_management.emplace(
        *ledger, *pins,
        accountmgmt::AccountManagement::Options{.vouchers_accepted = settings.voucher.accepted});
    telephony.emplace(settings, Telephony::Uses{*ledger, *database, *secrets, *soap_client, box}, log);
    make_endpoint(settings);
    make_listener(urls);
    make_server(settings);
    telephony->join_nodes(settings, server->port());
    for (auto& thread : threads) thread->start();
}

void Node::Parts::make_endpoint(const Settings& settings) {
    auto services = payment->services();
    services.push_back(account_management->service());
    for (auto& service : telephony->services()) services.push_back(std::move(service));
    frontend::EndpointParts parts{
        catalogue,
        *decoder,
        *authenticator,
        std::move(services),
        [this] { return readiness(); },
        [this](std::string& text) { append_metrics(text); },
        log.with({{"part", "http"}}),
        access_log.with({{"part", "http"}}),
        &*secrets,
        [this](frontend::StatusQuestion question) {
            return payment::request_status(*ledger, std::move(question));
        },
        [this](frontend::TraceQuestion question) { return telephony->trace(std::move(question)); },
        &*database,
        &telephony->node_link()};
    endpoint.emplace(std::move(parts), endpoint_options(settings));
}

/// Other nodes, and people in psql, change users and addresses: the database tells.
void Node::Parts::make_listener(const DatabaseUrls& urls) {
    base::Listener::Options options;
    options.session = session_options(urls, "listener", Duration(0));
    options.channels = {auth::changed_channel, std::string(ledger::Ledger::address_channel),
                        std::string(ledger::Ledger::limits_channel), end_calls_channel};
    for (auto& channel : Telephony::channels()) options.channels.push_back(std::move(channel));
    options.on_reset = [this] {
        authenticator->forget();
        secrets->forget();
        ledger->forget_all_addresses();
        ledger->forget_limits();
        telephony->forget_all();
        telephony->users_changed();
    };
    options.on_notify = [this](const std::string& channel, const std::string& payload) {
        if (channel == auth::changed_channel) {
            authenticator->forget();
            secrets->forget();
            telephony->forget_notifications();
            telephony->users_changed();
        } else if (channel == end_calls_channel) {
            telephony->end_calls_of(payload);
        } else if (channel == ledger::Ledger::limits_channel) {
            ledger->forget_limits();
        } else if (channel == ledger::Ledger::address_channel) {
            ledger->forget_address(payload);
        } else {
            telephony->notified(channel, payload);
        }
    };
    listener.emplace(std::move(options), log.with({{"part", "listener"}}));
}

void Node::Parts::make_server(const Settings& settings) {
    std::vector<asio::io_context*> contexts;
    for (auto& thread : threads) contexts.push_back(&thread->context);
    server.emplace(std::move(contexts), *endpoint, http_options(settings));
    server->start();
    warn_of_certificate();
}

/// It is served all the same: some clients look at no dates, and others come without TLS.
void Node::Parts::warn_of_certificate() const {
    const auto trouble = server->certificate_trouble();
    if (!trouble.empty()) log.warning("clients will refuse the certificate", {{"error", trouble}});
}

frontend::Readiness Node::Parts::readiness() const {
    frontend::Readiness readiness;
    readiness.checks = {{"server", stopping ? "stopping" : ""},
                        {"database", watch->database_trouble()},
                        {"schema", watch->schema_trouble()},
                        {"lanes", ledger->trouble()},
                        {"sip", telephony->sip_trouble()}};
    return readiness;
}

void Node::Parts::append_metrics(std::string& text) const {
    frontend::append_metrics(text, server->statistics());
    const auto gauge = [&text](const std::string& name, const std::string& meaning, std::size_t value) {
        text += "# HELP " + name + ' ' + meaning + "\n# TYPE " + name + " gauge\n";
        text += name + ' ' + std::to_string(value) + '\n';
    };
    gauge("ledgerline_postings_waiting", "Postings that wait for a lane.", ledger->waiting());
    gauge("ledgerline_addresses", "Addresses whose account is remembered.", ledger->addresses());
    gauge("ledgerline_call_legs", "SIP dialogs of calls.", telephony->legs());
    gauge("ledgerline_call_legs_mixed", "Those whose media the bridge mixes.", telephony->mixed());
    telephony->append_metrics(text);
    const auto lag = std::chrono::floor<std::chrono::seconds>(sealer->lag()).count();
    gauge("ledgerline_seal_lag_seconds", "Time since everything that was posted was sealed.", to_size(lag));
    gauge("ledgerline_clock_behind_seconds",
          "How far the database's clock is behind what was posted last; more than 0: it was put back.",
          to_size(sweeper->clock_behind().count()));
    gauge("ledgerline_unsealed_rows", "Journal rows that the last round of sealing had to leave.",
          to_size(sealer->unsealed()));
    const auto lost = log.lost() + (logs_apart ? access_log.lost() : 0);
    text += "# HELP ledgerline_log_lines_lost_total Log lines that found no room or could not be written.\n";
    text += "# TYPE ledgerline_log_lines_lost_total counter\nledgerline_log_lines_lost_total ";
    text += std::to_string(lost) + '\n';
    gauge("ledgerline_database_waiting", "Statements that wait for a pooled session.", database->queued());
}

Node::Parts::~Parts() {
    server.reset();    // cuts what is still open
    listener.reset();  // it calls into the parts below
    // Requests that were cut may still wait for the ledger or the pool: their threads end when these have
    // answered.
    if (telephony) telephony->end_calls();
    for (auto& thread : threads) thread->join();
    if (telephony) telephony->stop();  // charges that calls leave are posted before the ledger goes
}

std::vector<std::string> file_mistakes(const Settings& settings) {
    std::vector<std::string> mistakes;
    const auto read = [&](const std::string& where, const std::function<void()>& look) {
        try {
            look();
        } catch (const std::runtime_error& error) {
            mistakes.push_back(where + error.what());
        }
    };
    if (!settings.tls.listen.empty())
        read("[tls] ", [&] {
            const auto trouble = http::TlsContext::server(tls_options(settings.tls))->out_of_date();
            if (!trouble.empty()) throw std::runtime_error(trouble + ": '" + settings.tls.certificate + '\'');
        });
    read("[callbacks] ca_file: ", [&] { (void)http::TlsContext::client(settings.callbacks.ca_file); });
    if (!settings.sip.listen.empty()) read("", [&] { (void)credentials(settings.sip); });
    return mistakes;
}

Node::Node(const Settings& settings, const DatabaseUrls& urls, const base::Logger& log) {
    try {
        parts_ = std::make_unique<Parts>(settings, log);
        parts_->make(settings, urls);
    } catch (const PlainError&) {
        throw;
    } catch (const std::runtime_error& error) {
        throw PlainError(error.what());
    }
}

Node::~Node() = default;

std::uint16_t Node::port() const { return parts_->server->port(); }

std::uint16_t Node::tls_port() const { return parts_->serves_tls ? parts_->server->port(1) : 0; }

std::uint16_t Node::health_port() const {
    return parts_->health_apart ? parts_->server->port(parts_->serves_tls ? 2 : 1) : 0;
}

void Node::reload() {
    const auto& log = parts_->log;
    for (const auto* each : {&parts_->log, &parts_->access_log}) {
        try {
            each->reopen();
        } catch (const std::runtime_error& error) {
            log.error("the log stays in its old file", {{"error", error.what()}});
        }
    }
    try {
        if (parts_->server->reload_tls()) log.info("read the certificates again");
        parts_->warn_of_certificate();
    } catch (const std::runtime_error& error) {
        log.error("the certificates stay as they were", {{"error", error.what()}});
    }
}

void Node::stop_accepting() {
    parts_->stopping = true;
    parts_->telephony->stop_accepting();
    parts_->server->stop_accepting();
}

EmbeddedJanus::Seen Node::bridge() const { return parts_->telephony->bridge(); }

std::uint64_t Node::connections_open() const { return parts_->server->statistics().connections_open; }

void Node::cut() { parts_->server->stop(std::chrono::milliseconds(0)); }

void apply_migrations(const DatabaseUrls& urls, const Settings& settings, const base::Logger& log,
                      const std::function<bool()>& impatient) {
    base::sql::SessionOptions options;
    options.url = urls.owner;
    options.application_name = "ledgerline migrate";
    try {
        base::sql::Session session(options);
        const base::MigrationSettings values{{"ledgerline.shards", std::to_string(settings.ledger.shards)}};
        base::migrate(session, base::embedded_migrations(), values, log, impatient);
    } catch (const base::sql::Error& error) {
        throw PlainError(std::string("the database can't be brought up to date: ") + error.what());
    } catch (const base::MigrationRefused& refusal) {
        throw PlainError(refusal.what());
    }
}

void distribute_over_citus(const DatabaseUrls& urls) {
    base::sql::SessionOptions options;
    options.url = urls.owner;
    options.application_name = "ledgerline migrate";
    try {
        base::sql::Session session(options);
        if (session.exec("select from pg_extension where extname = 'citus'").empty()) {
            throw PlainError("the database has no Citus: `create extension citus` on every node first");
        }
        base::sql::Transaction transaction(session);
        session.exec_script(std::string(base::citus_declaration()));
        transaction.commit();
    } catch (const base::sql::Error& error) {
        throw PlainError(std::string("the ledger can't be distributed: ") + error.what());
    }
}

}  // namespace app
