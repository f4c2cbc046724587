// The thread that writes log lines.
#include "base/log_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace base {
namespace {

using Clock = std::chrono::steady_clock;

/// What a pipe takes without making the writer wait once poll() has said that there is room (POSIX:
/// PIPE_BUF).
constexpr std::size_t pipe_piece = 4096;
/// How often a writer that waits for its reader looks whether it is to stop.
constexpr int poll_ms = 100;

bool is_regular(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

LogWriter::LogWriter(Options options) : options_(std::move(options)), file_(open_file()) {
    is_file_ = is_regular(file_);
    // Signals are for the program's own threads.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        stop_by_ = Clock::now() + options_.stop_timeout;
    }
    changed_.notify_all();
    thread_.join();
    if (!options_.file.empty()) ::close(file_);
}

int LogWriter::open_file() const {
    if (options_.file.empty()) return STDERR_FILENO;
    const int file = ::open(options_.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (file >= 0) return file;
    throw std::runtime_error("can't open the log " + options_.file + ": " + std::strerror(errno));
}

void LogWriter::append(std::string_view line, bool urgent) {
    const auto room = urgent ? options_.buffer_limit : options_.buffer_limit / 4 * 3;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() + line.size() + 1 > room) {
            ++lost_;
            return;
        }
        // The thread sleeps only while nothing waits, or until the interval has passed.
        wake = waiting_.empty() || (!hurry_ && (urgent || waiting_.size() > options_.buffer_limit / 2));
        waiting_.append(line).append(1, '\n');
        ++taken_;
        hurry_ = hurry_ || urgent || waiting_.size() > options_.buffer_limit / 2;
    }
    if (wake) changed_.notify_one();
}

void LogWriter::flush() {
    std::unique_lock lock(mutex_);
    hurry_ = true;
    changed_.notify_one();
    written_.wait_for(lock, options_.stop_timeout, [this, until = taken_] { return settled_ >= until; });
}

void LogWriter::reopen() {
    if (options_.file.empty()) return;
    const int fresh = open_file();
    std::unique_lock lock(mutex_);
    written_.wait(lock, [this] { return !writing_; });
    // The lock keeps the thread from beginning: what waits is written here, to the file it was meant for.
    write_batch(lock);
    const int old = std::exchange(file_, fresh);
    is_file_ = is_regular(fresh);
    lock.unlock();
    ::close(old);
}

std::uint64_t LogWriter::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

void LogWriter::run() {
    auto last = Clock::time_point::min();
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) break;
        // A line that comes after a pause goes out at once; of many, one write an interval.
        if (last != Clock::time_point::min()) {
            changed_.wait_until(lock, last + options_.write_interval,
                                [this] { return stopping_ || hurry_ || waiting_.empty(); });
        }
        if (waiting_.empty()) continue;
        if (writing_) {  // reopen() does
            written_.wait(lock, [this] { return !writing_; });
            continue;
        }
        write_batch(lock);
        last = Clock::now();
    }
}

/// Writes what waits; gives the lock back meanwhile.
void LogWriter::write_batch(std::unique_lock<std::mutex>& lock) {
    if (waiting_.empty()) return;
    writing_ = true;
    hurry_ = false;
    batch_.clear();
    std::swap(batch_, waiting_);
    const auto until = taken_;
    const auto lost = lost_ - std::exchange(reported_, lost_);
    lock.unlock();
    if (lost > 0 && options_.lost_line) batch_ += options_.lost_line(lost) + '\n';
    const bool written = write_all(batch_);
    lock.lock();
    if (!written) lost_ += until - settled_;
    settled_ = until;
    writing_ = false;
    written_.notify_all();
}

bool LogWriter::write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
        if (!is_file_ && !wait_for_room()) return false;
        const auto piece = is_file_ ? bytes.size() : std::min(bytes.size(), pipe_piece);
        const auto count = ::write(file_, bytes.data(), piece);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// Waits for whoever reads the log. False: the program ends before they do.
bool LogWriter::wait_for_room() const {
    pollfd wanted{};
    wanted.fd = file_;
    wanted.events = POLLOUT;
    for (;;) {
        if (::poll(&wanted, 1, poll_ms) > 0) return true;
        const std::lock_guard lock(mutex_);
        if (Clock::now() >= stop_by_) return false;
    }
}

}  // namespace base
