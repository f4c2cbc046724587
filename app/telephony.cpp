// Makes telephony's parts and takes them down in order.
#include "app/telephony.hpp"

#include "app/data_dir.hpp"
#include "base/ids.hpp"
#include "base/sql.hpp"
#include "frontend/auth/directory.hpp"
#include "telephony/applications/soap_applications.hpp"
#include "telephony/applications/storage.hpp"
#include "telephony/callnotification/managers.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/media/audio_bridge.hpp"
#include "telephony/sip/agent.hpp"
#include "telephony/tasks/directory.hpp"
#include "telephony/thirdpartycall/recovery.hpp"
#include "telephony/thirdpartycall/third_party_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace app {
namespace asio = boost::asio;
namespace {

using Clock = std::chrono::steady_clock;

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

tasks::DirectoryOptions directory_options(const Settings::Call& settings) {
    tasks::DirectoryOptions options;
    options.linger = settings.linger;
    options.tasks_max = to_size(settings.calls_limit);
    options.tasks_per_owner = to_size(settings.calls_per_user);
    options.starts_per_second = to_size(settings.starts_per_second);
    return options;
}

calls::DialPlan dial_plan(const Settings& settings) {
    calls::DialPlan::Options options;
    options.numbers = {settings.address.country, settings.address.trunk_prefix};
    options.short_digits = to_size(settings.call.short_digits);
    options.route_short = settings.call.short_numbers == "route";
    options.emergency = calls::words_of(settings.call.emergency_numbers);
    options.route_emergency = settings.call.emergency == "route";
    return calls::DialPlan(std::move(options));
}

thirdpartycall::ThirdPartyCall::Options service_options(const Settings& settings,
                                                        const std::string& address) {
    thirdpartycall::ThirdPartyCall::Options options;
    options.call.no_answer = settings.call.no_answer;
    options.call.max_duration = settings.call.max_duration;
    options.call.address = address;
    options.call.extend_ahead = settings.call.slice_ahead;
    options.parties_max = to_size(settings.call.participants_limit);
    options.slice = std::chrono::ceil<std::chrono::seconds>(settings.call.slice);
    options.destinations = {settings.call.allow, settings.call.deny, settings.call.allow_loopback};
    options.dial_plan = dial_plan(settings);
    options.trace_max = to_size(settings.call.trace_messages);
    return options;
}

media::AudioBridgeOptions bridge_options(const Settings::Media& settings) {
    media::AudioBridgeOptions options;
    options.janus.socket = settings.bridge;
    options.janus.timeout = settings.timeout;
    options.address = settings.address;
    return options;
}

callnotification::Managers::Options manager_options(const Settings::Notifications& settings,
                                                    const frontend::SoapClient& client) {
    callnotification::Managers::Options options;
    options.addresses_max = to_size(settings.addresses_limit);
    options.notifications_max = settings.per_user_limit;
    options.text_bytes_max = to_size(settings.text_limit.bytes);
    options.objection = [&client](std::string_view url) { return client.objection(url); };
    return options;
}

applications::SoapApplications::Options application_options(const Settings::Notifications& settings) {
    applications::SoapApplications::Options options;
    options.ask_timeout = settings.ask_timeout;
    options.asks_per_endpoint = to_size(settings.asks_per_endpoint);
    options.fork_addresses_max = to_size(settings.fork_limit);
    options.tell_for = settings.tell_for;
    options.tell_timeout = settings.tell_timeout;
    options.tell_pause = settings.tell_pause;
    options.tell_pause_max = settings.tell_pause_max;
    options.tells_per_endpoint = to_size(settings.tells_per_endpoint);
    options.tells_max = to_size(settings.tells_limit);
    options.lanes = to_size(settings.tells_at_once);
    options.breaker.failures = to_size(settings.breaker_failures);
    options.breaker.pause = settings.breaker_pause;
    options.breaker.pause_max = settings.breaker_pause_max;
    options.cache = to_size(settings.cache);
    options.endpoints_max = to_size(settings.endpoints_limit);
    options.stop_grace = settings.stop_grace;
    return options;
}

sip::Credentials credentials(const Settings::Sip& settings) {
    sip::Credentials result;
    if (settings.user.empty()) return result;
    result.user = settings.user;
    std::ifstream file(settings.password_file);
    if (!std::getline(file, result.password))
        throw PlainError("sip.password_file: '" + settings.password_file + "' can't be read");
    return result;
}

calls::Recorder recorder_of(const Settings::Sip& settings) {
    return {settings.advertise.empty() ? settings.listen : settings.advertise, base::random_hex_id()};
}

}  // namespace

struct Telephony::Parts {
    base::Logger log;
    base::Database* database = nullptr;
    std::chrono::milliseconds stop_grace;
    std::string sip_trouble;
    asio::io_context context{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard{
        asio::make_work_guard(context)};
    std::optional<sip::Agent> agent;
    std::optional<media::AudioBridge> bridge;
    std::optional<applications::Storage> notifications;
    std::optional<applications::SoapApplications> applications;
    std::optional<callnotification::Managers> managers;
    std::optional<calls::RecordWriter> records;
    std::optional<tasks::Directory> directory;
    std::optional<thirdpartycall::ThirdPartyCall> third_party_call;
    std::thread thread;
    std::promise<void> ran;

    void end_calls_of(const std::string& login);
    asio::awaitable<void> end_calls_of_disabled();
};

void Telephony::Parts::end_calls_of(const std::string& login) {
    if (!directory) return;
    const tasks::TaskEvent end{"endCall", {}};
    const auto ended = directory->tell_all(login, end);
    if (ended > 0) log.info("ending a user's calls", {{"user", login}, {"calls", ended}});
}

asio::awaitable<void> Telephony::Parts::end_calls_of_disabled() {
    if (!directory) co_return;
    const auto look = [logins = directory->owners()](base::sql::Session& session) {
        std::vector<std::string> disabled;
        for (const auto& text : logins) {
            const auto login = auth::parse_login(text, {});
            const auto stored = login ? auth::find_principal(session, *login) : std::nullopt;
            if (!stored || !stored->enabled) disabled.push_back(text);
        }
        return disabled;
    };
    try {
        const auto disabled = co_await database->run(look);
        for (const auto& login : disabled) end_calls_of(login);
    } catch (const std::runtime_error& error) {
        log.warning("it is unknown whose calls are to end", {{"error", error.what()}});
    }
}

Telephony::Telephony(const Settings& settings, ledger::Ledger& ledger, base::Database& database,
                     frontend::SoapClient& client, const base::Logger& log)
    : parts_(std::make_unique<Parts>()) {
    auto& parts = *parts_;
    parts.log = log;
    parts.database = &database;
    parts.stop_grace = settings.call.stop_grace;
    const auto recorder = recorder_of(settings.sip);
    parts.records.emplace(recorder, database, parts.context.get_executor(), log);
    parts.directory.emplace(directory_options(settings.call), parts.context.get_executor());
    parts.notifications.emplace(database);
    parts.applications.emplace(application_options(settings.notifications), *parts.notifications, client,
                               parts.context.get_executor(), log);
    parts.managers.emplace(manager_options(settings.notifications, client), ledger, *parts.notifications,
                           log);
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
        const auto sink = [&parts](calls::CallNo call, calls::Event event) {
            parts.directory->on_call(call, std::move(event));
        };
        if (!settings.media.bridge.empty()) {
            parts.bridge.emplace(bridge_options(settings.media), parts.context.get_executor(), sink,
                                 log.with({{"part", "bridge"}}));
            parts.bridge->start();
        }
        const calls::SignalSink trace = [&parts](calls::CallNo call, calls::Signal signal) {
            parts.directory->on_signal(call, std::move(signal));
        };
        try {
            parts.agent.emplace(std::move(options), sink,
                                settings.call.trace_messages > 0 ? trace : calls::SignalSink(), log);
        } catch (const std::runtime_error& error) {
            log.error("no calls can be made", {{"error", error.what()}});
            parts.sip_trouble = error.what();
        }
    }
    parts.third_party_call.emplace(service_options(settings, listen ? listen->address : ""), ledger,
                                   *parts.directory, parts.agent ? &*parts.agent : nullptr,
                                   parts.bridge ? &*parts.bridge : nullptr, *parts.records, log);
    // SIP's port is ours alone: whoever had calls here before is gone.
    if (parts.agent) {
        asio::co_spawn(parts.context,
                       thirdpartycall::recover_calls(recorder, database, ledger, *parts.agent, log),
                       asio::detached);
    }
    parts.thread = std::thread([&parts] {
        parts.context.run();
        parts.ran.set_value();
    });
}

Telephony::~Telephony() { stop(); }

std::vector<frontend::Service> Telephony::services() {
    auto services = parts_->managers->services();
    services.push_back(parts_->third_party_call->service());
    return services;
}

void Telephony::forget_notification(const std::string& id) {
    asio::post(parts_->context, [this, id] { parts_->applications->forget(id); });
}

void Telephony::forget_notifications() {
    asio::post(parts_->context, [this] { parts_->applications->forget_all(); });
}

void Telephony::append_metrics(std::string& text) const { parts_->applications->append_metrics(text); }

asio::awaitable<std::optional<std::string>> Telephony::trace(frontend::TraceQuestion question) {
    return parts_->third_party_call->trace(std::move(question.principal), std::move(question.call));
}

void Telephony::stop_accepting() { parts_->third_party_call->stop_accepting(); }

void Telephony::end_calls_of(std::string login) {
    asio::post(parts_->context, [&parts = *parts_, login = std::move(login)] { parts.end_calls_of(login); });
}

void Telephony::users_changed() {
    asio::co_spawn(parts_->context, parts_->end_calls_of_disabled(), asio::detached);
}

void Telephony::end_calls() {
    auto& parts = *parts_;
    stop_accepting();
    std::promise<std::size_t> told;
    asio::post(parts.context, [&] {
        const tasks::TaskEvent end{"endCall", {}};
        told.set_value(parts.directory->tell_all("", end));
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
}

const std::string& Telephony::sip_trouble() const { return parts_->sip_trouble; }

std::size_t Telephony::mixed() const { return parts_->bridge ? parts_->bridge->participants() : 0; }

std::size_t Telephony::legs() const { return parts_->agent ? parts_->agent->legs() : 0; }

}  // namespace app
