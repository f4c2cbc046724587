// One server on one database: every part made and wired, started and stopped in order.
#pragma once

#include "app/embedded_janus.hpp"
#include "app/settings.hpp"
#include "base/log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace app {

/// Where the database is, for the service and for its owner.
struct DatabaseUrls {
    std::string service;
    std::string role;   ///< SET by every service session; empty: none
    std::string owner;  ///< applies migrations
};

/// Brings the database up to this program's migrations. Throws PlainError when it can't be.
void apply_migrations(const DatabaseUrls& urls, const Settings& settings, const base::Logger& log,
                      const std::function<bool()>& impatient = {});

/// Spreads the migrated ledger over the nodes of the Citus cluster that the database is the coordinator of.
/// Throws PlainError.
void distribute_over_citus(const DatabaseUrls& urls);

/// Reads the files that settings name, as a server does when it starts; what is wrong with them.
[[nodiscard]] std::vector<std::string> file_mistakes(const Settings& settings);

/// The serving part of a server; its database must be migrated. Signals, the embedded PostgreSQL and the data
/// directory are the caller's affair.
class Node {
  public:
    /// Connects, makes every part and its threads, and binds the port. Throws PlainError.
    Node(const Settings& settings, const DatabaseUrls& urls, const base::Logger& log);
    ~Node();  ///< drains what is under way, then takes the parts down in order
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    /// Of HTTPS; 0: it is not served.
    [[nodiscard]] std::uint16_t tls_port() const;
    /// Of probes; 0: they share the others.
    [[nodiscard]] std::uint16_t health_port() const;

    /// Reads again what may change while it serves: TLS's certificates; and opens the logs' files anew. What
    /// is wrong goes to the log, and what was read or opened before stays.
    void reload();

    /// `/readyz` turns red, no new connections, requests under way go on. Returns at once.
    void stop_accepting();
    /// Of the mixer.
    [[nodiscard]] EmbeddedJanus::Seen bridge() const;
    /// Requests and connections that are still there.
    [[nodiscard]] std::uint64_t connections_open() const;
    /// Closes what is still open.
    void cut();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace app
