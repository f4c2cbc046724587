// `ledgerline psql`: psql on the finance schema, as the role that may read it and nothing else.
#pragma once

#include "app/settings.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace app {

struct PsqlOptions {
    std::filesystem::path data_dir;
    Settings settings;                   ///< [database] url, when the database is not embedded
    std::vector<std::string> arguments;  ///< handed to psql
};

/// Becomes psql. Throws PlainError when that can't be.
[[noreturn]] void run_psql(const PsqlOptions& options);

}  // namespace app
