// Locks a data directory and keeps server.json.
#include "app/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace app {
namespace fs = std::filesystem;
namespace {

std::string read_file(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::optional<int> pid_in(const fs::path& path) {
    const auto text = read_file(path);
    int pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc() || pid <= 0) return std::nullopt;
    return pid;
}

}  // namespace

DataDir::DataDir(const fs::path& path) : path_(fs::absolute(path).lexically_normal()) {
    if (path_.filename().empty()) path_ = path_.parent_path();  // "./var/" and "./var" are one
}

void DataDir::create() const {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) throw PlainError("can't make the data directory " + path_.string() + ": " + error.message());
}

DataDirLock::DataDirLock(const DataDir& data_dir)
    : file_(::open(data_dir.lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0)
        throw PlainError("can't open " + data_dir.lock_file().string() + ": " + std::strerror(errno));
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
        ::close(file_);
        const auto pid = pid_in(data_dir.lock_file());
        throw PlainError("a server " + (pid ? "(process " + std::to_string(*pid) + ") " : std::string()) +
                         "is running on the data directory " + data_dir.path().string() +
                         "; stop it, or give another --data-dir");
    }
    const auto pid = std::to_string(::getpid()) + '\n';
    if (::ftruncate(file_, 0) != 0 || ::write(file_, pid.data(), pid.size()) < 0) {
        const auto reason = std::string(std::strerror(errno));
        ::close(file_);
        throw PlainError("can't write " + data_dir.lock_file().string() + ": " + reason);
    }
}

DataDirLock::~DataDirLock() { ::close(file_); }

std::optional<int> DataDirLock::holder(const DataDir& data_dir) {
    const int file = ::open(data_dir.lock_file().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == EACCES) {
        throw PlainError("the data directory " + data_dir.path().string() +
                         " may not be looked into; ask as root, or as the user that runs the server");
    }
    if (file < 0) return std::nullopt;
    const bool held = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(file);
    return held ? pid_in(data_dir.lock_file()) : std::nullopt;
}

void write_server_info(const DataDir& data_dir, const ServerInfo& info) {
    const boost::json::object object{{"url", info.url}, {"pid", info.pid}, {"demo", info.demo}};
    auto draft = data_dir.server_file();
    draft += ".new";
    std::ofstream(draft) << boost::json::serialize(object) << '\n';
    fs::rename(draft, data_dir.server_file());  // readers see the old file or the whole new one
}

void remove_server_info(const DataDir& data_dir) {
    std::error_code ignored;
    fs::remove(data_dir.server_file(), ignored);
}

std::optional<ServerInfo> read_server_info(const DataDir& data_dir) {
    if (!DataDirLock::holder(data_dir)) return std::nullopt;  // the file of a server that was killed
    boost::json::error_code error;
    const auto value = boost::json::parse(read_file(data_dir.server_file()), error);
    if (error || !value.is_object()) return std::nullopt;
    const auto& object = value.as_object();
    const auto* url = object.if_contains("url");
    const auto* pid = object.if_contains("pid");
    const auto* demo = object.if_contains("demo");
    if (url == nullptr || !url->is_string() || pid == nullptr || !pid->is_int64()) return std::nullopt;
    ServerInfo info;
    info.url = std::string(url->as_string());
    info.pid = static_cast<int>(pid->as_int64());
    info.demo = demo != nullptr && demo->is_bool() && demo->as_bool();
    return info;
}

}  // namespace app
