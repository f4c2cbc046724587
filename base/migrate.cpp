// Compares the migrations of this program with those of the database and applies the rest.
#include "base/migrate.hpp"

#include "base/ids.hpp"

#include <sodium.h>

#include <array>
#include <chrono>
#include <thread>

namespace base {
namespace {

using Clock = std::chrono::steady_clock;

/// Any number that nothing else in the database uses as an advisory lock.
constexpr std::int64_t migration_lock = 0x6c65646765720001;  // "ledger", 1

/// Who waits for a whole table keeps everybody waiting who comes later. So a migration that finds somebody at
/// work for long, an audit or an export, steps back for a while and tries again.
constexpr auto lock_patience = "SET LOCAL lock_timeout = '2s'";
constexpr std::chrono::seconds retry_pause(5);
/// How often whoever waits looks whether it still shall, and whether another program has ended.
constexpr std::chrono::milliseconds look_interval(100);
constexpr std::string_view lock_not_available = "55P03";

constexpr auto bookkeeping = R"(
    CREATE SCHEMA IF NOT EXISTS ledger_migration;
    CREATE TABLE IF NOT EXISTS ledger_migration.applied (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        sha256     text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE ledger_migration.applied IS 'the migrations that this database has';
)";

/// A dump of the ledger says nothing of the database that it is restored into: what the tables' owner may do
/// there. Migrations that make schemas need it.
constexpr auto owner_grants = R"(
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledgerline_owner')
           AND NOT has_database_privilege('ledgerline_owner', current_database(), 'CREATE') THEN
            EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO ledgerline_owner', current_database());
        END IF;
    END $$)";

std::string file_name(const Migration& migration) {
    auto number = std::to_string(migration.number);
    number.insert(0, 4 - std::min<std::size_t>(number.size(), 4), '0');
    return number + '_' + std::string(migration.name) + ".sql";
}

using Impatient = std::function<bool()>;

void pause(const Impatient& impatient) {
    if (impatient && impatient()) throw MigrationRefused("interrupted while others were waited for");
    std::this_thread::sleep_for(look_interval);
}

/// Holds the advisory lock, so that several nodes may start at once.
class MigrationLock {
  public:
    MigrationLock(sql::Session& session, const Impatient& impatient, const Logger& log) : session_(session) {
        for (auto next_word = Clock::now() + retry_pause; !taken(); pause(impatient)) {
            if (Clock::now() < next_word) continue;
            log.warning("another program is bringing the database up to date; waiting until it has ended");
            next_word = Clock::time_point::max();
        }
    }
    ~MigrationLock() {
        if (session_.broken()) return;
        try {
            session_.exec("SELECT pg_advisory_unlock($1)", sql::params(migration_lock));
        } catch (const sql::Error&) {
            // The connection is lost, and the lock with it.
        }
    }
    MigrationLock(const MigrationLock&) = delete;
    MigrationLock& operator=(const MigrationLock&) = delete;

  private:
    bool taken() {
        return session_.exec("SELECT pg_try_advisory_lock($1)", sql::params(migration_lock)).boolean(0, 0);
    }

    sql::Session& session_;
};

/// How many of `migrations` the database has. Throws MigrationRefused unless these are exactly the first
/// ones.
std::size_t check_applied(sql::Session& session, std::span<const Migration> migrations) {
    const auto applied =
        session.exec("SELECT number, name, sha256 FROM ledger_migration.applied ORDER BY number");
    for (std::size_t row = 0; row < applied.size(); ++row) {
        const auto number = applied.integer(row, 0);
        const auto name = std::to_string(number) + " (" + std::string(applied.text(row, 1)) + ")";
        if (row >= migrations.size()) {
            throw MigrationRefused("the database is newer than this program: it has migration " + name +
                                   ", the last one known here is " +
                                   std::to_string(migrations.empty() ? 0 : migrations.back().number) +
                                   "; start a program of at least that version");
        }
        if (number != migrations[row].number) {
            throw MigrationRefused("the database has migration " + name + " where this program has " +
                                   file_name(migrations[row]) + ": they come from different histories");
        }
        if (applied.text(row, 2) != sha256_hex(migrations[row].sql)) {
            throw MigrationRefused(
                "migrations/" + file_name(migrations[row]) +
                " was changed after this database had applied it; restore the file and put the "
                "change into a new migration");
        }
    }
    return applied.size();
}

void apply(sql::Session& session, const Migration& migration) {
    sql::Transaction transaction(session);
    session.exec(lock_patience);
    try {
        session.exec_script(std::string(migration.sql));
    } catch (const sql::Error& error) {
        throw sql::Error(error.failure(), error.sqlstate(),
                         "migrations/" + file_name(migration) + ": " + error.what());
    }
    session.exec("RESET ROLE");  // files may SET LOCAL ROLE; the record is the owner's
    session.exec("INSERT INTO ledger_migration.applied (number, name, sha256) VALUES ($1, $2, $3)",
                 sql::params(migration.number, migration.name, sha256_hex(migration.sql)));
    transaction.commit();
}

/// Whether it was; otherwise others have locked for too long what it changes.
bool applied(sql::Session& session, const Migration& migration) {
    try {
        apply(session, migration);
        return true;
    } catch (const sql::Error& error) {
        if (error.sqlstate() != lock_not_available) throw;
        return false;
    }
}

}  // namespace

std::string sha256_hex(std::string_view text) {
    std::array<std::uint8_t, crypto_hash_sha256_BYTES> digest;
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return hex(digest);
}

std::size_t migrate(sql::Session& session, std::span<const Migration> migrations,
                    const MigrationSettings& settings, const Logger& log, const Impatient& impatient) {
    const MigrationLock lock(session, impatient, log);
    session.exec_script(bookkeeping);
    for (const auto& [name, value] : settings) {
        session.exec("SELECT set_config($1, $2, false)", sql::params(name, value));
    }
    const auto missing = migrations.subspan(check_applied(session, migrations));
    if (!missing.empty()) session.exec_script(owner_grants);
    for (const auto& migration : missing) {
        while (!applied(session, migration)) {
            log.warning("a migration waits until others have ended what they do",
                        {{"migration", file_name(migration)}});
            for (const auto again = Clock::now() + retry_pause; Clock::now() < again;) pause(impatient);
        }
        log.info("migration applied", {{"migration", file_name(migration)}});
    }
    return missing.size();
}

}  // namespace base
