// Two maps over the entries: by identifier for those who ask, by number for the network.
#include "telephony/tasks/directory.hpp"

#include "base/ids.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>
#include <utility>

namespace tasks {

using Clock = std::chrono::steady_clock;

struct Directory::Entry {
    std::string id;
    std::uint64_t number = 0;
    Owner owner;
    std::unique_ptr<Task> task;
    std::unique_ptr<boost::asio::steady_timer> linger;  ///< set when it has ended
};

struct Directory::State {
    std::unordered_map<std::string, std::unique_ptr<Entry>> by_id;
    std::unordered_map<std::uint64_t, Entry*> by_number;
    std::unordered_map<std::string, std::size_t> running_of;
    std::size_t running = 0;
    std::uint64_t last_number = 0;
    Clock::time_point second{};  ///< the one that starts are counted in
    std::size_t starts = 0;
};

Directory::Directory(DirectoryOptions options, boost::asio::any_io_executor executor)
    : options_(options), executor_(std::move(executor)), state_(std::make_unique<State>()) {}

Directory::~Directory() = default;

std::optional<Limit> Directory::limit(const std::string& login) {
    if (state_->running >= options_.tasks_max) return Limit::total;
    const auto own = state_->running_of.find(login);
    if (own != state_->running_of.end() && own->second >= options_.tasks_per_owner) return Limit::owner;
    const auto now = Clock::now();
    if (now - state_->second >= std::chrono::seconds(1)) {
        state_->second = now;
        state_->starts = 0;
    }
    if (state_->starts >= options_.starts_per_second) return Limit::rate;
    ++state_->starts;
    return std::nullopt;
}

std::string Directory::start(Owner owner, const Factory& make) {
    auto entry = std::make_unique<Entry>();
    entry->id = base::random_hex_id();
    entry->number = ++state_->last_number;
    entry->owner = std::move(owner);
    TaskContext context{entry->number, entry->id, executor_, [this, id = entry->id] { ended(id); }, {}};
    context.others.find = [this](std::string_view other) { return find(other); };
    context.others.on_call = [this](std::uint64_t number, calls::Event event) {
        on_call(number, std::move(event));
    };
    entry->task = make(context);
    ++state_->running;
    ++state_->running_of[entry->owner.login];
    auto& task = *entry->task;
    auto id = entry->id;
    state_->by_number[entry->number] = entry.get();
    state_->by_id[id] = std::move(entry);
    task.start();
    return id;
}

void Directory::ended(const std::string& id) {
    const auto found = state_->by_id.find(id);
    if (found == state_->by_id.end() || found->second->linger) return;
    auto& entry = *found->second;
    --state_->running;
    const auto own = state_->running_of.find(entry.owner.login);
    if (--own->second == 0) state_->running_of.erase(own);
    entry.linger = std::make_unique<boost::asio::steady_timer>(executor_, options_.linger);
    entry.linger->async_wait([this, id](const boost::system::error_code& error) {
        // Cancelled by the destructor.
        if (error) return;
        const auto old = state_->by_id.find(id);
        if (old == state_->by_id.end()) return;
        state_->by_number.erase(old->second->number);
        state_->by_id.erase(old);
    });
}

Task* Directory::find(std::string_view id) const {
    const auto found = state_->by_id.find(std::string(id));
    return found == state_->by_id.end() ? nullptr : found->second->task.get();
}

const Owner* Directory::owner(std::string_view id) const {
    const auto found = state_->by_id.find(std::string(id));
    return found == state_->by_id.end() ? nullptr : &found->second->owner;
}

std::size_t Directory::tell_all(std::string_view login, const TaskEvent& event) {
    std::size_t told = 0;
    for (const auto& [id, entry] : state_->by_id) {
        if (entry->linger || (!login.empty() && entry->owner.login != login)) continue;
        if (entry->task->on(event) == Outcome::done) ++told;
    }
    return told;
}

std::vector<std::string> Directory::owners() const {
    std::vector<std::string> logins;
    for (const auto& [login, count] : state_->running_of) logins.push_back(login);
    return logins;
}

std::size_t Directory::running() const { return state_->running; }

void Directory::on_call(std::uint64_t number, calls::Event event) {
    boost::asio::post(executor_, [this, number, event = std::move(event)] {
        const auto found = state_->by_number.find(number);
        if (found != state_->by_number.end()) found->second->task->on_call(event);
    });
}

}  // namespace tasks
