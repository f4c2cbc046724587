// Reads settings from a TOML file, the environment and flags, and names every mistake.
#include "app/settings.hpp"

#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <numeric>
#include <sstream>
#include <utility>

namespace app {
namespace {

/// What Kubernetes adds to each container's environment for a service whose name begins with `ledgerline`:
/// host and ports, as `LEDGERLINE_SERVICE_HOST`, `LEDGERLINE_PORT` and `LEDGERLINE_PORT_8080_TCP_ADDR`.
bool is_service_link(std::string_view name, std::string_view value) {
    constexpr std::string_view ports = "_PORT_";
    const auto port = name.find(ports);
    const bool numbered = port != std::string_view::npos && port + ports.size() < name.size() &&
                          name[port + ports.size()] >= '0' && name[port + ports.size()] <= '9';
    const bool url = name.ends_with("_PORT") && value.find("://") != std::string_view::npos;
    return numbered || url || name.ends_with("_SERVICE_HOST") ||
           name.find("_SERVICE_PORT") != std::string_view::npos;
}

/// The number of single-character changes between two texts (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

/// Collects values and mistakes over the one table.
class Loader {
  public:
    void read_file(const std::string& path);
    void read_environment(const std::map<std::string, std::string>& environment);
    void read_flags(const std::map<std::string, std::string>& flags);

    /// What is right by itself, but not beside another setting.
    void compare();

    LoadedSettings result() { return std::move(loaded_); }

  private:
    void read_table(const std::string& path, const std::string& prefix, const toml::table& table);
    void read_value(const std::string& path, int line, const std::string& key, const toml::node& node);

    [[nodiscard]] const Setting* find(std::string_view key) const {
        const auto found = std::ranges::find(table_, key, &Setting::key);
        return found == table_.end() ? nullptr : &*found;
    }

    void assign(const std::string& where, int line, const Setting& setting, std::string_view text) {
        if (auto wrong = setting.assign(text)) mistake(where, line, *wrong);
        places_[setting.key] = {where, line};
    }

    void compare_listeners();
    void compare_tls();
    void compare_heartbeats();

    /// A mistake between settings, told where the first of them that was set was set.
    void mistake_of(std::initializer_list<std::string_view> keys, std::string what) {
        const auto* key = std::ranges::find_if(keys, [this](auto each) { return places_.contains(each); });
        const auto [where, line] = key == keys.end() ? std::pair(std::string(), 0) : places_[*key];
        mistake(where, line, std::move(what));
    }
    void mistake(std::string where, int line, std::string what) {
        loaded_.mistakes.push_back({std::move(where), line, std::move(what)});
    }

    /// " did you mean …?" for the name among the settings' that is closest.
    template <class NameOf>
    std::string suggestion(std::string_view name, NameOf name_of) const {
        const auto closest = std::ranges::min_element(table_, {}, [&](const Setting& setting) {
            return distance(name, std::string(name_of(setting)));
        });
        return "; did you mean " + std::string(name_of(*closest)) + "?";
    }

    LoadedSettings loaded_;
    std::map<std::string_view, std::pair<std::string, int>> places_;  ///< where a setting was set last
    std::vector<Setting> table_ = setting_table(loaded_.settings);
};

void Loader::read_file(const std::string& path) {
    if (::access(path.c_str(), R_OK) != 0) {
        mistake(path, 0, "can't be read: " + std::string(std::strerror(errno)));
        return;
    }
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) {
        mistake(path, 0, "can't be read: it is a folder");  // toml++ takes it for an empty file
        return;
    }
    try {
        read_table(path, "", toml::parse_file(path));
    } catch (const toml::parse_error& error) {
        mistake(path, static_cast<int>(error.source().begin.line), std::string(error.description()));
    }
    std::ranges::stable_sort(loaded_.mistakes, {},
                             &Mistake::line);  // tables come in the order of their names
}

void Loader::read_table(const std::string& path, const std::string& prefix, const toml::table& table) {
    for (const auto& [name, node] : table) {
        const auto key = prefix + std::string(name.str());
        const auto* section = node.as_table();
        if (section != nullptr && prefix.empty())
            read_table(path, key + '.', *section);
        else
            read_value(path, static_cast<int>(name.source().begin.line), key, node);
    }
}

void Loader::read_value(const std::string& path, int line, const std::string& key, const toml::node& node) {
    const auto* setting = find(key);
    if (setting == nullptr) {
        const auto key_of = [](const Setting& other) { return other.key; };
        mistake(path, line, "unknown setting " + key + suggestion(key, key_of));
        return;
    }
    // The type in TOML must be the setting's own; only then is the text the same as in the environment.
    const bool wants_number = std::holds_alternative<std::int64_t*>(setting->place);
    const bool wants_flag = std::holds_alternative<bool*>(setting->place);
    if (wants_number && node.is_integer()) {
        assign(path, line, *setting, std::to_string(node.as_integer()->get()));
    } else if (wants_flag && node.is_boolean()) {
        assign(path, line, *setting, node.as_boolean()->get() ? "true" : "false");
    } else if (!wants_number && !wants_flag && node.is_string()) {
        assign(path, line, *setting, node.as_string()->get());
    } else {
        const auto* wanted = wants_number ? "a whole number"
                             : wants_flag ? "true or false"
                                          : "a text in quotes";
        mistake(path, line, key + " must be " + wanted);
    }
}

void Loader::read_environment(const std::map<std::string, std::string>& environment) {
    const auto name_of = [](const Setting& setting) { return setting.environment_name(); };
    for (const auto& [name, value] : environment) {
        if (!name.starts_with("LEDGERLINE_")) continue;
        const auto found = std::ranges::find(table_, name, name_of);
        if (found != table_.end())
            assign(name, 0, *found, value);
        else if (!is_service_link(name, value))
            mistake(name, 0, "unknown variable" + suggestion(name, name_of));
    }
}

void Loader::read_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [key, value] : flags) {
        const auto* setting = find(key);
        if (setting != nullptr)
            assign("command line", 0, *setting, value);
        else
            mistake("command line", 0, "unknown setting " + key);
    }
}

void Loader::compare() {
    if (!loaded_.mistakes.empty()) return;  // one of them may be what was meant to fit
    compare_listeners();
    compare_tls();
    compare_heartbeats();
}

void Loader::compare_listeners() {
    const auto& all = loaded_.settings;
    const std::array<std::pair<std::string_view, std::string_view>, 3> listeners{
        {{"tls.listen", all.tls.listen},
         {"server.health_listen", all.server.health_listen},
         {"server.listen", all.server.listen}}};
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        const auto& [key, text] = listeners.at(i);
        const auto one = parse_listen_address(text);
        for (std::size_t k = i + 1; one && one->port != 0 && k < listeners.size(); ++k) {
            const auto other = parse_listen_address(listeners.at(k).second);
            if (!other || one->address != other->address || one->port != other->port) continue;
            mistake_of({key, listeners.at(k).first}, std::string(key) +
                                                         " must be another address or port than " +
                                                         std::string(listeners.at(k).first));
        }
    }
}

void Loader::compare_tls() {
    const auto& tls = loaded_.settings.tls;
    if (tls.listen.empty()) return;
    const auto needs = [&](std::string_view key, const std::string& file, std::string_view by) {
        if (file.empty()) mistake_of({by}, std::string(by) + " needs " + std::string(key));
    };
    needs("tls.certificate", tls.certificate, "tls.listen");
    needs("tls.key", tls.key, "tls.listen");
    if (tls.client_certificates != "none") needs("tls.client_ca", tls.client_ca, "tls.client_certificates");
}

void Loader::compare_heartbeats() {
    const auto& call = loaded_.settings.call;
    if (call.heartbeat < call.heartbeat_patience) return;
    mistake_of(
        {"call.heartbeat_patience", "call.heartbeat"},
        "call.heartbeat_patience must be longer than call.heartbeat, or nodes that live would be taken "
        "for dead");
}

}  // namespace

LoadedSettings load_settings(const SettingSources& sources) {
    Loader loader;
    if (sources.file) loader.read_file(*sources.file);
    loader.read_environment(sources.environment);
    loader.read_flags(sources.flags);
    loader.compare();
    return loader.result();
}

std::map<std::string, std::string> process_environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals != std::string_view::npos)
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

}  // namespace app
