// The folder of a server's state: its lock, the private database, and what clients need to find the server.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace app {

/// Something that the operator must hear in plain words; printed without decoration, exit status 1.
class PlainError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The paths under `--data-dir`.
class DataDir {
  public:
    /// Makes the path absolute; does not touch the disk.
    explicit DataDir(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path lock_file() const { return path_ / "server.lock"; }
    [[nodiscard]] std::filesystem::path key_file() const { return path_ / "secret.key"; }
    [[nodiscard]] std::filesystem::path server_file() const { return path_ / "server.json"; }
    [[nodiscard]] std::filesystem::path postgres_log() const { return path_ / "postgres.log"; }
    [[nodiscard]] std::filesystem::path janus_log() const { return path_ / "janus.log"; }
    /// The mixer's configuration and socket.
    [[nodiscard]] std::filesystem::path janus() const { return path_ / "janus"; }
    [[nodiscard]] std::filesystem::path cluster() const { return path_ / "postgres"; }
    /// Where the database's socket is. May be a link: long paths don't fit into a socket's address.
    [[nodiscard]] std::filesystem::path socket_dir() const { return path_ / "socket"; }

    /// Makes the folder when it is missing. Throws PlainError.
    void create() const;

  private:
    std::filesystem::path path_;
};

/// Held by the one server of a data directory; the kernel releases it however the process ends.
class DataDirLock {
  public:
    /// Throws PlainError naming the process that holds it.
    explicit DataDirLock(const DataDir& data_dir);
    ~DataDirLock();
    DataDirLock(const DataDirLock&) = delete;
    DataDirLock& operator=(const DataDirLock&) = delete;

    /// The process that holds the lock now, if any. Throws PlainError for who may not see it.
    [[nodiscard]] static std::optional<int> holder(const DataDir& data_dir);

  private:
    int file_;
};

/// What the running server tells local clients, in server.json.
struct ServerInfo {
    std::string url;  ///< e.g. http://127.0.0.1:8080
    int pid = 0;
    bool demo = false;
};

void write_server_info(const DataDir& data_dir, const ServerInfo& info);
void remove_server_info(const DataDir& data_dir);
/// Nothing unless a server runs on this data directory.
[[nodiscard]] std::optional<ServerInfo> read_server_info(const DataDir& data_dir);

}  // namespace app
