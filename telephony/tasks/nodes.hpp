// Tasks wherever they run: a question goes to the node that the identifier names, and to the call's record
// when that is gone.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "frontend/node_link.hpp"
#include "telephony/tasks/question.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace tasks {

/// From any thread. What it refers to outlives it.
class Nodes {
  public:
    struct Options {
        std::string run;                           ///< of this server
        std::chrono::milliseconds linger{30'000};  ///< how long an ended task's status can be read
    };
    /// What this node's own tasks say; called on the executor.
    using Here = std::function<Answer(const Question&)>;

    Nodes(Options options, frontend::NodeLink& link, base::Database& database, Here here,
          boost::asio::any_io_executor executor, base::Logger log);

    boost::asio::awaitable<Answer> ask(Question question);
    /// For a question that another node passes on: both as JSON.
    boost::asio::awaitable<std::string> answer(std::string question);

  private:
    boost::asio::awaitable<Answer> ask_here(Question question);
    boost::asio::awaitable<std::optional<std::string>> find_node(std::string run);
    boost::asio::awaitable<Answer> ask_record(Question question);

    Options options_;
    frontend::NodeLink& link_;
    base::Database& database_;
    Here here_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
};

}  // namespace tasks
