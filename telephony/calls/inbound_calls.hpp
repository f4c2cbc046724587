// All calls from outside that this node has: who may make them, their errands, records and charges.
#pragma once

#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/applications/applications.hpp"
#include "telephony/calls/bridge.hpp"
#include "telephony/calls/call_charge.hpp"
#include "telephony/calls/command_runner.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/calls/door.hpp"
#include "telephony/calls/ended_calls.hpp"
#include "telephony/calls/inbound_call.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/reception.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/calls/registrar.hpp"
#include "telephony/rules/cache.hpp"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace calls {

/// Legs of one call, ended ones counted: session identifiers of descriptions are so far apart.
inline constexpr std::size_t inbound_legs_max = 64;

class InboundCalls final : public Reception {
  public:
    struct Options {
        InboundOptions call;
        std::string run = "000000000000";    ///< of this server (call_id.hpp)
        std::size_t calls_max = 4'000;       ///< at once
        std::size_t calls_per_user = 1'000;  ///< at once by one user, who has no limit of the own
        std::chrono::seconds slice{60};      ///< of calls that are paid by time: held ahead at once
        DialPlan dial_plan{{}};
        Destinations destinations{"", "", false};
        LocalDomain local{};
        std::size_t trace_max = 0;                 ///< SIP messages of a call that are kept
        std::chrono::milliseconds linger{30'000};  ///< how long it can be asked for after its end
    };
    /// What calls need. All of it outlives this.
    struct Uses {
        ledger::Ledger& ledger;
        Door& door;
        Registrar& registrar;
        Locations& locations;
        rules::RuleCache& rules;
        applications::Applications* applications;  ///< null: none is asked
        const FlowRoutes& flows;
        Signalling& signalling;  ///< that looks up whom applications add
        Registrations& registrations;
        RecordWriter& records;
        Bridge* bridge = nullptr;  ///< null: there is none, and nobody hears that funds end
    };
    InboundCalls(Options options, Uses uses, boost::asio::any_io_executor executor, base::Logger log);
    ~InboundCalls() override;

    void called(IncomingCall call) override;
    void registering(IncomingRegister request) override;
    /// What happens to a leg of such a call; from any thread.
    void on_call(CallNo call, Event event);
    /// What was said in its dialogs; on the executor.
    void on_signal(CallNo call, Signal signal);

    /// No new calls from now on; from any thread.
    void stop_accepting() { stopping_ = true; }
    /// Ends every call; how many there were. On the executor, as what follows.
    std::size_t end_all();
    /// Those that this login made; how many there were.
    std::size_t end_calls_of(std::string_view login);
    /// Identifiers of those that are recorded here.
    [[nodiscard]] std::vector<std::string> running_calls() const;
    /// Other servers have this call now. Nothing happens where it is none of these.
    void taken(const std::string& id);
    /// Calls to these addresses, and what rings there.
    void end_calls_to(const std::set<std::string>& addresses);
    /// Addresses of users to whom there are calls now.
    [[nodiscard]] std::set<std::string> called() const;
    /// Who has made calls that run: logins.
    [[nodiscard]] std::vector<std::string> callers() const;
    /// An application is told of this call, and may ask for it from now on.
    void heard(const std::string& id, const std::string& login);
    /// How a call is by its identifier; nothing for one that is unknown or not for this reader, as below.
    [[nodiscard]] std::optional<CallStatus> status(const Reader& reader, const std::string& id);
    /// Its messages.
    [[nodiscard]] std::optional<std::string> trace(const Reader& reader, const std::string& id);
    /// Null: nobody has answered, or it has ended.
    [[nodiscard]] const Call* connected(const std::string& id) const;
    /// Ends it, as somebody entitled wishes.
    void decline(const std::string& id);
    /// The same of one party, or of all who are called at this address.
    void remove(const std::string& id, const std::string& address);
    /// One party more in a connected call.
    void add(const std::string& id, const std::string& address, std::optional<sdp::AudioOnly> audio);
    [[nodiscard]] std::size_t running() const { return live_.size(); }
    /// Drops what is left.
    void clear();

  private:
    struct Live;

    boost::asio::awaitable<void> admit(IncomingCall call);
    [[nodiscard]] std::optional<Caller> caller_of(const Door::Visitor& visitor, const Sender& sender) const;
    boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> account_of(std::vector<std::string> addresses);
    void enter(IncomingCall call, Caller caller, const auth::PrincipalPtr& principal);
    [[nodiscard]] bool has_enough(const auth::Principal& principal) const;
    void start(IncomingCall call, Caller caller, const auth::PrincipalPtr& principal,
               std::optional<Contact> passed_on = std::nullopt);
    bool pass_on(IncomingCall& call);
    Live* find(CallNo call) const;
    Live* find(const std::string& id) const;
    Onlookers* onlookers(const std::string& id);
    void carry_out(CallNo call, InboundCall::Steps steps);
    Observer observer(CallNo call);
    void end(const std::vector<CallNo>& numbers);
    void finished(CallNo call);

    boost::asio::awaitable<void> resolve(CallNo call, errand::Resolve errand);
    void found_account(CallNo call, TargetNo target, Destination destination, const ledger::Account& account);
    void resolved(CallNo call, TargetNo target, Destination destination);
    [[nodiscard]] Destination outside(CallNo call, const errand::Resolve& errand) const;
    [[nodiscard]] auth::PrincipalPtr dialler(CallNo call, const errand::Resolve& errand) const;
    void ask(CallNo call, errand::Ask errand);
    boost::asio::awaitable<void> directed(CallNo call, TargetNo target, applications::Directive directive);
    boost::asio::awaitable<void> leave_callable(applications::Directive& directive, std::string id);
    boost::asio::awaitable<void> hold(CallNo call, applications::Toll toll);
    boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> payer(CallNo call, applications::Toll toll);
    void settle(CallNo call, bool paid);
    void extend(CallNo call);

    Options options_;
    Uses uses_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    std::atomic<bool> stopping_ = false;
    std::unordered_set<CallNo> admitting_;  // at the door
    std::unordered_map<CallNo, std::unique_ptr<Live>> live_;
    std::unordered_map<std::string, CallNo> by_id_;
    EndedCalls ended_;
};

}  // namespace calls
