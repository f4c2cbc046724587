// io_contexts with a thread each, as the program has them.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace tests {

class IoThreads {
  public:
    explicit IoThreads(std::size_t number) {
        for (std::size_t i = 0; i < number; ++i) {
            contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
            guards_.push_back(boost::asio::make_work_guard(*contexts_.back()));
            threads_.emplace_back([context = contexts_.back().get()] { context->run(); });
        }
    }
    ~IoThreads() { stop(); }
    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    /// From now on nothing runs there; the contexts remain for whoever has timers and sockets on them.
    void stop() {
        guards_.clear();
        for (const auto& context : contexts_) context->stop();
        threads_.clear();
    }

    [[nodiscard]] std::vector<boost::asio::io_context*> contexts() const {
        std::vector<boost::asio::io_context*> result;
        for (const auto& context : contexts_) result.push_back(context.get());
        return result;
    }

  private:
    using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
    std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
    std::vector<Guard> guards_;
    std::vector<std::jthread> threads_;
};

}  // namespace tests
