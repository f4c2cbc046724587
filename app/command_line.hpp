// What the subcommands share: options that mean the same everywhere, and exit statuses.
#pragma once

#include "app/settings.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace app {

constexpr int exit_refused = 1;
constexpr int exit_usage = 2;  ///< also: nobody could be asked

/// What the chosen subcommand does; its result is the exit status.
using Action = std::function<int()>;

/// The options that several subcommands share, and what they were set to.
struct CommonOptions {
    std::optional<std::string> config;
    std::optional<std::string> data_dir;
    std::map<std::string, std::string> flags;  ///< settings by key

    void add_config(CLI::App& command);
    void add_data_dir(CLI::App& command);
    void add_setting(CLI::App& command, const std::string& name, const std::string& key,
                     const std::string& text);
    void add_database(CLI::App& command) {
        add_setting(command, "--database", "database.url", "URI of the database");
    }

    /// The settings, or nothing after the mistakes have been printed.
    [[nodiscard]] std::optional<Settings> load() const;
    /// Of a server; ./var unless another was given.
    [[nodiscard]] std::filesystem::path server_data_dir() const { return data_dir.value_or("var"); }
    /// Of a client; that of a server of this source tree unless another was given.
    [[nodiscard]] std::filesystem::path client_data_dir() const;
};

}  // namespace app
