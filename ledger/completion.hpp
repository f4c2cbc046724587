// A coroutine that waits for a result which another thread has.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>

#include <optional>
#include <utility>

namespace ledger {

/// Holds the completion handler of an asynchronous operation void(T), and the executor to call it on, whose
/// io_context it keeps running. Movable; each one is to be resumed once.
template <class T>
class Completion {
  public:
    template <class Handler>
    explicit Completion(Handler handler)
        : executor_(boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                        boost::asio::execution::outstanding_work.tracked)),
          handler_(std::in_place, std::move(handler)) {}

    Completion(Completion&&) noexcept = default;
    /// By construction: the assignment of Boost 1.81's any_completion_handler wraps itself until the stack
    /// ends.
    Completion& operator=(Completion&& other) noexcept {
        executor_ = std::move(other.executor_);
        handler_.reset();
        if (other.handler_) handler_.emplace(std::move(*other.handler_));
        return *this;
    }
    ~Completion() = default;

    [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

    /// Continues the coroutine here and now; must be called on executor().
    void resume(T result) { std::move (*handler_)(std::move(result)); }

  private:
    boost::asio::any_io_executor executor_;
    std::optional<boost::asio::any_completion_handler<void(T)>> handler_;
};

}  // namespace ledger
