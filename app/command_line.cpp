// The shared options in CLI11's terms.
#include "app/command_line.hpp"

#include "app/local_client.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace app {

void CommonOptions::add_config(CLI::App& command) {
    command.add_option("--config", config, "Settings file (TOML)");
}

void CommonOptions::add_data_dir(CLI::App& command) {
    command.add_option("--data-dir", data_dir, "Folder of the server's state (default: ./var)");
}

void CommonOptions::add_setting(CLI::App& command, const std::string& name, const std::string& key,
                                const std::string& text) {
    command.add_option_function<std::string>(
        name, [this, key](const std::string& value) { flags[key] = value; }, text + " ([" + key + "])");
}

std::optional<Settings> CommonOptions::load() const {
    SettingSources sources;
    sources.file = config;
    sources.environment = process_environment();
    sources.flags = flags;
    auto loaded = load_settings(sources);
    for (const auto& mistake : loaded.mistakes) std::cerr << mistake.text() << '\n';
    if (!loaded.mistakes.empty()) return std::nullopt;
    return loaded.settings;
}

std::filesystem::path CommonOptions::client_data_dir() const {
    return data_dir ? std::filesystem::path(*data_dir) : app::client_data_dir();
}

}  // namespace app
