// Child processes and the operating system's users, as the embedded database needs them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

/// A user of the operating system.
struct OsUser {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;

    /// The user of this process.
    [[nodiscard]] static OsUser current();
    /// Throws PlainError when there is none of that name.
    [[nodiscard]] static OsUser named(const std::string& name);
    bool operator==(const OsUser&) const = default;
};

struct ChildOptions {
    std::vector<std::string> arguments;  ///< [0] is the program's path
    OsUser user;                         ///< dropped to unless it is the current one
    std::filesystem::path working_dir = "/";
    int output = -1;       ///< a file descriptor for standard output and error
    int death_signal = 0;  ///< sent to the child when this process dies; 0: none
};

/// A file that a child appends its output to. Children append for ever: a start is the moment to begin a new
/// file, and one old one is kept.
class LogFile {
  public:
    /// Throws PlainError when it can't be opened.
    explicit LogFile(const std::filesystem::path& path);
    ~LogFile();
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    int descriptor_;
};

/// Starts a program in its own process group with default signal handling and a small, fixed environment.
/// Call it on the main thread: the death signal is sent when the calling *thread* ends. Throws PlainError
/// when it can't be run.
pid_t start_child(const ChildOptions& options);

/// How a child ended, in words: `exit status 1`, `signal 9 (Killed)`.
[[nodiscard]] std::string describe_status(int status);

/// Waits at most so long for a child to end; true and its status when it did.
bool wait_for_child(pid_t pid, std::chrono::milliseconds timeout, int& status);

/// Waits at most so long for any process (child or not) to be gone.
bool wait_until_gone(pid_t pid, std::chrono::milliseconds timeout);

/// The processes that run a program with this file name in this working directory.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& program,
                                              const std::filesystem::path& directory);

/// May the user go into this (existing) directory?
[[nodiscard]] bool can_enter(const OsUser& user, const std::filesystem::path& directory);

/// Becomes another program, found on PATH unless its path is given; words[0] is what it is called there.
/// Throws PlainError.
[[noreturn]] void become(const std::string& program, std::vector<std::string> words);

}  // namespace app
