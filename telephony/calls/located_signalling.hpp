// Third-party calls to registered users: their accounts' addresses lead to their contacts.
#pragma once

#include "ledger/ledger.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <set>
#include <string>

namespace calls {

/// The network, with the target of every invitation looked up first. Used on one executor.
class LocatedSignalling final : public Signalling {
  public:
    struct Options {
        LocalDomain local;
        bool gateway = false;  ///< telephone numbers of users who are not registered have a way
    };
    /// The references outlive this. `sink`: what legs report that never reach the network.
    LocatedSignalling(Options options, ledger::Ledger& ledger, Locations& locations, Signalling& network,
                      EventSink sink, boost::asio::any_io_executor executor);

    /// To the best contact of a user who is registered. One who is not, or who is disabled, is not reachable
    /// (480); but a telephone number that nobody registered for goes to the gateway, if there is one. All
    /// other addresses are called as they are.
    void invite(LegId leg, Invitation invitation) override;
    void reinvite(LegId leg, std::string sdp) override { network_.reinvite(leg, std::move(sdp)); }
    void ack(LegId leg, std::string sdp) override { network_.ack(leg, std::move(sdp)); }
    void relay(LegId leg, Ticket ticket, Method method, Body body) override {
        network_.relay(leg, ticket, method, std::move(body));
    }
    void answer(LegId leg, Ticket ticket, int status, Body body) override {
        network_.answer(leg, ticket, status, std::move(body));
    }
    void end(LegId leg, Cause cause) override;
    void refuse(LegId leg, Response response) override { network_.refuse(leg, std::move(response)); }
    void rename(LegId from, LegId to) override { network_.rename(from, to); }
    void hang_up_lost(std::string dialog) override { network_.hang_up_lost(std::move(dialog)); }

  private:
    boost::asio::awaitable<void> look_up(LegId leg, Invitation invitation);
    void found(LegId leg, Invitation invitation, const std::optional<Whereabouts>& whereabouts);

    Options options_;
    ledger::Ledger& ledger_;
    Locations& locations_;
    Signalling& network_;
    EventSink sink_;
    boost::asio::any_io_executor executor_;
    std::set<LegId> waiting_;  // not invited yet
};

}  // namespace calls
