// A leg waits here while its address is looked up, and may be ended meanwhile; then while its contacts ring.
#include "telephony/calls/located_signalling.hpp"

#include "telephony/calls/contact_search.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace calls {
namespace {

/// After so long the network has nothing more to report of the winner under its old name.
constexpr std::chrono::seconds rename_limit{32};

}  // namespace

/// The contacts of one party. Its branches are legs of a call with its number.
struct LocatedSignalling::Search {
    struct Branch {
        bool rang = false;
        bool sent_away = false;
    };
    CallNo number = 0;
    LegId leg;  ///< of the call
    Invitation invitation;
    std::vector<std::vector<Contact>> groups;  ///< not called yet; the next one comes last
    std::chrono::milliseconds share{0};        ///< of the time to ring, for each group
    boost::asio::steady_timer timer;
    LegNo last_branch = 0;
    std::map<LegNo, Branch> branches{};  ///< that are not gone
    int status = 0;                      ///< the failure to report
    bool rang = false;
    bool ended = false;             ///< by the call
    std::optional<LegNo> winner{};  ///< this branch is the call's leg now
};

LocatedSignalling::LocatedSignalling(Options options, ledger::Ledger& ledger, Locations& locations,
                                     Signalling& network, EventSink sink, SignalSink trace,
                                     boost::asio::any_io_executor executor)
    : options_(std::move(options)),
      ledger_(ledger),
      locations_(locations),
      network_(network),
      sink_(std::move(sink)),
      trace_(std::move(trace)),
      executor_(std::move(executor)) {}

LocatedSignalling::~LocatedSignalling() = default;

void LocatedSignalling::invite(LegId leg, Invitation invitation) {
    if (invitation.located || !options_.local.may_be_account(invitation.target)) {
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
    if (contacts.size() > 1) return start(leg, std::move(invitation), contacts);
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
    if (waiting_.erase(leg) > 0) return sink_(leg.call, event::Gone{leg.leg});
    const auto found = searching_.find(leg);
    if (found == searching_.end()) return network_.end(leg, cause);
    const auto search = found->second;
    search->ended = true;
    search->groups.clear();
    stop_ringing(*search, cause);
    look_at(search);
}

// --- several contacts

void LocatedSignalling::start(LegId leg, Invitation invitation, const std::vector<Contact>& contacts) {
    auto groups = by_preference(contacts);
    const auto share = options_.no_answer / static_cast<std::int64_t>(groups.size());
    const auto search = std::make_shared<Search>(Search{.number = ++last_search_,
                                                        .leg = leg,
                                                        .invitation = std::move(invitation),
                                                        .groups = std::move(groups),
                                                        .share = share,
                                                        .timer = boost::asio::steady_timer(executor_)});
    searches_[search->number] = searching_[leg] = search;
    ring(search);
}

/// Calls the next group.
void LocatedSignalling::ring(const SearchPtr& search) {
    const auto group = std::move(search->groups.back());
    search->groups.pop_back();
    for (const auto& contact : group) {
        const LegId branch{search->number, ++search->last_branch};
        search->branches[branch.leg] = {};
        auto invitation = search->invitation;
        invitation.contact = contact.uri;
        invitation.route = contact.route;
        invitation.flow = contact.flow;
        network_.invite(branch, std::move(invitation));
    }
    // The last group's time is the call's to watch.
    if (search->groups.empty()) return;
    search->timer.expires_after(search->share);
    search->timer.async_wait([this, weak = std::weak_ptr(search)](const auto& error) {
        const auto self = weak.lock();
        if (error || !self || self->ended || self->winner || self->groups.empty()) return;
        self->status = telling_failure(self->status, 480, self->rang);
        stop_ringing(*self, Cause::no_answer);
        look_at(self);
    });
}

void LocatedSignalling::stop_ringing(Search& search, Cause cause) {
    for (auto& [leg, branch] : search.branches) {
        if (search.winner != leg && !std::exchange(branch.sent_away, true))
            network_.end({search.number, leg}, cause);
    }
}

void LocatedSignalling::on_search(CallNo number, Event event) {
    boost::asio::post(executor_, [this, number, event = std::move(event)]() mutable {
        const auto found = searches_.find(number);
        if (found == searches_.end()) return;
        const auto search = found->second;
        const auto report = [&](auto& known) {
            using Known = std::remove_cvref_t<decltype(known)>;
            if constexpr (requires { known.leg; }) {
                if (search->winner == known.leg) {
                    // It was on its way when the branch became the call's leg.
                    known.leg = search->leg.leg;
                    return sink_(search->leg.call, std::move(known));
                }
                if constexpr (requires { handle(search, known); }) return handle(search, known);
                // Refused, or the end of one that was sent away or broke.
                constexpr int broken = 500;
                if constexpr (std::is_same_v<Known, event::Refused>)
                    return failed(search, known.leg, known.status);
                constexpr bool end = std::is_same_v<Known, event::HungUp> ||
                                     std::is_same_v<Known, event::Lost> || std::is_same_v<Known, event::Gone>;
                if constexpr (end) failed(search, known.leg, broken);
            }
        };
        std::visit(report, event);
    });
}

void LocatedSignalling::on_signal(CallNo number, Signal signal) {
    const auto found = searches_.find(number);
    if (found == searches_.end()) return;
    signal.leg = found->second->leg.leg;
    trace_(found->second->leg.call, std::move(signal));
}

void LocatedSignalling::handle(const SearchPtr& search, const event::Ringing& event) {
    const auto branch = search->branches.find(event.leg);
    if (branch == search->branches.end() || branch->second.sent_away || search->winner) return;
    branch->second.rang = search->rang = true;
    // Early media of one of several may be nobody's in the end.
    sink_(search->leg.call, event::Ringing{search->leg.leg, event.status, {}, event.dialog});
}

/// The first one wins.
void LocatedSignalling::handle(const SearchPtr& search, const event::Answered& event) {
    const auto branch = search->branches.find(event.leg);
    if (branch == search->branches.end() || branch->second.sent_away || search->winner) return;
    search->winner = event.leg;
    search->groups.clear();
    searching_.erase(search->leg);
    network_.rename({search->number, event.leg}, search->leg);
    stop_ringing(*search, Cause::aborted);
    sink_(search->leg.call, event::Answered{search->leg.leg, event.sdp, event.dialog});
    search->timer.expires_after(rename_limit);
    search->timer.async_wait([this, weak = std::weak_ptr(search)](const auto& error) {
        const auto self = weak.lock();
        if (!error && self) forget(self);
    });
}

/// Before there is a call: what a party asks for is answered without the other one.
void LocatedSignalling::handle(const SearchPtr& search, const event::Requested& event) {
    network_.answer({search->number, event.leg}, event.ticket, event.method == Method::info ? 200 : 491, {});
}

void LocatedSignalling::failed(const SearchPtr& search, LegNo leg, int status) {
    const auto found = search->branches.find(leg);
    if (found == search->branches.end()) return;
    const auto branch = found->second;
    search->branches.erase(found);
    if (search->winner) return;
    if (!branch.sent_away) {
        search->status = telling_failure(search->status, status, branch.rang);
        if (everywhere(status)) {
            search->groups.clear();
            stop_ringing(*search, Cause::busy);
        }
    }
    look_at(search);
}

/// When nobody is left who could answer: the next group, or the end.
void LocatedSignalling::look_at(const SearchPtr& search) {
    const auto rings = [](const auto& each) { return !each.second.sent_away; };
    if (std::ranges::any_of(search->branches, rings)) return;
    if (!search->groups.empty()) return ring(search);
    // Those that were sent away may still be on their way out.
    if (!search->branches.empty()) return;
    const auto leg = search->leg;
    const bool ended = search->ended;
    const int status = search->status;
    searching_.erase(leg);
    forget(search);
    if (ended)
        sink_(leg.call, event::Gone{leg.leg});
    else
        sink_(leg.call, event::Refused{leg.leg, status});
}

void LocatedSignalling::forget(const SearchPtr& search) { searches_.erase(search->number); }

void LocatedSignalling::clear() {
    waiting_.clear();
    searching_.clear();
    searches_.clear();
}

}  // namespace calls
