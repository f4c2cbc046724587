// Connects, waits for the ledger's coroutines, and tells refusals from a database that does not work.
#include "app/operator/desk.hpp"

#include "app/command_line.hpp"
#include "app/data_dir.hpp"
#include "app/ledger_options.hpp"
#include "app/local_client.hpp"
#include "base/log.hpp"
#include "base/utf8.hpp"
#include "ledger/address.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <utility>

namespace app {
namespace asio = boost::asio;
namespace {

base::sql::SessionOptions session_options(const DeskOptions& options) {
    const auto& database = options.settings.database;
    base::sql::SessionOptions session;
    session.url = client_database_url(options.settings, options.data_dir, "ledgerline_service");
    // The embedded database lets us in as the service itself.
    if (!database.url.empty()) session.role = database.role;
    session.application_name = "ledgerline operator";
    session.statement_timeout = database.statement_timeout;
    return session;
}

/// As many shards as the database was made with: a command that changes one account shall not need the
/// server's settings for that.
std::size_t count_shards(base::Database& database) {
    const auto rows = database.run_blocking(
        [](base::sql::Session& session) { return session.exec("select count(*) from ledger.shard"); });
    return static_cast<std::size_t>(rows.integer(0, 0));
}

ledger::Options desk_options(const Settings& settings, std::size_t shards) {
    auto options = ledger_options(settings);
    options.shards = shards;
    // Everything goes through the pool's one session, so that an act is one transaction; when that is lost,
    // so is the transaction, and there is nothing to send again.
    options.lanes = 0;
    options.lane.resend_for = {};
    return options;
}

/// Not an answer of the ledger's rules, but of a ledger that can't work.
bool out_of_order(ledger::Refusal refusal) {
    return refusal == ledger::Refusal::unavailable || refusal == ledger::Refusal::overloaded ||
           refusal == ledger::Refusal::internal;
}

std::string in_plain_words(const base::sql::Error& error, bool begun) {
    const std::string what = error.what();
    // Out of disk or of memory, or a standby, it answers, and has done nothing.
    const bool exhausted = error.sqlstate().starts_with("53") && error.sqlstate() != "53300";
    const bool standby = error.sqlstate() == "25006";
    if (error.failure() == base::sql::Failure::connection && !exhausted && !standby) {
        return (begun ? "the database went away, and it is unknown whether this was done: "
                      : "the database does not answer: ") +
               what;
    }
    if (error.sqlstate().starts_with("42") || error.sqlstate().starts_with("3F")) {
        return "the database has not this program's ledger; `ledgerline migrate` brings it up to date: " +
               what;
    }
    return "the database could not do this, nothing was changed: " + what;
}

/// For work that takes long: when the command is interrupted, the database gives it up, too. It would go on
/// for nobody, and keep for it what others have changed since.
void end_with_client(base::sql::Session& session) {
    session.exec("set client_connection_check_interval = '1s'");
}

/// A transaction that waits for a person, or for work beside it, is no node that hangs.
void take_your_time(base::sql::Session& session) {
    session.exec("set idle_in_transaction_session_timeout = 0");
}

/// Who sits here, as far as the operating system knows; through sudo, who they were before.
std::string actor() {
    const char* before = ::getenv("SUDO_USER");
    const auto* user = ::getpwuid(::getuid());
    const std::string name = user != nullptr ? user->pw_name : std::to_string(::getuid());
    return "os:" + (before != nullptr && ::getuid() == 0 ? std::string(before) + " as " + name : name);
}

}  // namespace

Desk::Desk(const DeskOptions& options)
    : out_(options.json),
      max_amount_(options.settings.ledger.max_amount),
      default_domain_(options.settings.auth.default_domain),
      key_file_(options.settings.auth.key_file.empty() ? DataDir(options.data_dir).key_file().string()
                                                       : options.settings.auth.key_file) {
    base::Database::Options pool;
    pool.session = session_options(options);
    pool.sessions = 1;
    pool.replace_lost = false;
    session_ = pool.session;
    database_.emplace(pool);
    const base::Logger log(base::LogLevel::error, base::LogFormat::text);
    ledger_.emplace(desk_options(options.settings, count_shards(*database_)), *database_, log);
}

ledger::AccountPtr Desk::account(const std::string& address) {
    const auto normal = ledger::normal_address(address);
    if (!base::is_storable_text(normal)) throw Refused(ledger::Refusal::unknown_account);
    try {
        return run(ledger_->find(normal));
    } catch (const Refused& refusal) {
        if (refusal.outcome() != to_string(ledger::Refusal::unknown_account)) throw;
    }
    const std::vector<Column> columns{
        {.name = "account", .source = "account_id::text"},
        {.name = "until", .kind = Column::Kind::time},
    };
    const auto earlier = table(columns,
                               "from ledger.address where address = $1 and until is not null"
                               " order by until desc limit 1",
                               base::sql::params(normal));
    std::string reason = normal + " is no account's address";
    if (!earlier.rows.empty()) {
        const auto& row = earlier.rows.front();
        reason += " any more: account " + std::string(row[0].as_string()) + " had it until " +
                  std::string(row[1].as_string());
    }
    throw Refused(ledger::Refusal::unknown_account, reason);
}

template <class T>
T Desk::run(asio::awaitable<ledger::Result<T>> operation) {
    auto future = asio::co_spawn(io_, std::move(operation), asio::use_future);
    io_.restart();
    io_.run();
    const auto result = future.get();
    if (result) return *result;
    if (out_of_order(result.error())) throw PlainError(std::string(reason_of(result.error())));
    throw Refused(result.error());
}

template ledger::AccountPtr Desk::run(asio::awaitable<ledger::Result<ledger::AccountPtr>>);
template ledger::HoldPtr Desk::run(asio::awaitable<ledger::Result<ledger::HoldPtr>>);
template ledger::Rated Desk::run(asio::awaitable<ledger::Result<ledger::Rated>>);
template ledger::Receipt Desk::run(asio::awaitable<ledger::Result<ledger::Receipt>>);

base::sql::Session Desk::long_session() {
    database_->run_blocking(take_your_time);
    auto options = session_;
    options.statement_timeout = std::chrono::milliseconds(0);
    base::sql::Session session(options);
    end_with_client(session);
    return session;
}

auth::SecretBox Desk::secret_box() const {
    try {
        // Servers make the key: what is encrypted under one that is made here no server could read.
        return auth::SecretBox::from_file(key_file_, false);
    } catch (const std::runtime_error& error) {
        throw PlainError(std::string(error.what()) +
                         "; it is the servers' one: name their --data-dir, or their --config");
    }
}

void Desk::users(const std::function<void(auth::Users&)>& work) {
    database_->run_blocking([&](base::sql::Session& session) {
        session.exec("select set_config('ledgerline.actor', $1, false)", base::sql::params(actor()));
        auth::Users users(session, default_domain_);
        try {
            work(users);
        } catch (const auth::UserError& error) {
            throw Refused("impossible", error.what());
        }
    });
}

void Desk::refuse_unknown_domain(const std::string& domain) {
    if (!query("select from ledger.domain where domain = $1", base::sql::params(domain)).empty()) return;
    throw Refused("unknown_domain",
                  "there is no domain " + domain + "; `ledgerline account domain` makes one");
}

void Desk::act(const Act& act, const std::function<void()>& work) {
    unrecorded_ = &act;
    const auto spoken = out_;
    std::ostringstream said;
    out_ = Printer(spoken.as_json(), said);
    database_->run_blocking([this](base::sql::Session& session) { transaction_.emplace(session); });
    try {
        work();
        database_->run_blocking([this](base::sql::Session& session) {
            if (unrecorded_ != nullptr) record_in(session);
            if (!handed_out_.empty()) take_your_time(session);
            if (!(std::cout << std::exchange(handed_out_, {})).flush())
                throw PlainError("can't write to standard output; nothing was changed");
            transaction_->commit();
        });
    } catch (...) {
        transaction_.reset();
        out_ = spoken;
        throw;
    }
    transaction_.reset();
    out_ = spoken;
    std::cout << said.str();
}

void Desk::keep() {
    database_->run_blocking([this](base::sql::Session& session) {
        transaction_->commit();
        transaction_.emplace(session);
    });
}

void Desk::record_in(base::sql::Session& session) {
    session.exec("select trail.add($1, $2, $3, $4)",
                 base::sql::params(unrecorded_->name, unrecorded_->subject, unrecorded_->details, actor()));
    unrecorded_ = nullptr;
}

void Desk::refuse_on_cluster(const std::string& command) const {
    if (!ledger_->shards().distributed()) return;
    throw Refused("impossible",
                  '`' + command + "` does not work on a Citus cluster yet; nothing was changed");
}

base::sql::Rows Desk::query(std::string_view statement, const base::sql::Params& parameters) {
    return database_->run_blocking(
        [&](base::sql::Session& session) { return session.exec(statement, parameters); });
}

Table Desk::table(const std::vector<Column>& columns, const std::string& rest,
                  const base::sql::Params& parameters) {
    return table_of(columns, query("select " + select_list(columns) + ' ' + rest, parameters));
}

namespace {

/// `work` says that it has begun through its argument.
int refusals_shown(const DeskOptions& options, const std::function<void(bool&)>& work) {
    bool begun = false;
    try {
        work(begun);
        return 0;
    } catch (const Refused& refusal) {
        Printer(options.json).refused(refusal);
        return exit_refused;
    } catch (const base::sql::Error& error) {
        throw PlainError(in_plain_words(error, begun));
    }
}

}  // namespace

int at_desk(const DeskOptions& options, const std::function<void(Desk&)>& command) {
    return refusals_shown(options, [&](bool& begun) {
        Desk desk(options);
        begun = true;
        command(desk);
    });
}

int at_finance_desk(const DeskOptions& options, const std::function<void(FinanceDesk&)>& command) {
    return refusals_shown(options, [&](bool&) {
        base::sql::SessionOptions session;
        session.role = "ledgerline_finance";
        session.url = client_database_url(options.settings, options.data_dir, session.role);
        session.application_name = "ledgerline finance";
        FinanceDesk desk{Printer(options.json), base::sql::Session(session)};
        end_with_client(desk.session);
        command(desk);
    });
}

}  // namespace app
