// Two maps over the entries: by identifier for those who ask, by number for the network.
#include "telephony/tasks/directory.hpp"

#include "telephony/calls/call_id.hpp"

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

/// Starts of the present second.
struct Rate {
    Clock::time_point second{};
    std::size_t starts = 0;

    [[nodiscard]] bool full(std::size_t limit, Clock::time_point now) {
        if (now - second >= std::chrono::seconds(1)) {
            second = now;
            starts = 0;
        }
        return starts >= limit;
    }
};

struct Directory::State {
    std::unordered_map<std::string, std::unique_ptr<Entry>> by_id;
    std::unordered_map<std::uint64_t, Entry*> by_number;
    std::unordered_map<std::string, std::size_t> running_of;
    std::size_t running = 0;
    std::uint64_t last_number = 0;
    Rate rate;
    std::unordered_map<std::string, Rate> rate_of;  ///< of those who have a limit of their own
};

bool may_see(const calls::Reader& reader, const Owner& owner) {
    return reader.login == owner.login || (reader.administrator && reader.domain == owner.domain);
}

Directory::Directory(DirectoryOptions options, boost::asio::any_io_executor executor, base::Logger log)
    : options_(std::move(options)),
      executor_(std::move(executor)),
      log_(std::move(log)),
      state_(std::make_unique<State>()) {}

Directory::~Directory() = default;

std::optional<Limit> Directory::limit(const std::string& login, OwnerLimits own) {
    if (state_->running >= options_.tasks_max) return Limit::total;
    const auto running = state_->running_of.find(login);
    const auto at_once = own.at_once ? static_cast<std::size_t>(*own.at_once) : options_.tasks_per_owner;
    if ((running == state_->running_of.end() ? 0 : running->second) >= at_once) return Limit::owner;
    return rate_limit(login, own);
}

std::optional<Limit> Directory::rate_limit(const std::string& login, OwnerLimits own) {
    const auto now = Clock::now();
    auto* own_rate = own.per_second ? &state_->rate_of[login] : nullptr;
    if (own_rate != nullptr && own_rate->full(static_cast<std::size_t>(*own.per_second), now))
        return Limit::owner;
    if (state_->rate.full(options_.starts_per_second, now)) return Limit::rate;
    ++state_->rate.starts;
    if (own_rate != nullptr) ++own_rate->starts;
    return std::nullopt;
}

std::string Directory::start(Owner owner, const Factory& make) {
    auto entry = std::make_unique<Entry>();
    entry->id = calls::new_call_id(options_.run);
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

Answer Directory::answer(const Question& question) {
    Answer answer;
    const auto found = state_->by_id.find(question.id);
    if (found == state_->by_id.end() || !may_see(question.reader, found->second->owner)) return answer;
    auto& task = *found->second->task;
    answer.state = Answer::State::known;
    if (question.what == Question::What::status) answer.status = task.status();
    if (question.what == Question::What::trace) answer.trace = task.trace();
    for (const auto& event : question.events) {
        answer.outcome = task.on(event);
        if (answer.outcome != Outcome::done) break;
    }
    return answer;
}

std::size_t Directory::tell_all(std::string_view login, const TaskEvent& event) {
    std::size_t told = 0;
    for (const auto& [id, entry] : state_->by_id) {
        if (entry->linger || (!login.empty() && entry->owner.login != login)) continue;
        if (entry->task->on(event) == Outcome::done) ++told;
    }
    return told;
}

std::set<std::string> Directory::parties() const {
    std::set<std::string> addresses;
    for (const auto& [id, entry] : state_->by_id) {
        if (entry->linger) continue;
        for (auto& address : entry->task->parties()) addresses.insert(std::move(address));
    }
    return addresses;
}

void Directory::drop_parties(const std::set<std::string>& addresses) {
    for (const auto& [id, entry] : state_->by_id) {
        if (entry->linger) continue;
        auto parties = entry->task->parties();
        auto left = parties.size();
        for (auto& address : parties) {
            if (addresses.contains(address))
                entry->task->on({left-- > 2 ? "delCallPeer" : "endCall", std::move(address)});
        }
    }
}

std::vector<std::string> Directory::owners() const {
    std::vector<std::string> logins;
    for (const auto& [login, count] : state_->running_of) logins.push_back(login);
    return logins;
}

std::vector<std::string> Directory::running_tasks() const {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : state_->by_id) {
        if (!entry->linger) ids.push_back(id);
    }
    return ids;
}

std::size_t Directory::running() const { return state_->running; }

template <class Work>
void Directory::with_task(std::uint64_t number, Work work) {
    const auto found = state_->by_number.find(number);
    if (found == state_->by_number.end()) return;
    auto& entry = *found->second;
    const auto failed = [&](const std::exception& error) {
        log_.error("a task failed", {{"task", entry.id}, {"error", error.what()}});
    };
    try {
        work(*entry.task);
        return;
    } catch (const std::exception& error) {
        failed(error);
    }
    try {
        entry.task->on({"endCall", {}});
    } catch (const std::exception& error) {
        failed(error);
    }
}

void Directory::on_call(std::uint64_t number, calls::Event event) {
    boost::asio::post(executor_, [this, number, event = std::move(event)] {
        with_task(number, [&](Task& task) { task.on_call(event); });
    });
}

void Directory::on_signal(std::uint64_t number, calls::Signal signal) {
    with_task(number, [&](Task& task) { task.on_signal(std::move(signal)); });
}

}  // namespace tasks
