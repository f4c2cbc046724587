// Notifications in the database, where all nodes see them and restarts leave them.
#pragma once

#include "base/database.hpp"
#include "telephony/applications/notification.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace applications {

/// An address; calls to it are watched, or calls by it.
struct Watched {
    std::int64_t account = 0;  ///< that has it
    std::string address;       ///< in the ledger's normal form
    bool operator==(const Watched&) const = default;
};

/// A notification that is to be started.
struct NewNotification {
    std::int64_t principal = 0;  ///< who starts it
    Manner manner = Manner::tell;
    std::string correlator;
    std::string endpoint;
    std::string interface_name;
    soap::VersionNumber manager;
    std::vector<Watched> watched;
    bool calls_by = false;  ///< are watched, not those to them; nobody is asked about these
    std::vector<Event> events;
    std::int64_t limit = 0;  ///< live notifications that the principal may have, this one counted
};

enum class Started : std::uint8_t {
    started,
    duplicate,    ///< the principal has one with this correlator
    too_many,     ///< of this principal
    overlapping,  ///< another one decides about one of the events of one of the addresses
};

/// Events of which nobody is to be asked or told any more.
struct StopEvents {
    std::optional<std::int64_t> principal;  ///< who started it; nothing: whoever did
    Manner manner = Manner::tell;
    std::vector<Watched> watched;
    std::vector<Event> events;
};

/// base::sql::Error and base::DatabaseBusy where the database can't be asked.
class Storage {
  public:
    explicit Storage(base::Database& database) : database_(database) {}

    boost::asio::awaitable<Started> start(NewNotification notification);
    /// False: the principal has no such notification.
    boost::asio::awaitable<bool> stop(std::int64_t principal, Manner manner, std::string correlator);
    /// How many notifications had such events.
    boost::asio::awaitable<std::int64_t> stop_events(StopEvents stopped);
    /// Nothing when there is none with this id, or when who started it was disabled.
    boost::asio::awaitable<std::optional<Notification>> find(std::string id);

    /// The channel on which the database tells that a notification was stopped; its payload is the id.
    static constexpr std::string_view stopped_channel = "notification_stopped";

  private:
    base::Database& database_;
};

}  // namespace applications
