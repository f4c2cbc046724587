// `ledgerline serve` and `ledgerline migrate`: the life of a server from start to stop.
#pragma once

#include "app/settings.hpp"

#include <filesystem>

namespace app {

struct ServeOptions {
    Settings settings;
    std::filesystem::path data_dir;
    bool demo = false;
};

/// Runs until a signal; 0 after a clean stop. Throws PlainError when it can't start.
int serve(const ServeOptions& options);

/// Applies the migrations, spreads the ledger over a Citus cluster if asked to, and ends. Throws PlainError.
int migrate(const ServeOptions& options, bool over_citus);

}  // namespace app
