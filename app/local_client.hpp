// How subcommands find the server of this machine, and how they name themselves in hints.
#pragma once

#include "app/settings.hpp"

#include <filesystem>
#include <string>

namespace app {

/// The data directory of client subcommands that were given none: ./var, or that of the source tree in whose
/// build folder this program lies, so that hints can be pasted into any terminal.
[[nodiscard]] std::filesystem::path client_data_dir();

/// The database of a client: the one that the settings name, otherwise that of the server which runs on this
/// data directory, for a `role` of the embedded database. Throws PlainError when no server runs there.
[[nodiscard]] std::string client_database_url(const Settings& settings, const std::filesystem::path& data_dir,
                                              const std::string& role);

/// Where this program lies.
[[nodiscard]] std::filesystem::path own_path();

/// This program's path as a person would type it here.
[[nodiscard]] std::string program_path();

/// `text` as one word of a shell's command line.
[[nodiscard]] std::string shell_word(const std::string& text);

}  // namespace app
