// Default data directory, database and program path.
#include "app/local_client.hpp"

#include "app/data_dir.hpp"
#include "app/embedded_postgres.hpp"

namespace app {
namespace fs = std::filesystem;

fs::path own_path() {
    std::error_code error;
    auto path = fs::read_symlink("/proc/self/exe", error);
    return error ? fs::path("ledgerline") : path;
}

fs::path client_data_dir() {
    const fs::path here = "var";
    if (fs::exists(DataDir(here).lock_file())) return here;
    const auto build = own_path().parent_path().parent_path();  // TREE/build/release/ledgerline
    const auto of_tree = build.parent_path() / "var";
    if (build.filename() == "build" && fs::exists(DataDir(of_tree).lock_file())) return of_tree;
    return here;
}

std::string client_database_url(const Settings& settings, const fs::path& data_dir, const std::string& role) {
    if (!settings.database.url.empty()) return settings.database.url;
    const DataDir folder(data_dir);
    if (!DataDirLock::holder(folder)) {
        throw PlainError(
            "no server is running on the data directory " + folder.path().string() +
            ", and the database runs with it: start `ledgerline serve`, or name another --data-dir");
    }
    const bool ready = fs::exists(folder.server_file());  // before, it may be making one
    if (ready && !fs::exists(fs::symlink_status(folder.cluster()))) {
        throw PlainError("the server on the data directory " + folder.path().string() +
                         " has its database elsewhere: name that, with --database or the server's --config");
    }
    return EmbeddedPostgres::url_of(folder, role);
}

std::string program_path() { return shell_word(own_path().string()); }

std::string shell_word(const std::string& text) {
    constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%=,";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + '\'';
}

}  // namespace app
