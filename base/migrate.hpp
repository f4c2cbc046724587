// Migrations: the numbered SQL files of migrations/, compiled into the program and applied in order.
#pragma once

#include "base/log.hpp"
#include "base/sql.hpp"

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

struct Migration {
    int number;             ///< of `NNNN_name.sql`
    std::string_view name;  ///< the rest of the file's name
    std::string_view sql;
};

/// The files of migrations/, in order. The build generates this function's source.
[[nodiscard]] std::span<const Migration> embedded_migrations();

/// migrations/distributed/citus.sql: spreads the tables over a Citus cluster. Runs in one transaction, after
/// all migrations, as their owner.
[[nodiscard]] std::string_view citus_declaration();

/// The database does not fit these migrations: a file was changed after it had been applied, or a newer
/// program was here. The text says which and what to do.
class MigrationRefused : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Settings that migrations read by current_setting(name), e.g. ledgerline.shards.
using MigrationSettings = std::vector<std::pair<std::string, std::string>>;

/// Applies what is missing, each file in its own transaction, and records it in ledger_migration.applied.
/// Programs that start at once wait for each other. `session` must be the owner's (superuser's), without
/// statement time-out. Returns how many were applied. Throws MigrationRefused, and sql::Error when a file's
/// SQL fails. What waits for others, for a program or for a long statement, ends with MigrationRefused once
/// `impatient` says so.
std::size_t migrate(sql::Session& session, std::span<const Migration> migrations,
                    const MigrationSettings& settings, const Logger& log,
                    const std::function<bool()>& impatient = {});

/// The lower-case hexadecimal SHA-256 of a file, as recorded.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace base
