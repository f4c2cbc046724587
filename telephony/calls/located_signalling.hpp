// Calls to registered users that somebody else asks for: their accounts' addresses lead to their contacts.
// Where there are several, all are called, and the one that answers becomes the call's leg.
#pragma once

#include "ledger/ledger.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/signalling.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace calls {

/// Searches for one of several contacts are numbered from here on, as if they were calls; below those from
/// outside (first_incoming_call).
inline constexpr CallNo first_search = CallNo{1} << 61;

/// The network, with the target of every invitation looked up first. Used on one executor.
class LocatedSignalling final : public Signalling {
  public:
    struct Options {
        LocalDomain local;
        bool gateway = false;  ///< telephone numbers of users who are not registered have a way
        std::chrono::milliseconds no_answer{60'000};  ///< how long one address rings, whatever its contacts
    };
    /// The references outlive this. `sink`: what legs report that the network does not; `trace`: what is said
    /// while a search lasts.
    LocatedSignalling(Options options, ledger::Ledger& ledger, Locations& locations, Signalling& network,
                      EventSink sink, SignalSink trace, boost::asio::any_io_executor executor);
    ~LocatedSignalling() override;

    /// To the contacts of a user who is registered: those of the highest q at once, the next ones when these
    /// have failed, or have rung for their share of the time. The first answer wins. One who is not
    /// registered, or who is disabled, is not reachable (480); but a telephone number that nobody registered
    /// for goes to the gateway, if there is one. All other addresses, and those that were located before, are
    /// called as they are.
    void invite(LegId leg, Invitation invitation) override;
    void reinvite(LegId leg, std::string sdp) override { network_.reinvite(leg, std::move(sdp)); }
    void withdraw(LegId leg) override { network_.withdraw(leg); }
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

    /// What the network reports of a search; from any thread.
    void on_search(CallNo search, Event event);
    /// What was said in its dialogs; on the executor.
    void on_signal(CallNo search, Signal signal);
    /// Drops all legs that are looked up or searched for; nothing is reported of them any more.
    void clear();

  private:
    struct Search;
    using SearchPtr = std::shared_ptr<Search>;

    boost::asio::awaitable<void> look_up(LegId leg, Invitation invitation);
    void found(LegId leg, Invitation invitation, const std::optional<Whereabouts>& whereabouts);

    void start(LegId leg, Invitation invitation, const std::vector<Contact>& contacts);
    void ring(const SearchPtr& search);
    void stop_ringing(Search& search, Cause cause);
    void handle(const SearchPtr& search, const event::Ringing& event);
    void handle(const SearchPtr& search, const event::Answered& event);
    void handle(const SearchPtr& search, const event::Requested& event);
    void failed(const SearchPtr& search, LegNo branch, int status);
    void look_at(const SearchPtr& search);
    void forget(const SearchPtr& search);

    Options options_;
    ledger::Ledger& ledger_;
    Locations& locations_;
    Signalling& network_;
    EventSink sink_;
    SignalSink trace_;
    boost::asio::any_io_executor executor_;
    std::set<LegId> waiting_;  // not invited yet
    CallNo last_search_ = first_search;
    std::map<CallNo, SearchPtr> searches_;
    std::map<LegId, SearchPtr> searching_;  // by the call's leg, until somebody has answered
};

}  // namespace calls
