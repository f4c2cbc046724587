// The operations, each in the terms of its version.
#include "telephony/thirdpartycall/third_party_call.hpp"

#include "telephony/calls/called_account.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace thirdpartycall {
namespace {

using frontend::Answer;
using frontend::Call;
using frontend::Refused;
using soap::Fault;
constexpr auto known = tasks::Answer::State::known;

Refused refused(Fault fault) { return {std::move(fault), false}; }
Refused invalid(const std::string& part) { return refused(Fault::service("SVC0002", {part})); }

Refused told_for(ledger::Refusal refusal) {
    using enum ledger::Refusal;
    switch (refusal) {
        case overloaded:
            return frontend::try_again(frontend::Code::overloaded);
        case unavailable:
            return frontend::try_again(frontend::Code::database_unavailable);
        case internal:
            return refused(frontend::fault(frontend::Code::internal));
        case over_limit:
            return refused(frontend::fault(frontend::Code::over_limit));
        case insufficient_funds:
        case account_suspended:
            return refused(Fault::service("SVC0270"));
        case unknown_account:
        case account_closed:
        case stale_address:
        case refund_not_linked:
            return refused(Fault::policy("POL0008"));
        default:
            return refused(Fault::service("SVC0007"));
    }
}

/// Why the ledger did not hold a call's amount, or did not say whose an address is.
Refused refused_by_ledger(ledger::Refusal refusal) {
    auto answer = told_for(refusal);
    answer.cause = ledger::to_string(refusal);
    return answer;
}

/// What a task made of an event. `part`: the message part with its identifier.
std::optional<Refused> refused_outcome(tasks::Outcome outcome, const std::string& part) {
    using enum tasks::Outcome;
    switch (outcome) {
        case done:
            return std::nullopt;
        case already_connected:
            return refused(Fault::service("SVC0260"));
        case already_terminated:
            return refused(Fault::service("SVC0261"));
        case unknown_peer:
        case present_peer:
            return invalid("callParticipant");
        case too_many_peers:
            return refused(frontend::fault(frontend::Code::over_limit));
        case unknown_target:
            return invalid("destinationCallSessionIdentifier");
        case not_connected:
            return invalid(part);
        case no_bridge:
            return frontend::try_again(frontend::Code::bridge_unavailable);
        case unknown_event:
            break;
    }
    return refused(frontend::fault(frontend::Code::internal));
}

/// An enumerator by the literal that the status dictionary has.
template <class E>
std::optional<E> enumerator(const std::string* literal) {
    if (literal == nullptr) return std::nullopt;
    const auto& literals = soap::Describe<E>::literals;
    const auto found = std::ranges::find(literals, *literal);
    if (found == std::end(literals)) return std::nullopt;
    return static_cast<E>(found - std::begin(literals));
}

std::optional<soap::TimePoint> time_of(const tasks::Dictionary& status, std::string_view name) {
    const auto* time = status.find<tasks::Dictionary::Time>(name);
    return time != nullptr ? std::optional(*time) : std::nullopt;
}

std::optional<std::int32_t> seconds_of(const tasks::Dictionary& status, std::string_view name) {
    const auto* seconds = status.find<std::int64_t>(name);
    return seconds != nullptr ? std::optional(static_cast<std::int32_t>(*seconds)) : std::nullopt;
}

ParticipantInformation participant_of(const tasks::Dictionary& status) {
    ParticipantInformation result;
    result.participant = *status.find<std::string>("address");
    result.status = enumerator<ParticipantStatus>(status.find<std::string>("status")).value_or(result.status);
    result.start_time = time_of(status, "startTime");
    result.duration = seconds_of(status, "duration");
    result.cause = enumerator<ParticipantCause>(status.find<std::string>("terminationCause"));
    if (const auto* media = status.find<std::vector<tasks::Dictionary>>("mediaInfo")) {
        for (const auto& each : *media) {
            MediaInfo info;
            info.media = enumerator<Media>(each.find<std::string>("media")).value_or(info.media);
            info.direction =
                enumerator<MediaDirection>(each.find<std::string>("mediaDirection")).value_or(info.direction);
            result.media.push_back(info);
        }
    }
    return result;
}

const std::vector<tasks::Dictionary>& participants_of(const tasks::Dictionary& status) {
    static const std::vector<tasks::Dictionary> none;
    const auto* list = status.find<std::vector<tasks::Dictionary>>("participants");
    return list != nullptr ? *list : none;
}

std::optional<Refused> unsupported(const std::vector<MediaInfo>& media) {
    const auto audio = [](const MediaInfo& info) { return info.media == Media::audio; };
    if (std::ranges::all_of(media, audio)) return std::nullopt;
    return refused(Fault::policy("POL0011"));
}

/// Whether the caller may ask for calls and change them, its own ones or those that it hears of.
bool may_ask(const Call& call) {
    return call.principal->ever_allows(call.permission) ||
           call.principal->kind() == auth::Kind::administrator;
}

/// Why there is no status, if there is none. `part`: the message part with the identifier.
std::optional<Refused> refused_answer(const Call& call, const tasks::Answer& answer,
                                      const std::string& part) {
    switch (answer.state) {
        case known:
            if (may_ask(call)) return std::nullopt;
            return refused(frontend::fault(frontend::Code::not_allowed));
        case tasks::Answer::State::node_unavailable:
            return frontend::try_again(frontend::Code::node_unavailable);
        case tasks::Answer::State::database_unavailable:
            return frontend::try_again(frontend::Code::database_unavailable);
        case tasks::Answer::State::unknown:
            break;
    }
    return invalid(part);
}

/// v2_0 demands the element of everybody, and all of its members: an amount of zero is none, and without an
/// amount and a code nothing is to be paid.
void take_demanded(std::optional<Charging>& charging) {
    if (!charging) return;
    if (charging->amount == base::Decimal{}) charging->amount.reset();
    if (!charging->amount && charging->code.value_or("").empty()) charging.reset();
}

/// What a participant may have: audio, in the directions that are named. Nothing: what the phones agree on.
std::optional<calls::sdp::AudioOnly> audio_of(const std::vector<MediaInfo>& media) {
    if (media.empty()) return std::nullopt;
    const auto any_but = [&](MediaDirection direction) {
        return std::ranges::any_of(media, [&](const MediaInfo& info) { return info.direction != direction; });
    };
    return calls::sdp::AudioOnly{any_but(MediaDirection::in), any_but(MediaDirection::out)};
}

}  // namespace

ThirdPartyCall::ThirdPartyCall(Options options, ledger::Ledger& ledger, tasks::Directory& directory,
                               tasks::Nodes& nodes, calls::Signalling* signalling, calls::Bridge* bridge,
                               calls::RecordWriter& records, base::Logger log)
    : options_(std::move(options)),
      ledger_(ledger),
      directory_(directory),
      nodes_(nodes),
      signalling_(signalling),
      bridge_(bridge),
      records_(records),
      log_(std::move(log)) {}

frontend::Service ThirdPartyCall::service() {
    using T = ThirdPartyCall;
    constexpr auto permission = auth::Permission::call_make;
    frontend::Service service(third_party_call);
    service.serve<&T::make_call>(*this, "makeCall", permission)
        .serve<&T::get_call_information>(*this, "getCallInformation", permission)
        .serve<&T::end_call>(*this, "endCall", permission)
        .serve<&T::cancel_call>(*this, "cancelCallRequest", permission)
        .serve<&T::make_call_session>(*this, "makeCallSession", permission)
        .serve<&T::add_participant>(*this, "addCallParticipant", permission)
        .serve<&T::transfer_participant>(*this, "transferCallParticipant", permission)
        .serve<&T::get_participant>(*this, "getCallParticipantInformation", permission)
        .serve<&T::get_session>(*this, "getCallSessionInformation", permission)
        .serve<&T::delete_participant>(*this, "deleteCallParticipant", permission)
        .serve<&T::end_session>(*this, "endCallSession", permission);
    return service;
}

/// Puts the address into normal form. A fault: it can't be called, or not by this principal.
boost::asio::awaitable<std::optional<Refused>> ThirdPartyCall::take_address(const Call& call,
                                                                            NamedAddress& party) {
    auto address = options_.dial_plan.callable(party.address);
    if (!address) co_return refused(Fault::service("SVC0004", {party.part}));
    party.address = std::move(*address);
    const auto may = co_await may_call(call, party.address);
    if (!may) co_return refused_by_ledger(may.error());
    if (!*may) co_return refused(frontend::fault(frontend::Code::not_allowed));
    co_return std::nullopt;
}

/// What the lists deny goes first, however it is spelled. What they allow, and the own addresses, need no
/// more; an account needs rights in its domain. Nobody's address is as one without them: a stranger learns
/// nothing.
boost::asio::awaitable<ledger::Result<bool>> ThirdPartyCall::may_call(const Call& call, std::string address) {
    const auto& principal = *call.principal;
    const auto& limits = principal.limits().calls;
    const auto kind = options_.dial_plan.kind_of(address);
    const auto denied = [&](const std::string& each) {
        return options_.destinations.denied(each) || calls::starts_with_any(each, limits.deny);
    };
    const bool barred = kind == calls::DialPlan::Kind::barred || denied(address);
    if (barred || !principal.ever_allows(call.permission)) co_return false;
    auto called = co_await calls::called_account(ledger_, options_.local, address);
    if (called.unknown_why) co_return *called.unknown_why;
    if (denied(called.address)) co_return false;
    const bool outside = options_.destinations.allowed(called.address, limits.allow, limits.deny);
    if (outside || kind == calls::DialPlan::Kind::routed || principal.owns(called.address)) co_return true;
    if (!called.account) {
        // At an address of the network that is none of ours, but somebody's by name.
        const auto named = co_await ledger_.find(std::move(address));
        if (!named && named.error() != ledger::Refusal::unknown_account) co_return named.error();
        if (!named) co_return false;
        called.account = *named;
    }
    const auto& domain = called.account->domain;
    const bool own = auth::reach_of(principal.kind(), call.permission) == auth::Reach::own;
    co_return own ? domain == principal.domain() : principal.allows(call.permission, domain);
}

/// A subscriber pays from the own account; for an application that may, the calling party does.
boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> ThirdPartyCall::payer(
    const Call& call, const std::string& calling_party) {
    const auto& principal = *call.principal;
    if (principal.kind() == auth::Kind::subscriber) {
        if (principal.addresses().empty()) co_return ledger::Refusal::unknown_account;
        co_return co_await ledger_.find(principal.addresses().front());
    }
    const auto account = co_await ledger_.find(calling_party);
    if (account && !principal.allows(auth::Permission::call_charge, (*account)->domain, calling_party)) {
        co_return ledger::Refusal::unknown_account;
    }
    if (account && !principal.limits().admits_address(calling_party)) co_return ledger::Refusal::over_limit;
    co_return account;
}

ThirdPartyCall::Handled<Identifier> ThirdPartyCall::start(const Call& call, std::vector<NamedAddress> parties,
                                                          std::optional<Charging> charging,
                                                          tasks::MakeCall parameters) {
    if (signalling_ == nullptr) co_return refused(frontend::fault(frontend::Code::not_available));
    if (stopping_) co_return frontend::try_again(frontend::Code::overloaded);
    const auto asked = std::chrono::steady_clock::now();
    for (auto& party : parties) {
        if (auto fault = co_await take_address(call, party)) co_return std::move(*fault);
        if (std::ranges::count(parameters.parties, party.address) > 0) co_return invalid(party.part);
        parameters.parties.push_back(party.address);
    }
    parameters.options.held = charging.has_value();
    parameters.trace_max = options_.trace_max;
    parameters.appearance.towards_first = options_.first_from;
    parameters.record.owner = call.principal->login();
    std::shared_ptr<CallCharge> charge;
    if (charging) {
        const auto account = co_await payer(call, parameters.parties.front());
        if (!account) co_return refused_by_ledger(account.error());
        const bool minor = options_.counts_minor && options_.counts_minor(call.principal->login());
        auto held = co_await calls::hold_charge(ledger_, call.principal->application(), *account,
                                                std::move(*charging), minor, options_.slice);
        if (!held) co_return refused_by_ledger(held.error());
        charge = std::make_shared<CallCharge>(std::move(*held));
        calls::record_charge(parameters.record, *charge);
        parameters.options.granted = std::chrono::seconds(charge->seconds);
        parameters.extend = extension(charge);
    }
    parameters.settle = settlement(charge);
    Launched launched;
    // The database may have kept this waiting for as long as it likes: no telephone is to ring for somebody
    // who has given up, or asked again, since.
    if (std::chrono::steady_clock::now() - asked > options_.patience)
        launched.refused = frontend::try_again(frontend::Code::database_unavailable);
    else
        launched = co_await boost::asio::co_spawn(
            directory_.executor(), launch(call, std::move(parameters), std::chrono::steady_clock::now()),
            boost::asio::use_awaitable);
    if (launched.refused) {
        if (charge) settlement(charge)({}, [](calls::Settled) {});
        co_return std::move(*launched.refused);
    }
    Identifier identifier;
    identifier.result = std::move(launched.id);
    co_return identifier;
}

/// What posts the end of a charge, on the directory's executor.
ThirdPartyCall::Settlement ThirdPartyCall::settlement(const std::shared_ptr<const CallCharge>& charge) {
    return [this, charge](tasks::Settlement how, std::function<void(calls::Settled)> done) {
        calls::start_settling(directory_.executor(), ledger_, log_, charge, how.paid, how.seconds,
                              std::move(done));
    };
}

/// What pays for one slice more, on the directory's executor.
ThirdPartyCall::Extension ThirdPartyCall::extension(const std::shared_ptr<CallCharge>& charge) {
    return [this, charge](std::function<void(std::chrono::seconds)> granted) {
        calls::start_extending(directory_.executor(), ledger_, log_, charge, options_.slice,
                               options_.call.extend_ahead, std::move(granted));
    };
}

/// On the directory's executor, which had other things to do since this was asked. A call that is taken while
/// others wait for long would make all of them fail: their peers repeat what is not answered, and give up.
std::optional<Refused> ThirdPartyCall::over_limit(const Call& call, Time asked, Count count) {
    const bool late = std::chrono::steady_clock::now() - asked > options_.lag_limit;
    const bool full = records_.full();
    if (late || full || (options_.network_lag && options_.network_lag() > options_.lag_limit))
        return frontend::try_again(frontend::Code::overloaded);
    const auto& calls = call.principal->limits().calls;
    const auto limit = (directory_.*count)(call.principal->login(), {calls.at_once, calls.per_second});
    if (!limit) return std::nullopt;
    return *limit == tasks::Limit::owner ? refused(frontend::fault(frontend::Code::over_limit))
                                         : frontend::try_again(frontend::Code::overloaded);
}

boost::asio::awaitable<std::optional<Refused>> ThirdPartyCall::admit_party(const Call& call, Time asked) {
    co_return over_limit(call, asked, &tasks::Directory::rate_limit);
}

boost::asio::awaitable<ThirdPartyCall::Launched> ThirdPartyCall::launch(const Call& call,
                                                                        tasks::MakeCall parameters,
                                                                        Time asked) {
    const auto& principal = *call.principal;
    Launched result;
    result.refused = over_limit(call, asked, &tasks::Directory::limit);
    if (result.refused) co_return result;
    tasks::Owner owner{principal.login(), principal.domain()};
    tasks::Directory::Factory make = [&](const tasks::TaskContext& context) {
        return std::make_unique<tasks::ParlayMakeCall>(context, std::move(parameters), *signalling_, bridge_,
                                                       records_);
    };
    result.id = directory_.start(std::move(owner), make);
    co_return result;
}

boost::asio::awaitable<tasks::Answer> ThirdPartyCall::put(const Call& call, std::string id,
                                                          std::vector<tasks::TaskEvent> events) {
    tasks::Question question;
    question.reader = calls::Reader::of(*call.principal);
    question.id = std::move(id);
    // Who may not put any asks for the status, and hears only whether there is one.
    if (may_ask(call)) {
        question.what = tasks::Question::What::events;
        question.events = std::move(events);
    }
    co_return co_await nodes_.ask(std::move(question));
}

boost::asio::awaitable<std::optional<Refused>> ThirdPartyCall::tell(const Call& call, std::string id,
                                                                    std::string part,
                                                                    std::vector<tasks::TaskEvent> events) {
    const auto answer = co_await put(call, std::move(id), std::move(events));
    if (auto no = refused_answer(call, answer, part)) co_return std::move(*no);
    co_return refused_outcome(answer.outcome, part);
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::tell_one(const Call& call, std::string id,
                                                              std::string part, std::string event,
                                                              std::string parameter) {
    std::vector<tasks::TaskEvent> events{{std::move(event), std::move(parameter)}};
    auto no = co_await tell(call, std::move(id), std::move(part), std::move(events));
    if (no) co_return std::move(*no);
    soap::Empty empty;
    co_return empty;
}

boost::asio::awaitable<tasks::Answer> ThirdPartyCall::read(const Call& call, std::string id) {
    tasks::Question question;
    question.reader = calls::Reader::of(*call.principal);
    question.id = std::move(id);
    co_return co_await nodes_.ask(std::move(question));
}

ThirdPartyCall::Handled<Identifier> ThirdPartyCall::make_call(const Call& call, MakeCall request) {
    std::vector<NamedAddress> parties;
    parties.push_back({"callingParty", std::move(request.calling_party)});
    parties.push_back({"calledParty", std::move(request.called_party)});
    tasks::MakeCall parameters;
    parameters.options = options_.call;
    if (call.version->number == soap::VersionNumber{2, 0}) take_demanded(request.charging);
    co_return co_await start(call, std::move(parties), std::move(request.charging), std::move(parameters));
}

ThirdPartyCall::Handled<CallInformationResult> ThirdPartyCall::get_call_information(const Call& call,
                                                                                    CallReference request) {
    const auto answer = co_await read(call, std::move(request.call_identifier));
    if (auto no = refused_answer(call, answer, "callIdentifier")) co_return std::move(*no);
    const auto& status = answer.status;
    CallInformationResult result;
    auto& information = result.result;
    information.status =
        enumerator<CallStatus>(status.find<std::string>("callStatus")).value_or(information.status);
    information.start_time = time_of(status, "startTime");
    information.duration = seconds_of(status, "duration");
    information.cause = enumerator<CallCause>(status.find<std::string>("terminationCause"));
    if (call.version->number == soap::VersionNumber{2, 0}) {
        // There both are mandatory.
        if (!information.start_time) information.start_time = time_of(status, "createdTime");
        if (!information.duration) information.duration = 0;
    }
    co_return result;
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::end_call(const Call& call, CallReference request) {
    return tell_one(call, std::move(request.call_identifier), "callIdentifier", "endCall");
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::cancel_call(const Call& call, CallReference request) {
    return tell_one(call, std::move(request.call_identifier), "callIdentifier", "cancelCall");
}

ThirdPartyCall::Handled<Identifier> ThirdPartyCall::make_call_session(const Call& call,
                                                                      MakeCallSession request) {
    if (auto no = unsupported(request.media)) co_return std::move(*no);
    std::vector<NamedAddress> parties;
    for (auto& address : request.participants) parties.push_back({"callParticipants", std::move(address)});
    tasks::MakeCall parameters;
    parameters.options = options_.call;
    parameters.options.fixed_media = request.media_fixed;
    parameters.options.audio = audio_of(request.media);
    if (bridge_ != nullptr) parameters.parties_max = options_.parties_max;
    parameters.appearance.name = request.calling_name.value_or("");
    co_return co_await start(call, std::move(parties), std::move(request.charging), std::move(parameters));
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::add_participant(const Call& call,
                                                                     AddParticipant request) {
    const auto answer = co_await read(call, request.session);
    if (auto no = refused_answer(call, answer, "callSessionIdentifier")) co_return std::move(*no);
    if (auto no = unsupported(request.media)) co_return std::move(*no);
    NamedAddress party{"callParticipant", std::move(request.participant)};
    if (auto no = co_await take_address(call, party)) co_return std::move(*no);
    auto no = co_await boost::asio::co_spawn(directory_.executor(),
                                             admit_party(call, std::chrono::steady_clock::now()),
                                             boost::asio::use_awaitable);
    if (no) co_return std::move(*no);
    std::vector<tasks::TaskEvent> events;
    if (const auto audio = audio_of(request.media)) {
        const auto* const one_way = audio->sends ? "Out" : "In";
        events.push_back({"callPeerMedia", audio->sends && audio->receives ? "InOut" : one_way});
    }
    events.push_back({"addCallPeer", std::move(party.address)});
    no = co_await tell(call, std::move(request.session), "callSessionIdentifier", std::move(events));
    if (no) co_return std::move(*no);
    soap::Empty empty;
    co_return empty;
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::transfer_participant(const Call& call,
                                                                          TransferParticipant request) {
    constexpr auto source_part = "sourceCallSessionIdentifier";
    constexpr auto destination_part = "destinationCallSessionIdentifier";
    const auto source = co_await read(call, request.source);
    if (auto no = refused_answer(call, source, source_part)) co_return std::move(*no);
    const auto destination = co_await read(call, request.destination);
    if (auto no = refused_answer(call, destination, destination_part)) co_return std::move(*no);
    const auto address = options_.dial_plan.callable(request.participant).value_or("");
    if (calls::run_of(request.source) == calls::run_of(request.destination)) {
        // One unit for the source's task: the participant is here, or there.
        std::vector<tasks::TaskEvent> events{{"transferTarget", request.destination},
                                             {"transferCallPeer", address}};
        const auto answer = co_await put(call, request.source, std::move(events));
        if (auto no = refused_answer(call, answer, source_part)) co_return std::move(*no);
        if (answer.outcome != tasks::Outcome::unknown_target) {
            if (auto no = refused_outcome(answer.outcome, source_part)) co_return std::move(*no);
            soap::Empty empty;
            co_return empty;
        }
    }
    // A dialog stays with its node, and in a call that came from outside. The participant is hung up first,
    // so that its telephone is free for the other one's call.
    NamedAddress party{"callParticipant", address};
    if (auto fault = co_await take_address(call, party)) co_return std::move(*fault);
    auto no = co_await tell_one(call, request.destination, destination_part, "admitsCallPeer", address);
    if (no.refused() != nullptr) co_return no;
    no = co_await tell_one(call, std::move(request.source), source_part, "delCallPeer", address);
    if (no.refused() != nullptr) co_return no;
    co_return co_await tell_one(call, std::move(request.destination), destination_part, "addCallPeer",
                                address);
}

ThirdPartyCall::Handled<ParticipantInformationResult> ThirdPartyCall::get_participant(
    const Call& call, ParticipantReference request) {
    const auto answer = co_await read(call, std::move(request.session));
    if (auto no = refused_answer(call, answer, "callSessionIdentifier")) co_return std::move(*no);
    const auto address = options_.dial_plan.callable(request.participant);
    for (const auto& party : participants_of(answer.status)) {
        if (address && *party.find<std::string>("address") == *address) {
            ParticipantInformationResult result;
            result.result = participant_of(party);
            co_return result;
        }
    }
    co_return invalid("callParticipant");
}

ThirdPartyCall::Handled<CallSessionResult> ThirdPartyCall::get_session(const Call& call,
                                                                       SessionReference request) {
    const auto answer = co_await read(call, request.session);
    if (auto no = refused_answer(call, answer, "callSessionIdentifier")) co_return std::move(*no);
    CallSessionResult result;
    result.result.session = std::move(request.session);
    for (const auto& party : participants_of(answer.status)) {
        result.result.participants.push_back(participant_of(party));
    }
    co_return result;
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::delete_participant(const Call& call,
                                                                        ParticipantReference request) {
    return tell_one(call, std::move(request.session), "callSessionIdentifier", "delCallPeer",
                    options_.dial_plan.callable(request.participant).value_or(""));
}

ThirdPartyCall::Handled<soap::Empty> ThirdPartyCall::end_session(const Call& call, SessionReference request) {
    return tell_one(call, std::move(request.session), "callSessionIdentifier", "endCall");
}

}  // namespace thirdpartycall
