// A way to PostgreSQL that is cut when the test says so.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tests {

/// Listens on a Unix socket of its own and forwards to PostgreSQL's. Both ends of a connection are closed at
/// the moment that was ordered; later connections are forwarded as before.
class CuttingProxy {
  public:
    enum class Moment {
        before_the_request_arrives,  ///< the server never sees it
        after_the_answer_was_given,  ///< the server has answered, and nobody hears it
    };

    /// `target`: PostgreSQL's socket, e.g. `/run/postgresql/.s.PGSQL.5432`.
    explicit CuttingProxy(std::string target);
    ~CuttingProxy();
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    /// The folder that stands for a host in a libpq URI.
    [[nodiscard]] const std::string& folder() const { return folder_; }

    /// Cuts the connection on which the client next sends these bytes, once.
    void cut(std::string marker, Moment moment);
    /// How often it was cut so far.
    [[nodiscard]] int cuts() const { return cuts_; }

  private:
    struct Order {
        std::string marker;
        Moment moment;
    };

    void accept_connections();
    void forward(int client);
    std::optional<Moment> ordered(const std::string& bytes);

    std::string target_;
    std::string folder_;
    int listener_ = -1;
    std::mutex mutex_;
    std::optional<Order> order_;
    std::vector<std::jthread> connections_;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> cuts_ = 0;
    std::jthread acceptor_;  // last: it uses the others
};

}  // namespace tests
