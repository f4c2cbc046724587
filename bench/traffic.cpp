// One thread on bare epoll: what it takes is missing to the server. A library's reactor asks the kernel for
// each answer twice; wrk changes each socket's events twice.
#include "bench/traffic.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience(20);

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {
        if (number_ < 0) fail("no descriptor");
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

Descriptor connect_to(std::uint16_t port) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("can't connect");
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

double thread_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Connection {
    explicit Connection(std::uint16_t port) : socket(connect_to(port)) {}
    Descriptor socket;
    Clock::time_point due;
    std::string answer;  ///< so far, where it comes in pieces
};

/// The answer with its head, once it is complete. Throws when it is not a good one.
std::optional<std::string_view> body_of(std::string_view answer) {
    constexpr std::string_view end_of_head = "\r\n\r\n";
    constexpr std::string_view length = "Content-Length: ";
    const auto head = answer.find(end_of_head);
    if (head == std::string_view::npos) return std::nullopt;
    const auto at = answer.find(length);
    if (!answer.starts_with("HTTP/1.1 200") || at > head)
        throw std::runtime_error("void: " + std::string(answer));
    std::size_t size = 0;
    std::from_chars(answer.data() + at + length.size(), answer.data() + head, size);
    const auto body = answer.substr(head + end_of_head.size());
    if (body.size() < size) return std::nullopt;
    return body;
}

class Generator {
  public:
    Generator(std::uint16_t port, const Traffic& traffic)
        : traffic_(traffic),
          open_(traffic.per_second.has_value()),
          gap_(traffic.per_second.value_or(1)),
          requests_(traffic.mix, traffic.accounts, traffic.authorization),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (int i = 0; i < traffic.connections; ++i) connections_.emplace_back(port);
        for (auto& connection : connections_) {
            epoll_event wanted{};
            wanted.events = EPOLLIN;
            wanted.data.ptr = &connection;
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &wanted) != 0)
                fail("epoll_ctl");
            free_.push_back(&connection);
        }
    }

    TrafficRun run() {
        const auto before = thread_seconds();
        const auto begin = Clock::now();
        next_ = begin;
        end_ = begin + traffic_.duration;
        while (send_what_is_due() || free_.size() < connections_.size()) read_answers();
        TrafficRun result;
        result.answered = answered_;
        result.per_second =
            static_cast<double>(in_time_) / std::chrono::duration<double>(end_ - begin).count();
        result.generator_us = (thread_seconds() - before) / static_cast<double>(answered_) * 1e6;
        std::ranges::sort(latencies_);
        result.latencies_ms = std::move(latencies_);
        return result;
    }

  private:
    /// Whether more is to come.
    bool send_what_is_due() {
        const auto now = Clock::now();
        if (!open_) {
            while (!free_.empty() && goes_on(now)) send(now);
            return goes_on(now);
        }
        for (; next_ <= now && next_ < end_; next_ += gap()) overdue_.push_back(next_);
        for (; !free_.empty() && !overdue_.empty(); overdue_.pop_front()) send(overdue_.front());
        return next_ < end_ || !overdue_.empty();
    }

    /// Of a closed loop.
    [[nodiscard]] bool goes_on(Clock::time_point now) const {
        return now < end_ && sent_ < traffic_.requests;
    }

    Clock::duration gap() {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap_(random_)));
    }

    /// On a free connection.
    void send(Clock::time_point due) {
        auto& connection = *free_.back();
        const auto request = requests_.next();
        const auto sent = ::send(connection.socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request.size())) fail("a request was not sent");
        free_.pop_back();
        ++sent_;
        connection.due = due;
    }

    void read_answers() {
        std::array<epoll_event, 512> events{};
        Clock::duration wait = patience;
        const auto now = Clock::now();
        if (open_ && next_ < end_) wait = std::max(next_ - now, Clock::duration::zero());
        const timespec time{wait / std::chrono::seconds(1), (wait % std::chrono::seconds(1)).count()};
        const int count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &time, nullptr);
        if (count < 0 && errno != EINTR) fail("epoll_pwait2");
        if (count == 0 && wait == patience) throw std::runtime_error("void: no answers any more");
        for (int i = 0; i < count; ++i)
            read(*static_cast<Connection*>(events.at(static_cast<std::size_t>(i)).data.ptr));
    }

    void read(Connection& connection) {
        const auto size = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size <= 0) fail("a connection was closed");
        const std::string_view fresh(buffer_.data(), static_cast<std::size_t>(size));
        if (!connection.answer.empty()) connection.answer += fresh;
        const auto body = body_of(connection.answer.empty() ? fresh : connection.answer);
        if (body) {
            finish(connection, *body);
            connection.answer.clear();
        } else if (connection.answer.empty()) {
            connection.answer = fresh;
        }
    }

    void finish(Connection& connection, std::string_view body) {
        const auto now = Clock::now();
        ++answered_;
        if (now < end_) ++in_time_;
        if (open_)
            latencies_.push_back(std::chrono::duration<double, std::milli>(now - connection.due).count());
        requests_.answered(body);
        free_.push_back(&connection);
        if (!open_ && goes_on(now)) send(now);
    }

    const Traffic& traffic_;
    const bool open_;  ///< the loop
    std::exponential_distribution<double> gap_;
    Requests requests_;
    Descriptor epoll_;
    std::deque<Connection> connections_;
    std::vector<Connection*> free_;
    std::deque<Clock::time_point> overdue_;  ///< for want of a free connection
    std::array<char, 16384> buffer_{};
    std::mt19937_64 random_{std::random_device{}()};
    Clock::time_point next_, end_;
    std::int64_t sent_ = 0;
    std::int64_t answered_ = 0;
    std::int64_t in_time_ = 0;
    std::vector<double> latencies_;
};

}  // namespace

TrafficRun run_traffic(std::uint16_t port, const Traffic& traffic) { return Generator(port, traffic).run(); }

TrafficRun run_traffic(const ServerUnderTest& server, const Traffic& traffic) {
    const auto before = server.cpu_seconds();
    auto result = run_traffic(server.port(), traffic);
    result.server_us = (server.cpu_seconds() - before) / static_cast<double>(result.answered) * 1e6;
    return result;
}

double percentile(const std::vector<double>& sorted, double part) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
    return sorted.at(std::max<std::size_t>(rank, 1) - 1);
}

}  // namespace bench
