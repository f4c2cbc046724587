// Questions from one server to another on the same database, over HTTP (POST /nodes). Both have the key of
// all nodes, and everything is sealed under it: nobody else can ask, read along, or repeat a question.
#pragma once

#include "base/log.hpp"
#include "frontend/auth/message_credentials.hpp"
#include "frontend/auth/secrets.hpp"
#include "frontend/http/client.hpp"
#include "frontend/http/server.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace frontend {

struct NodeLinkOptions {
    std::string run;                           ///< names this run of this server
    std::chrono::milliseconds timeout{2'000};  ///< for one question
    std::string ca_file{};                     ///< as in http::ClientOptions, for nodes at https:
    std::size_t replay_limit = 262'144;        ///< questions of the last minutes that are remembered
};

class NodeLink {
  public:
    using Handler = std::function<boost::asio::awaitable<std::string>(std::string question)>;

    /// `handler` answers what other nodes ask. Throws std::runtime_error when `ca_file` cannot be read.
    NodeLink(NodeLinkOptions options, auth::SecretBox box, Handler handler, base::Logger log);

    /// Asks that run of the node at that URL, once. Nothing when it is not there, or does not answer in time.
    /// Runs on the caller's io thread; see http::Client::post for what must outlive what.
    boost::asio::awaitable<std::optional<std::string>> ask(std::string url, std::string run,
                                                           std::string question);

    /// Answers a request to /nodes; who has not the key finds nothing there.
    boost::asio::awaitable<http::Response> answer(const http::Request& request);

  private:
    NodeLinkOptions options_;
    auth::SecretBox box_;
    Handler handler_;
    base::Logger log_;
    http::Client client_;
    auth::ReplayMemory seen_;
};

}  // namespace frontend
