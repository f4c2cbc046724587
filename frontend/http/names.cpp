// One thread for each name that is looked up, and who waits for it.
#include "frontend/http/names.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace http {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// At once: whoever may name many may not have as many threads.
constexpr std::size_t lookups_max = 64;

/// Who waits: for a timer, which the answer ends early.
struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    Addresses found;
};

Addresses look_up(const std::string& host) {
    asio::io_context context;
    asio::ip::tcp::resolver resolver(context);
    error_code failure;
    Addresses found;
    for (const auto& entry : resolver.resolve(host, "0", failure)) {
        const auto address = entry.endpoint().address();
        if (std::ranges::find(found, address) == found.end()) found.push_back(address);
    }
    return found;
}

}  // namespace

struct Names::State {
    using Waiting = std::vector<std::weak_ptr<Waiter>>;

    std::mutex mutex;
    std::map<std::string, Waiting> running;

    void look_up_for_all(const std::string& host) noexcept;
};

void Names::State::look_up_for_all(const std::string& host) noexcept {
    Addresses found;
    try {
        found = look_up(host);
    } catch (const std::exception&) {
        found.clear();  // for want of memory: as if there were none
    }
    // Held to the end: who waits is there as long as Names is.
    const std::lock_guard lock(mutex);
    const auto waiting = running.extract(host);
    if (waiting.empty()) return;
    for (const auto& each : waiting.mapped()) {
        const auto waiter = each.lock();
        if (!waiter) continue;
        asio::post(waiter->timer.get_executor(), [waiter, found] {
            waiter->found = found;
            waiter->timer.expires_at(std::chrono::steady_clock::time_point::min());
        });
    }
}

Names::Names() : state_(std::make_shared<State>()) {}

Names::~Names() {
    const std::lock_guard lock(state_->mutex);
    state_->running.clear();
}

asio::awaitable<Addresses> Names::find(std::string host, std::chrono::steady_clock::time_point until) {
    error_code no_address;
    const auto address = asio::ip::make_address(host, no_address);
    if (!no_address) co_return Addresses{address};
    const auto executor = co_await asio::this_coro::executor;
    const auto waiter = std::make_shared<Waiter>(executor);
    waiter->timer.expires_at(until);
    {
        const std::lock_guard lock(state_->mutex);
        const bool first = !state_->running.contains(host);
        if (first && state_->running.size() >= lookups_max) co_return Addresses();
        state_->running[host].push_back(waiter);
        try {
            if (first) std::thread([state = state_, host] { state->look_up_for_all(host); }).detach();
        } catch (const std::system_error&) {
            state_->running.erase(host);
            co_return Addresses();
        }
    }
    co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return waiter->found;
}

}  // namespace http
