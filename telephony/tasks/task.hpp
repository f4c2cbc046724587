// Real-time tasks: what a running application is to those who talk to it. The applications themselves (the
// one for third-party calls is make_call.hpp) are made by factories, so that another can stand beside it.
#pragma once

#include "telephony/calls/event.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tasks {

/// What a task shows of itself, by name.
struct Dictionary {
    using Time = std::chrono::sys_time<std::chrono::microseconds>;
    using Value = std::variant<std::string, std::int64_t, Time, std::vector<Dictionary>>;
    std::map<std::string, Value, std::less<>> entries;

    template <class T>
    [[nodiscard]] const T* find(std::string_view name) const {
        const auto found = entries.find(name);
        return found == entries.end() ? nullptr : std::get_if<T>(&found->second);
    }
};

/// Something put into a task's inbox, e.g. `endCall`, `addCallPeer` with an address.
struct TaskEvent {
    std::string name;
    std::string parameter;
};

/// What a task made of an event.
enum class Outcome : std::uint8_t {
    done,
    unknown_event,
    already_connected,
    already_terminated,
    unknown_peer,  ///< the parameter names no party of the call
    present_peer,  ///< it names one that is there already
    too_many_peers,
    no_bridge,       ///< nobody can mix the media of so many
    unknown_target,  ///< the task named before is none that takes a party with its dialog
    not_connected    ///< a call from outside that nobody has answered yet takes no more parties
};

class Task;

/// What a task may do with the other tasks of its directory.
struct Others {
    /// Null: there is none, or it is gone.
    std::function<Task*(std::string_view id)> find;
    /// From its call's network, to the task with this number.
    std::function<void(std::uint64_t number, calls::Event event)> on_call;
};

/// An application that runs. Belongs to the directory's executor.
class Task {
  public:
    virtual ~Task() = default;
    /// After it is in the directory.
    virtual void start() = 0;
    virtual Outcome on(const TaskEvent& event) = 0;
    /// From the network, for tasks that have calls.
    virtual void on_call(const calls::Event& event) = 0;
    /// What went over the wire, for trace().
    virtual void on_signal(calls::Signal signal) = 0;
    [[nodiscard]] virtual Dictionary status() const = 0;
    /// Addresses of those whom its call has now, or calls.
    [[nodiscard]] virtual std::vector<std::string> parties() const = 0;
    /// What was said in its dialogs, for people.
    [[nodiscard]] virtual std::string trace() const = 0;
};

/// What a factory is given.
struct TaskContext {
    std::uint64_t number = 0;  ///< of the task on this node; its call's too
    std::string id;
    boost::asio::any_io_executor executor;
    std::function<void()> ended;  ///< to be called once, at the end; the task is destroyed later
    Others others{};
};

}  // namespace tasks
