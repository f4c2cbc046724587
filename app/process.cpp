// Forks, drops privileges, execs; watches processes through pidfds and /proc.
#include "app/process.hpp"

#include "app/data_dir.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace app {
namespace fs = std::filesystem;
namespace {

/// Becomes the user for good. Only system calls and initgroups: it runs between fork and exec.
bool become(const OsUser& user) {
    if (::geteuid() == user.uid) return true;
    return ::initgroups(user.name.c_str(), user.gid) == 0 && ::setgid(user.gid) == 0 &&
           ::setuid(user.uid) == 0;
}

void reset_signals() {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
}

/// The child's way to exec. Reports its errno through `report` and never returns.
[[noreturn]] void run_child(const ChildOptions& options, char* const* arguments, char* const* environment,
                            pid_t parent, int report) {
    reset_signals();
    ::setpgid(0, 0);  // Ctrl-C reaches the terminal's group; the database is stopped by us, in order
    bool good = become(options.user) && ::chdir(options.working_dir.c_str()) == 0;
    if (good && options.death_signal != 0) {
        // After setuid, which clears it. A parent that died before this line would not be noticed otherwise.
        good = ::prctl(PR_SET_PDEATHSIG, options.death_signal) == 0;
        if (::getppid() != parent) ::_exit(127);
    }
    const int null = ::open("/dev/null", O_RDWR);
    const int output = options.output >= 0 ? options.output : null;
    good = good && ::dup2(null, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2;
    if (good) {
        ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        ::execve(arguments[0], arguments, environment);
    }
    const int error = errno;
    if (::write(report, &error, sizeof error) < 0) ::_exit(126);
    ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

/// Closes a file descriptor at the end of a scope.
struct Descriptor {
    int value;
    explicit Descriptor(int number) : value(number) {}
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace

OsUser OsUser::current() {
    const passwd* entry = ::getpwuid(::geteuid());
    // A container may run under a number without a name; PostgreSQL then refuses with its own words.
    if (entry == nullptr) return {::geteuid(), ::getegid(), std::to_string(::geteuid())};
    return {entry->pw_uid, entry->pw_gid, entry->pw_name};
}

OsUser OsUser::named(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) throw PlainError("there is no user '" + name + "' on this machine");
    return {entry->pw_uid, entry->pw_gid, entry->pw_name};
}

LogFile::LogFile(const fs::path& path) {
    constexpr std::uintmax_t limit = 16 << 20;
    std::error_code error;
    if (fs::file_size(path, error) > limit && !error) fs::rename(path, path.string() + ".1", error);
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (descriptor_ < 0) throw PlainError("can't open " + path.string() + ": " + std::strerror(errno));
}

LogFile::~LogFile() { ::close(descriptor_); }

pid_t start_child(const ChildOptions& options) {
    auto arguments = options.arguments;
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
    const auto argument_pointers = pointers(arguments);
    const auto environment_pointers = pointers(environment);
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        throw PlainError("can't make a pipe: " + std::string(std::strerror(errno)));
    }
    const Descriptor reading(pipe[0]);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        run_child(options, argument_pointers.data(), environment_pointers.data(), parent, pipe[1]);
    }
    ::close(pipe[1]);
    if (child < 0) throw PlainError("can't fork: " + std::string(std::strerror(errno)));
    int error = 0;
    if (::read(reading.value, &error, sizeof error) == sizeof error) {  // otherwise exec closed the pipe
        int status = 0;
        ::waitpid(child, &status, 0);
        throw PlainError("can't run " + arguments[0] + " as user " + options.user.name + ": " +
                         std::strerror(error));
    }
    return child;
}

std::string describe_status(int status) {
    if (WIFSIGNALED(status)) {
        return "signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
    }
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

bool wait_until_gone(pid_t pid, std::chrono::milliseconds timeout) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process.value < 0) return errno == ESRCH;
    pollfd watched{process.value, POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(timeout.count())) == 1;
}

bool wait_for_child(pid_t pid, std::chrono::milliseconds timeout, int& status) {
    if (!wait_until_gone(pid, timeout)) return false;
    return ::waitpid(pid, &status, 0) == pid;
}

std::vector<pid_t> processes_in(const std::string& program, const fs::path& directory) {
    std::vector<pid_t> found;
    std::error_code error;
    const auto wanted = fs::canonical(directory, error);
    if (error) return found;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const auto name = entry.path().filename().string();
        pid_t pid = 0;
        const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (failure != std::errc() || end != name.data() + name.size()) continue;
        std::error_code unreadable;  // gone meanwhile, or somebody else's
        if (fs::read_symlink(entry.path() / "cwd", unreadable) != wanted || unreadable) continue;
        const auto executable = fs::read_symlink(entry.path() / "exe", unreadable).filename().string();
        if (unreadable) continue;
        // An upgraded package leaves the running program "deleted".
        if (executable == program || executable == program + " (deleted)") found.push_back(pid);
    }
    return found;
}

bool can_enter(const OsUser& user, const fs::path& directory) {
    if (::geteuid() == user.uid) return ::access(directory.c_str(), X_OK) == 0;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(become(user) && ::chdir(directory.c_str()) == 0 ? 0 : 1);
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void become(const std::string& program, std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(program.c_str(), arguments.data());
    throw PlainError("can't run " + program + ": " + std::strerror(errno));
}

}  // namespace app
