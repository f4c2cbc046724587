// Telephony made and wired: calls and their tasks on a thread of their own, SIP beside it.
#pragma once

#include "app/embedded_janus.hpp"
#include "app/settings.hpp"
#include "base/database.hpp"
#include "base/log.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/call_trace.hpp"
#include "frontend/node_link.hpp"
#include "frontend/service.hpp"
#include "frontend/soap_client.hpp"
#include "ledger/ledger.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace app {

/// Somebody who works on the database wants all calls of a user ended: NOTIFY with the login.
constexpr auto end_calls_channel = "calls_end";
/// Its row in the trail, whose subject is the login; in the transaction that notifies.
constexpr auto end_calls_act = "call.end_all";

class Telephony {
  public:
    /// What it stands on.
    struct Uses {
        ledger::Ledger& ledger;
        base::Database& database;
        auth::SecretSchemes& secrets;  ///< how users at telephones are recognised
        frontend::SoapClient& client;  ///< its connections belong to it
        auth::SecretBox box;           ///< the key of all nodes
    };

    /// Binds SIP's port. Where it can't be had, the log says so and no calls are made: charging goes on.
    /// Calls that an earlier run with the same SIP address left are ended, and charged if they were answered.
    /// What it uses outlives this.
    Telephony(const Settings& settings, const Uses& uses, const base::Logger& log);
    ~Telephony();

    [[nodiscard]] std::vector<frontend::Service> services();
    /// From any thread: notifications may have been stopped, or who started one may do less.
    void forget_notifications();
    /// What was said in a call's dialogs (frontend/call_trace.hpp).
    [[nodiscard]] boost::asio::awaitable<frontend::TraceAnswer> trace(frontend::TraceQuestion question);
    /// What other nodes ask this one goes here; until stop().
    [[nodiscard]] frontend::NodeLink& node_link();
    /// Tells other nodes that this one lives and where its HTTP is, and goes on telling. Throws
    /// std::runtime_error when the database can't be reached.
    void join_nodes(const Settings& settings, std::uint16_t http_port);
    void stop_accepting();
    /// Of this login, e.g. `alice@example.com`, if an operator wanted that a moment ago; from any thread.
    void end_calls_of(std::string login);
    /// Users may have been disabled or removed: calls by them and to them end. From any thread.
    void users_changed();
    /// Ends running calls and waits for their parties, at most `call.stop_grace`.
    void end_calls();
    /// When no request is under way any more: posts what calls leave to post, and ends the threads.
    void stop();
    [[nodiscard]] std::size_t legs() const;

    /// On these channels the database tells of changes that notified() is to hear of.
    [[nodiscard]] static std::vector<std::string> channels();
    /// From any thread.
    void notified(const std::string& channel, const std::string& payload);
    /// When notifications may have been missed.
    void forget_all();
    /// Of the mixer. From any thread.
    [[nodiscard]] EmbeddedJanus::Seen bridge() const;
    /// Legs on the bridge.
    [[nodiscard]] std::size_t mixed() const;
    /// Appends Prometheus text.
    void append_metrics(std::string& text) const;
    /// Why SIP is not served although it is to be; empty: it is, or is not wanted.
    [[nodiscard]] const std::string& sip_trouble() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace app
