// One timer each, and one queue for what must wait until the record is safe.
#include "telephony/calls/command_runner.hpp"

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <utility>

namespace calls {

struct CommandRunner::Timers {
    std::map<TimerId, boost::asio::steady_timer> running;
};

CommandRunner::CommandRunner(CallNo number, Machine machine, Signalling& signalling,
                             boost::asio::any_io_executor executor, Observer observer, Bridge* bridge)
    : number_(number),
      machine_(std::move(machine)),
      signalling_(signalling),
      executor_(std::move(executor)),
      observer_(std::move(observer)),
      bridge_(bridge),
      timers_(std::make_shared<Timers>()) {}

CommandRunner::~CommandRunner() = default;

void CommandRunner::set_timer(const command::SetTimer& timer) {
    auto& entry = timers_->running.try_emplace(timer.id, executor_, timer.after).first->second;
    entry.async_wait([this, timers = std::weak_ptr(timers_), id = timer.id](const auto& error) {
        // Cancelled by the destructor of its call, or too late to be: the call is gone.
        if (error || timers.expired()) return;
        timers_->running.erase(id);
        machine_.deliver(event::Timer{id});
    });
}

/// Timers run whatever is awaited, and a leg that is to end does not wait for a record.
void CommandRunner::run(Commands commands) {
    for (auto& command : commands) {
        if (const auto* timer = std::get_if<command::SetTimer>(&command)) {
            set_timer(*timer);
            continue;
        }
        if (std::holds_alternative<command::End>(command) ||
            std::holds_alternative<command::Finished>(command))
            securing_.reset();
        waiting_.push_back(std::move(command));
    }
    carry_on();
}

void CommandRunner::secure() {
    securing_ = std::make_shared<int>();
    observer_.secure([this, which = std::weak_ptr<int>(securing_)] {
        // The call is gone, or does not wait any more.
        if (which.expired()) return;
        securing_.reset();
        carry_on();
    });
}

void CommandRunner::carry_on() {
    struct Carry {
        CommandRunner& self;
        [[nodiscard]] LegId id(LegNo leg) const { return {self.number_, leg}; }
        void operator()(command::Invite& c) const {
            self.signalling_.invite(id(c.leg), self.machine_.invitation(c));
        }
        void operator()(command::Reinvite& c) const {
            self.signalling_.reinvite(id(c.leg), std::move(c.sdp));
        }
        void operator()(command::Withdraw& c) const { self.signalling_.withdraw(id(c.leg)); }
        void operator()(command::Ack& c) const { self.signalling_.ack(id(c.leg), std::move(c.sdp)); }
        void operator()(command::Relay& c) const {
            self.signalling_.relay(id(c.leg), c.ticket, c.method, std::move(c.body));
        }
        void operator()(command::Answer& c) const {
            self.signalling_.answer(id(c.leg), c.ticket, c.status, std::move(c.body));
        }
        void operator()(command::Refuse& c) const {
            self.signalling_.refuse(id(c.leg), {c.status, std::move(c.reason), {}});
        }
        void operator()(command::End& c) const { self.signalling_.end(id(c.leg), c.why); }
        // None of these is given without a bridge.
        void operator()(command::Join& c) const {
            self.bridge_->join(id(c.leg), std::move(c.offer), c.muted);
        }
        void operator()(command::Leave& c) const { self.bridge_->leave(id(c.leg)); }
        void operator()(command::Play& c) const { self.bridge_->play(self.number_, c.tone); }
        void operator()(command::Secure&) const { self.secure(); }
        void operator()(command::SetTimer&) const {}  // is set without waiting
        void operator()(command::Capture&) const { self.observer_.settled_paid(); }
        void operator()(command::Extend&) const { self.observer_.extend(); }
        void operator()(command::Release&) const { self.observer_.settled_free(); }
        void operator()(command::Changed&) const { self.observer_.changed(); }
        void operator()(command::Finished&) const { self.observer_.finished(); }
    };
    while (!securing_ && !waiting_.empty()) {
        auto command = std::move(waiting_.front());
        waiting_.pop_front();
        std::visit(Carry{*this}, command);
    }
}

}  // namespace calls
