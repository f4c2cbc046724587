// Parlay X Third Party Call (ES 202 391-2, ES 202 504-2): messages to tasks, and their status back.
#pragma once

#include "base/log.hpp"
#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "telephony/calls/bridge.hpp"
#include "telephony/calls/call_charge.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/signalling.hpp"
#include "telephony/tasks/directory.hpp"
#include "telephony/tasks/make_call.hpp"
#include "telephony/tasks/nodes.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thirdpartycall {

using calls::CallCharge;
using calls::Destinations;

class ThirdPartyCall {
  public:
    struct Options {
        calls::CallOptions call;         ///< what every call starts with
        std::size_t parties_max = 32;    ///< of a session
        std::string first_from;          ///< who seems to call the first party; empty: the second one
        std::size_t trace_max = 0;       ///< SIP messages of a call that are kept
        std::chrono::seconds slice{60};  ///< of calls that are paid by time: held ahead at once
        std::chrono::milliseconds lag_limit{200};    ///< no new calls when others wait for so long
        std::chrono::milliseconds patience{10'000};  ///< what could not be begun for so long never is
        /// For how long they wait for the network; empty: not at all.
        std::function<std::chrono::milliseconds()> network_lag;
        /// Whether this login's amounts are in minor units; empty: nobody's are.
        std::function<bool(const std::string& login)> counts_minor;
        Destinations destinations{"", "", false};
        calls::DialPlan dial_plan{{}};
        calls::LocalDomain local{};
    };

    /// The references outlive this. `signalling` null: there is no SIP, and no call can be made. `bridge`
    /// null: sessions have two participants at most.
    ThirdPartyCall(Options options, ledger::Ledger& ledger, tasks::Directory& directory, tasks::Nodes& nodes,
                   calls::Signalling* signalling, calls::Bridge* bridge, calls::RecordWriter& records,
                   base::Logger log);

    [[nodiscard]] frontend::Service service();

    /// No new calls from now on; from any thread.
    void stop_accepting() { stopping_ = true; }

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<Identifier> make_call(const frontend::Call& call, MakeCall request);
    Handled<CallInformationResult> get_call_information(const frontend::Call& call, CallReference request);
    Handled<soap::Empty> end_call(const frontend::Call& call, CallReference request);
    Handled<soap::Empty> cancel_call(const frontend::Call& call, CallReference request);
    Handled<Identifier> make_call_session(const frontend::Call& call, MakeCallSession request);
    Handled<soap::Empty> add_participant(const frontend::Call& call, AddParticipant request);
    Handled<soap::Empty> transfer_participant(const frontend::Call& call, TransferParticipant request);
    Handled<ParticipantInformationResult> get_participant(const frontend::Call& call,
                                                          ParticipantReference request);
    Handled<CallSessionResult> get_session(const frontend::Call& call, SessionReference request);
    Handled<soap::Empty> delete_participant(const frontend::Call& call, ParticipantReference request);
    Handled<soap::Empty> end_session(const frontend::Call& call, SessionReference request);

  private:
    struct NamedAddress {
        std::string part;  ///< of the message, for faults
        std::string address;
    };

    struct Launched {
        std::string id;
        std::optional<frontend::Refused> refused;
    };

    Handled<Identifier> start(const frontend::Call& call, std::vector<NamedAddress> parties,
                              std::optional<Charging> charging, tasks::MakeCall parameters);
    boost::asio::awaitable<std::optional<frontend::Refused>> take_address(const frontend::Call& call,
                                                                          NamedAddress& party);
    boost::asio::awaitable<ledger::Result<bool>> may_call(const frontend::Call& call, std::string address);
    using Time = std::chrono::steady_clock::time_point;
    boost::asio::awaitable<Launched> launch(const frontend::Call& call, tasks::MakeCall parameters,
                                            Time asked);
    boost::asio::awaitable<std::optional<frontend::Refused>> admit_party(const frontend::Call& call,
                                                                         Time asked);
    using Count = std::optional<tasks::Limit> (tasks::Directory::*)(const std::string&, tasks::OwnerLimits);
    std::optional<frontend::Refused> over_limit(const frontend::Call& call, Time asked, Count count);
    boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> payer(const frontend::Call& call,
                                                                     const std::string& calling_party);
    using Settlement = std::function<void(tasks::Settlement how, std::function<void(calls::Settled)> done)>;
    using Extension = std::function<void(std::function<void(std::chrono::seconds)> granted)>;
    Extension extension(const std::shared_ptr<CallCharge>& charge);
    Settlement settlement(const std::shared_ptr<const CallCharge>& charge);
    /// Puts events into the inbox of a task, wherever it runs.
    boost::asio::awaitable<tasks::Answer> put(const frontend::Call& call, std::string id,
                                              std::vector<tasks::TaskEvent> events);
    /// The same; what became of it, in the message's terms. `part`: with the task's identifier.
    boost::asio::awaitable<std::optional<frontend::Refused>> tell(const frontend::Call& call, std::string id,
                                                                  std::string part,
                                                                  std::vector<tasks::TaskEvent> events);
    Handled<soap::Empty> tell_one(const frontend::Call& call, std::string id, std::string part,
                                  std::string event, std::string parameter = {});
    boost::asio::awaitable<tasks::Answer> read(const frontend::Call& call, std::string id);

    Options options_;
    ledger::Ledger& ledger_;
    tasks::Directory& directory_;
    tasks::Nodes& nodes_;
    calls::Signalling* signalling_;
    calls::Bridge* bridge_;
    calls::RecordWriter& records_;
    base::Logger log_;
    std::atomic<bool> stopping_ = false;
};

}  // namespace thirdpartycall
