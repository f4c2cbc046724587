// Makes telephony's parts and takes them down in order.
#include "app/telephony.hpp"

#include "app/telephony_options.hpp"
#include "base/ids.hpp"
#include "base/sql.hpp"
#include "frontend/auth/directory.hpp"
#include "telephony/applications/soap_applications.hpp"
#include "telephony/applications/storage.hpp"
#include "telephony/callhandling/call_handling.hpp"
#include "telephony/callnotification/managers.hpp"
#include "telephony/calls/door.hpp"
#include "telephony/calls/inbound_calls.hpp"
#include "telephony/calls/located_signalling.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/calls/registrar.hpp"
#include "telephony/calls/waiting_signals.hpp"
#include "telephony/media/audio_bridge.hpp"
#include "telephony/rules/cache.hpp"
#include "telephony/sip/agent.hpp"
#include "telephony/tasks/directory.hpp"
#include "telephony/tasks/nodes.hpp"
#include "telephony/tasks/outside_calls.hpp"
#include "telephony/thirdpartycall/recovery.hpp"
#include "telephony/thirdpartycall/third_party_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace app {
namespace asio = boost::asio;
namespace {

using Clock = std::chrono::steady_clock;

/// Messages of calls that wait for something to happen.
constexpr std::size_t signals_waiting_max = 256;

/// Whose calls run.
struct CallUsers {
    std::vector<std::string> logins;  ///< who made them
    std::multimap<std::string, std::string>
        addresses{};  ///< who is in them: as the ledger and as a call spells it
};

CallUsers disabled(base::sql::Session& session, const CallUsers& users) {
    CallUsers result;
    for (const auto& text : users.logins) {
        const auto login = auth::parse_login(text, {});
        const auto stored = login ? auth::find_principal(session, *login) : std::nullopt;
        if (!stored || !stored->enabled) result.logins.push_back(text);
    }
    base::sql::ArrayText addresses;
    for (const auto& [reading, address] : users.addresses) addresses.add(reading);
    const auto rows = session.exec("select auth.disabled_addresses($1)", base::sql::Params().add(addresses));
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto [first, last] = users.addresses.equal_range(std::string(rows.text(row, 0)));
        result.addresses.insert(first, last);
    }
    return result;
}

}  // namespace

struct Telephony::Parts {
    base::Logger log;
    base::Database* database = nullptr;
    std::chrono::milliseconds stop_grace;
    std::size_t parties_max = 2;  ///< of one call
    calls::LocalDomain local;
    std::string sip_trouble;
    asio::io_context context{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard{
        asio::make_work_guard(context)};
    calls::WaitingSignals signals{signals_waiting_max};
    std::optional<sip::Agent> agent;
    std::optional<media::AudioBridge> bridge;
    std::optional<applications::Storage> notifications;
    std::optional<applications::SoapApplications> applications;
    std::optional<callnotification::Managers> managers;
    std::optional<calls::RecordWriter> records;
    std::optional<rules::RuleCache> rules;
    std::optional<calls::FlowRoutes> flows;
    std::optional<calls::Locations> locations;
    std::optional<calls::LocatedSignalling> located;
    std::optional<calls::Door> door;
    std::optional<calls::Registrar> registrar;
    std::optional<calls::InboundCalls> inbound;
    std::optional<tasks::Directory> directory;
    std::optional<frontend::NodeLink> link;
    std::optional<tasks::Nodes> nodes;
    std::optional<thirdpartycall::ThirdPartyCall> third_party_call;
    std::optional<callhandling::CallHandling> call_handling;
    std::optional<thirdpartycall::Recovery> recovery;
    std::thread thread;
    std::promise<void> ran;
    std::map<std::string, std::int64_t> orders;  ///< to end calls: the last one of each login

    void run();
    void end_calls_of(const std::string& login);
    asio::awaitable<void> end_calls_as_ordered(std::string login);
    asio::awaitable<void> end_calls_of_disabled();
    /// What happens to calls, whoever has them. What was said before is in their traces by then.
    void deliver(calls::CallNo call, calls::Event event) {
        if (signals.any()) asio::post(context, [this] { hand_over_signals(); });
        if (call >= calls::first_incoming_call)
            inbound->on_call(call, std::move(event));
        else if (call >= calls::first_search)
            located->on_search(call, std::move(event));
        else
            directory->on_call(call, std::move(event));
    }
    void deliver(calls::CallNo call, calls::Signal signal) {
        if (signals.add(call, std::move(signal))) asio::post(context, [this] { hand_over_signals(); });
    }
    void hand_over_signals();
    void make_inbound(const Settings& settings, const ListenAddress& listen, const Uses& uses,
                      const std::string& run);
    void make_nodes(const Settings& settings, const calls::Recorder& recorder, const Uses& uses);
    [[nodiscard]] tasks::Answer answer(const tasks::Question& question);
    [[nodiscard]] thirdpartycall::RunningCalls running_calls();
};

/// Whatever one call's handler throws, the others go on.
void Telephony::Parts::run() {
    for (;;) {
        try {
            context.run();
            return;
        } catch (const std::exception& error) {
            log.error("what a call waited for failed", {{"error", error.what()}});
        }
    }
}

/// What is said while a user is looked for becomes the call's own, and comes again.
void Telephony::Parts::hand_over_signals() {
    for (auto batch = signals.take(); !batch.empty(); batch = signals.take()) {
        for (auto& [call, signal] : batch) {
            if (call >= calls::first_incoming_call)
                inbound->on_signal(call, std::move(signal));
            else if (call >= calls::first_search)
                located->on_signal(call, std::move(signal));
            else if (directory)
                directory->on_signal(call, std::move(signal));
        }
    }
}

void Telephony::Parts::end_calls_of(const std::string& login) {
    if (!directory) return;
    const tasks::TaskEvent end{"endCall", {}};
    const auto own = inbound ? inbound->end_calls_of(login) : 0;
    const auto ended = directory->tell_all(login, end) + own;
    if (ended > 0) log.info("ending a user's calls", {{"user", login}, {"calls", ended}});
}

/// Whoever may read the database may notify, so what counts is an operator's act in the trail, once.
asio::awaitable<void> Telephony::Parts::end_calls_as_ordered(std::string login) {
    const auto look = [login](base::sql::Session& session) {
        return session
            .exec(
                "select coalesce(max(event_no), 0) from finance.trail where act = $1 and subject = $2"
                " and recorded_at > clock_timestamp() - interval '1 minute'",
                base::sql::params(end_calls_act, login))
            .integer(0, 0);
    };
    try {
        const auto order = co_await database->run(look);
        const auto last = orders.find(login);
        if (order > (last == orders.end() ? 0 : last->second)) {
            orders[login] = order;
            end_calls_of(login);
        } else {
            log.warning("asked to end a user's calls, but no operator did that", {{"user", login}});
        }
    } catch (const std::runtime_error& error) {
        log.warning("it is unknown whether calls are to end", {{"error", error.what()}});
    }
}

/// Those that they made, and those to them.
asio::awaitable<void> Telephony::Parts::end_calls_of_disabled() {
    if (!directory) co_return;
    CallUsers users;
    users.logins = directory->owners();
    auto addresses = directory->parties();
    if (inbound) {
        std::ranges::move(inbound->callers(), std::back_inserter(users.logins));
        addresses.merge(inbound->called());
    }
    for (const auto& address : addresses) {
        for (auto& reading : local.readings(address)) users.addresses.emplace(std::move(reading), address);
    }
    const auto look = [users = std::move(users)](base::sql::Session& session) {
        return disabled(session, users);
    };
    try {
        const auto disabled = co_await database->run(look);
        for (const auto& login : disabled.logins) end_calls_of(login);
        if (disabled.addresses.empty()) co_return;
        std::set<std::string> called;
        for (const auto& [reading, address] : disabled.addresses) called.insert(address);
        log.info("ending calls to users who are disabled", {{"addresses", called.size()}});
        directory->drop_parties(called);
        if (inbound) inbound->end_calls_to(called);
    } catch (const std::runtime_error& error) {
        log.warning("it is unknown whose calls are to end", {{"error", error.what()}});
    }
}

/// Calls from outside, and users at their telephones.
void Telephony::Parts::make_inbound(const Settings& settings, const ListenAddress& listen, const Uses& uses,
                                    const std::string& run) {
    local = local_domain(settings, listen);
    calls::LocatedSignalling::Options ways;
    ways.local = local;
    ways.gateway = !settings.sip.gateway.empty();
    ways.no_answer = settings.call.no_answer;
    located.emplace(
        std::move(ways), uses.ledger, *locations, *agent,
        [this](calls::CallNo call, calls::Event event) { deliver(call, std::move(event)); },
        [this](calls::CallNo call, calls::Signal signal) { deliver(call, std::move(signal)); },
        context.get_executor());
    door.emplace(door_options(settings.sip), uses.secrets);
    registrar.emplace(registrar_options(settings, local), *door, uses.ledger, *locations, *agent, log);
    calls::InboundCalls::Uses parts{uses.ledger,
                                    *door,
                                    *registrar,
                                    *locations,
                                    *rules,
                                    &*applications,
                                    *flows,
                                    *located,
                                    *agent,
                                    *records,
                                    bridge ? &*bridge : nullptr};
    inbound.emplace(inbound_options(settings, local, listen.address, run), parts, context.get_executor(),
                    log);
    agent->receive(&*inbound);
}

/// Of this node's own calls.
tasks::Answer Telephony::Parts::answer(const tasks::Question& question) {
    if (!directory) return {};
    hand_over_signals();
    auto answer = directory->answer(question);
    if (answer.state == tasks::Answer::State::known || !inbound) return answer;
    return tasks::answer(*inbound, parties_max, bridge ? &*bridge : nullptr, question);
}

/// Of both kinds. The directory goes first when the server stops.
thirdpartycall::RunningCalls Telephony::Parts::running_calls() {
    thirdpartycall::RunningCalls running;
    running.list = [this] {
        auto ids = directory ? directory->running_tasks() : std::vector<std::string>();
        if (inbound) std::ranges::move(inbound->running_calls(), std::back_inserter(ids));
        return ids;
    };
    running.taken = [this](const std::string& id) {
        auto* task = directory ? directory->find(id) : nullptr;
        if (task != nullptr) task->on({"callTaken", {}});
        if (inbound) inbound->taken(id);
    };
    return running;
}

void Telephony::Parts::make_nodes(const Settings& settings, const calls::Recorder& recorder,
                                  const Uses& uses) {
    const auto told = [this](std::string question) { return nodes->answer(std::move(question)); };
    link.emplace(link_options(settings, recorder), uses.box, told, log);
    tasks::Nodes::Options options;
    options.run = recorder.run();
    options.linger = settings.call.linger;
    const auto here = [this](const tasks::Question& question) { return answer(question); };
    nodes.emplace(std::move(options), *link, *database, here, context.get_executor(), log);
}

Telephony::Telephony(const Settings& settings, const Uses& uses, const base::Logger& whole_log)
    : parts_(std::make_unique<Parts>()) {
    const auto log = whole_log.with({{"part", "calls"}});
    auto& parts = *parts_;
    auto& [ledger, database, secrets, client, box] = uses;
    parts.log = log;
    parts.database = &database;
    parts.stop_grace = settings.call.stop_grace;
    if (!settings.media.bridge.empty()) parts.parties_max = to_size(settings.call.participants_limit);
    const auto recorder = recorder_of(settings.sip);
    parts.records.emplace(recorder, database, parts.context.get_executor(), log,
                          to_size(settings.call.records_limit));
    parts.make_nodes(settings, recorder, uses);
    parts.directory.emplace(directory_options(settings.call, recorder.run()), parts.context.get_executor(),
                            log);
    parts.notifications.emplace(database);
    const auto heard = [&parts](const std::string& session, const std::string& login) {
        if (parts.inbound) parts.inbound->heard(session, login);
    };
    parts.applications.emplace(application_options(settings), *parts.notifications, client, heard,
                               parts.context.get_executor(), log);
    parts.managers.emplace(manager_options(settings.notifications, client), ledger, *parts.notifications,
                           log);
    parts.rules.emplace(database, parts.context.get_executor(), to_size(settings.call.rule_cache), log);
    parts.flows.emplace(box);
    parts.locations.emplace(recorder, *parts.flows, database, parts.context.get_executor(),
                            to_size(settings.sip.location_cache), log);
    const auto listen = parse_listen_address(settings.sip.listen);
    if (listen) {
        sip::AgentOptions options;
        options.address = listen->address;
        options.port = listen->port;
        options.advertise = settings.sip.advertise;
        options.gateway = settings.sip.gateway;
        options.proxy = settings.sip.outbound_proxy;
        options.credentials = credentials(settings.sip);
        options.assert_identity = settings.sip.assert_identity;
        options.session_expires = std::chrono::ceil<std::chrono::seconds>(settings.sip.session_expires);
        options.session_least = std::chrono::ceil<std::chrono::seconds>(settings.sip.session_least);
        options.liveness = settings.sip.liveness;
        options.streams = stream_limits(settings.sip);
        options.requests_max = to_size(settings.sip.requests_limit);
        options.t1 = settings.sip.t1;
        options.lag_limit = settings.call.lag_limit;
        const auto sink = [&parts](calls::CallNo call, calls::Event event) {
            parts.deliver(call, std::move(event));
        };
        if (!settings.media.bridge.empty()) {
            parts.bridge.emplace(bridge_options(settings.media), parts.context.get_executor(), sink,
                                 whole_log.with({{"part", "bridge"}}));
            parts.bridge->start();
        }
        const bool tone = parts.bridge && !settings.media.ringing.empty();
        if (settings.call.ringback == "bridge" && !tone)
            log.warning("nobody hears a ringing tone: there is no bridge, or no file for it",
                        {{"call.ringback", "bridge"}});
        const calls::SignalSink trace = [&parts](calls::CallNo call, calls::Signal signal) {
            parts.deliver(call, std::move(signal));
        };
        try {
            parts.agent.emplace(std::move(options), sink,
                                settings.call.trace_messages > 0 ? trace : calls::SignalSink(), log);
        } catch (const std::runtime_error& error) {
            log.error("no calls can be made", {{"error", error.what()}});
            parts.sip_trouble = error.what();
        }
    }
    if (parts.agent) parts.make_inbound(settings, *listen, uses, recorder.run());
    auto service = service_options(settings, listen ? listen->address : "");
    auto handling = handling_options(settings);
    if (listen) service.local = handling.local = local_domain(settings, *listen);
    if (parts.agent) service.network_lag = [&agent = *parts.agent] { return agent.lag(); };
    parts.third_party_call.emplace(std::move(service), ledger, *parts.directory, *parts.nodes,
                                   parts.located ? &*parts.located : nullptr,
                                   parts.bridge ? &*parts.bridge : nullptr, *parts.records, log);
    parts.call_handling.emplace(std::move(handling), ledger, database, *parts.rules);
    // SIP's port is ours alone: whoever had calls here before is gone.
    if (parts.agent) {
        thirdpartycall::RecoveryOptions recovery;
        recovery.heartbeat = settings.call.heartbeat;
        recovery.patience = settings.call.heartbeat_patience;
        parts.recovery.emplace(recorder, recovery, parts.running_calls(), database, ledger, *parts.agent,
                               parts.context.get_executor(), log);
    }
    parts.thread = std::thread([&parts] {
        parts.run();
        parts.ran.set_value();
    });
}

Telephony::~Telephony() { stop(); }

std::vector<frontend::Service> Telephony::services() {
    auto services = parts_->managers->services();
    services.push_back(parts_->third_party_call->service());
    services.push_back(parts_->call_handling->service());
    return services;
}

void Telephony::forget_notifications() {
    asio::post(parts_->context, [this] { parts_->applications->forget_all(); });
}

void Telephony::append_metrics(std::string& text) const { parts_->applications->append_metrics(text); }

asio::awaitable<frontend::TraceAnswer> Telephony::trace(frontend::TraceQuestion question) {
    tasks::Question asked;
    asked.what = tasks::Question::What::trace;
    asked.reader = calls::Reader::of(*question.principal);
    asked.id = std::move(question.call);
    auto answer = co_await parts_->nodes->ask(std::move(asked));
    frontend::TraceAnswer trace;
    if (answer.state == tasks::Answer::State::unknown)
        trace.status = 404;
    else if (answer.state != tasks::Answer::State::known)
        trace.status = 503;
    trace.text = std::move(answer.trace);
    co_return trace;
}

frontend::NodeLink& Telephony::node_link() { return *parts_->link; }

void Telephony::join_nodes(const Settings& settings, std::uint16_t http_port) {
    if (parts_->recovery) parts_->recovery->start(node_url(settings, http_port));
}

void Telephony::stop_accepting() {
    parts_->third_party_call->stop_accepting();
    if (parts_->inbound) parts_->inbound->stop_accepting();
}

std::vector<std::string> Telephony::channels() {
    return {std::string(rules::changed_channel), std::string(calls::bindings_channel),
            std::string(applications::Storage::stopped_channel)};
}

void Telephony::notified(const std::string& channel, const std::string& payload) {
    if (channel == rules::changed_channel) parts_->rules->forget(payload);
    if (channel == calls::bindings_channel) parts_->locations->forget(payload);
    if (channel == applications::Storage::stopped_channel)
        asio::post(parts_->context, [this, payload] { parts_->applications->forget(payload); });
}

void Telephony::forget_all() {
    parts_->rules->forget_all();
    parts_->locations->forget({});
    forget_notifications();
}

void Telephony::end_calls_of(std::string login) {
    asio::co_spawn(parts_->context, parts_->end_calls_as_ordered(std::move(login)), asio::detached);
}

void Telephony::users_changed() {
    parts_->locations->forget({});
    asio::co_spawn(parts_->context, parts_->end_calls_of_disabled(), asio::detached);
}

void Telephony::end_calls() {
    auto& parts = *parts_;
    stop_accepting();
    std::promise<std::size_t> told;
    asio::post(parts.context, [&] {
        const tasks::TaskEvent end{"endCall", {}};
        const auto inbound = parts.inbound ? parts.inbound->end_all() : 0;
        told.set_value(parts.directory->tell_all("", end) + inbound);
    });
    const auto ended = told.get_future().get();
    if (ended == 0 || !parts.agent) return;
    parts.log.info("ending calls", {{"calls", ended}});
    if (!parts.agent->wait_until_over(Clock::now() + parts.stop_grace))
        parts.log.warning("calls are left without their end", {{"legs", parts.agent->legs()}});
}

void Telephony::stop() {
    auto& parts = *parts_;
    if (!parts.thread.joinable()) return;
    if (parts.agent) parts.agent->close();
    // Tasks and their timers go on their own thread; what is still to be posted keeps it running.
    asio::post(parts.context, [&parts] {
        parts.directory.reset();
        if (parts.recovery) parts.recovery->stop();
        if (parts.inbound) parts.inbound->clear();
        if (parts.located) parts.located->clear();
        if (parts.bridge) parts.bridge->close();
        parts.applications->stop();
        parts.records->stop();
    });
    parts.guard.reset();
    if (parts.ran.get_future().wait_for(parts.stop_grace) == std::future_status::timeout) {
        parts.log.error("charges of calls are left to their holds' end: the ledger does not answer");
        parts.context.stop();
    }
    parts.thread.join();
    if (parts.recovery) parts.recovery->leave();
    parts.link.reset();  // its connections belong to the threads of HTTP
}

const std::string& Telephony::sip_trouble() const { return parts_->sip_trouble; }

EmbeddedJanus::Seen Telephony::bridge() const {
    if (!parts_->bridge) return {};
    const auto& bridge = *parts_->bridge;
    return {bridge.hangs(), bridge.rooms(), bridge.participants()};
}

std::size_t Telephony::mixed() const { return bridge().mixed; }

std::size_t Telephony::legs() const { return parts_->agent ? parts_->agent->legs() : 0; }

}  // namespace app
