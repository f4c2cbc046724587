// Where registered users are: bindings of accounts to contacts (RFC 3261, 10), rows in the database that
// every node reads, and remembers until it is told of a change.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "telephony/calls/flow_routes.hpp"
#include "telephony/calls/reception.hpp"
#include "telephony/calls/records.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calls {

/// A way to somebody.
struct Contact {
    std::string uri;
    std::string route{};     ///< proxies on the way (RFC 3327), or the node that has its connection
    std::uint64_t flow = 0;  ///< this node's connection to it; 0: none
    int q = 1000;            ///< in thousandths
    bool operator==(const Contact&) const = default;
};

/// What is known of an account's telephones.
struct Whereabouts {
    std::vector<Contact> contacts{};  ///< the best first
    bool disabled = false;            ///< all its users are: nobody is to be called
};

class Locations {
  public:
    /// At most `capacity` accounts are remembered. `database` outlives this.
    Locations(Recorder node, FlowRoutes routes, base::Database& database,
              boost::asio::any_io_executor executor, std::size_t capacity, base::Logger log);

    /// Nothing: the database does not answer.
    using Found = std::function<void(std::optional<Whereabouts>)>;
    /// Of an account (the ledger's id). On the executor; `found` is called there, before this returns where
    /// they are known.
    void find(std::int64_t account, Found found);

    /// A binding as REGISTER's answer lists it.
    struct Binding {
        std::string contact;
        int q = 1000;
        std::int64_t seconds = 0;  ///< that it is valid
    };
    enum class Refusal : std::uint8_t {
        out_of_order,  ///< an earlier request of the same client came later
        too_many,      ///< contacts of one account
        unavailable
    };
    /// What came of a change: all bindings of the account, or why nothing was changed.
    struct Update {
        std::vector<Binding> bindings;
        std::vector<std::uint64_t> left{};  ///< connections here that the client has left for this one
        std::optional<Refusal> refusal{};
    };
    /// Adds, refreshes and removes (expires 0) the contacts of a REGISTER, or removes all. Every contact has
    /// its expiry.
    boost::asio::awaitable<Update> update(std::int64_t account, IncomingRegister request,
                                          std::size_t contacts_max);

    /// After a notification on bindings_channel, with its payload; empty: some may have been missed, or users
    /// disabled. From any thread.
    void forget(std::string_view payload);

  private:
    using Clock = std::chrono::steady_clock;
    struct Known {
        Contact contact;
        Clock::time_point expires;
    };
    struct Account {
        std::vector<Known> contacts;
        bool disabled = false;
    };
    using AccountPtr = std::shared_ptr<const Account>;

    boost::asio::awaitable<void> load(std::int64_t account);
    void give(std::int64_t account, const AccountPtr& known);
    [[nodiscard]] Account read(const base::sql::Rows& rows) const;

    Recorder node_;
    FlowRoutes routes_;
    base::Database& database_;
    boost::asio::any_io_executor executor_;
    std::size_t capacity_;
    base::Logger log_;
    std::mutex mutex_;             // of the two below
    std::uint64_t forgotten_ = 0;  // how often: what was read before is not remembered
    std::unordered_map<std::int64_t, AccountPtr> known_;
    std::unordered_map<std::int64_t, std::vector<Found>> waiting_;  // on the executor
};

/// The channel on which the database tells that an account's bindings changed; its payload is the account.
inline constexpr std::string_view bindings_channel = "ledger_binding";

}  // namespace calls
