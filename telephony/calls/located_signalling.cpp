// A leg waits here while its address is looked up, and may be ended meanwhile.
#include "telephony/calls/located_signalling.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

namespace calls {

LocatedSignalling::LocatedSignalling(Options options, ledger::Ledger& ledger, Locations& locations,
                                     Signalling& network, EventSink sink,
                                     boost::asio::any_io_executor executor)
    : options_(std::move(options)),
      ledger_(ledger),
      locations_(locations),
      network_(network),
      sink_(std::move(sink)),
      executor_(std::move(executor)) {}

void LocatedSignalling::invite(LegId leg, Invitation invitation) {
    if (!options_.local.may_be_account(invitation.target)) {
        network_.invite(leg, std::move(invitation));
        return;
    }
    waiting_.insert(leg);
    boost::asio::co_spawn(executor_, look_up(leg, std::move(invitation)),
                          [this, leg](const std::exception_ptr& error) {
                              if (error && waiting_.erase(leg) > 0)
                                  sink_(leg.call, event::Refused{leg.leg, 500});
                          });
}

boost::asio::awaitable<void> LocatedSignalling::look_up(LegId leg, Invitation invitation) {
    for (const auto& reading : options_.local.readings(invitation.target)) {
        const auto account = co_await ledger_.find(reading);
        if (!account && account.error() == ledger::Refusal::unknown_account) continue;
        if (!account) {
            found(leg, std::move(invitation), std::nullopt);
            co_return;
        }
        locations_.find((*account)->id, [this, leg, invitation = std::move(invitation)](
                                            const std::optional<Whereabouts>& whereabouts) {
            found(leg, invitation, whereabouts);
        });
        co_return;
    }
    if (waiting_.erase(leg) > 0) network_.invite(leg, std::move(invitation));
}

void LocatedSignalling::found(LegId leg, Invitation invitation,
                              const std::optional<Whereabouts>& whereabouts) {
    // Ended meanwhile.
    if (waiting_.erase(leg) == 0) return;
    if (!whereabouts) {
        sink_(leg.call, event::Refused{leg.leg, 503});
        return;
    }
    const auto& contacts = whereabouts->contacts;
    const bool gateway = options_.gateway && invitation.target.starts_with("tel:") && !whereabouts->disabled;
    if (!contacts.empty()) {
        const auto& best = contacts.front();
        invitation.contact = best.uri;
        invitation.route = best.route;
        invitation.flow = best.flow;
    } else if (!gateway) {
        sink_(leg.call, event::Refused{leg.leg, 480});
        return;
    }
    network_.invite(leg, std::move(invitation));
}

void LocatedSignalling::end(LegId leg, Cause cause) {
    if (waiting_.erase(leg) > 0)
        sink_(leg.call, event::Gone{leg.leg});
    else
        network_.end(leg, cause);
}

}  // namespace calls
