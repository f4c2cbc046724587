// All tasks of this node: by their unguessable identifiers, with owners, limits and the linger after the end.
#pragma once

#include "base/log.hpp"
#include "telephony/tasks/question.hpp"
#include "telephony/tasks/task.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tasks {

struct DirectoryOptions {
    std::string run = "000000000000";          ///< of this server (calls/call_id.hpp)
    std::chrono::milliseconds linger{30'000};  ///< how long the status of an ended task can be read
    std::size_t tasks_max = 4'000;             ///< running at once
    std::size_t tasks_per_owner = 1'000;       ///< of one principal, running at once
    std::size_t starts_per_second = 500;       ///< of all principals
};

/// Whose a task is.
struct Owner {
    std::string login;
    std::string domain;
};

/// Who started a task may see and change it, and a domain administrator of the starter's domain.
[[nodiscard]] bool may_see(const calls::Reader& reader, const Owner& owner);

/// What one owner's tasks are limited to, where that differs from everybody's.
struct OwnerLimits {
    std::optional<std::int64_t> at_once{};     ///< in place of tasks_per_owner
    std::optional<std::int64_t> per_second{};  ///< starts
};

enum class Limit : std::uint8_t { total, owner, rate };

/// Everything here is called on the executor, except on_call.
class Directory {
  public:
    using Factory = std::function<std::unique_ptr<Task>(const TaskContext&)>;

    Directory(DirectoryOptions options, boost::asio::any_io_executor executor, base::Logger log);
    ~Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    /// The limit that one more task of this login would break, if there is one; else the start is counted.
    [[nodiscard]] std::optional<Limit> limit(const std::string& login, OwnerLimits own);
    /// The same of one more party in a task that runs: it is called as at a start, and counted as one.
    [[nodiscard]] std::optional<Limit> rate_limit(const std::string& login, OwnerLimits own);
    /// Makes and starts a task; its identifier.
    std::string start(Owner owner, const Factory& make);

    /// Null for an unknown identifier, and for a task whose linger is over.
    [[nodiscard]] Task* find(std::string_view id) const;

    /// What a task says to who may see it; to others there is none.
    Answer answer(const Question& question);

    /// Puts an event into every running task of this login, or of all when it is empty; how many.
    std::size_t tell_all(std::string_view login, const TaskEvent& event);
    /// Addresses that running tasks call, or have in their calls.
    [[nodiscard]] std::set<std::string> parties() const;
    /// Takes these out of all calls; one of two parties ends.
    void drop_parties(const std::set<std::string>& addresses);
    [[nodiscard]] std::size_t running() const;
    /// Identifiers of tasks that have not ended.
    [[nodiscard]] std::vector<std::string> running_tasks() const;
    /// Whose tasks run: logins.
    [[nodiscard]] std::vector<std::string> owners() const;

    /// From any thread. What a task throws is its own end: it is told endCall, and the others do not notice.
    void on_call(std::uint64_t number, calls::Event event);
    /// The same, on the executor.
    void on_signal(std::uint64_t number, calls::Signal signal);

    [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

  private:
    struct Entry;
    struct State;
    void ended(const std::string& id);
    template <class Work>
    void with_task(std::uint64_t number, Work work);

    DirectoryOptions options_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    std::unique_ptr<State> state_;
};

}  // namespace tasks
