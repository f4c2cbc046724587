// Notifications from the database: one LISTENing connection that comes back by itself.
#pragma once

#include "base/log.hpp"
#include "base/sql.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace base {

/// Listens on a thread of its own. Both callbacks are called on that thread and must not throw.
class Listener {
  public:
    struct Options {
        sql::SessionOptions session;
        std::vector<std::string> channels;
        std::chrono::milliseconds backoff_min{100};  ///< the first pause after a lost connection; it doubles
        std::chrono::milliseconds backoff_max{10000};
        /// A LISTEN is in force, after a time without one: everything cached from the database must be
        /// dropped.
        std::function<void()> on_reset;
        std::function<void(const std::string& channel, const std::string& payload)> on_notify;
    };

    Listener(Options options, Logger log);
    ~Listener();  ///< stops within a quarter of a second, or when a connection attempt under way ends

  private:
    void listen(const std::stop_token& stop);
    void receive(sql::Session& session, const std::stop_token& stop);

    Options options_;
    Logger log_;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace base
