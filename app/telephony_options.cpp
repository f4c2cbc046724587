// Telephony's parts by their settings.
#include "app/telephony_options.hpp"

#include "app/data_dir.hpp"
#include "app/ledger_options.hpp"
#include "base/ids.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

namespace app {
namespace {

calls::DialPlan dial_plan(const Settings& settings) {
    calls::DialPlan::Options options;
    options.numbers = {settings.address.country, settings.address.trunk_prefix};
    options.short_digits = to_size(settings.call.short_digits);
    options.route_short = settings.call.short_numbers == "route";
    options.emergency = calls::words_of(settings.call.emergency_numbers);
    options.route_emergency = settings.call.emergency == "route";
    return calls::DialPlan(std::move(options));
}

calls::Destinations destinations(const Settings& settings) {
    return {settings.call.allow, settings.call.deny, settings.call.allow_loopback, settings.sip.gateway};
}

calls::CallOptions call_options(const Settings& all, const std::string& address) {
    const auto& settings = all.call;
    calls::CallOptions options;
    options.no_answer = settings.no_answer;
    options.max_duration = settings.max_duration;
    options.address = address;
    options.extend_ahead = settings.slice_ahead;
    options.ringback = settings.ringback == "bridge";
    // What is asked for ahead must have been refused by then.
    if (!all.media.funds_end.empty())
        options.funds_notice = std::min(settings.funds_notice, settings.slice_ahead / 2);
    return options;
}

std::function<bool(const std::string& login)> counts_minor(const Settings& settings) {
    return [style = amount_style(settings)](const std::string& login) { return style.is_minor(login); };
}

/// The host of HOST or HOST:PORT.
std::string host_of(const std::string& text) {
    const auto bracket = text.find(']');
    return text.substr(0, text.find(':', bracket == std::string::npos ? 0 : bracket));
}

}  // namespace

tasks::DirectoryOptions directory_options(const Settings::Call& settings, std::string run) {
    tasks::DirectoryOptions options;
    options.run = std::move(run);
    options.linger = settings.linger;
    options.tasks_max = to_size(settings.calls_limit);
    options.tasks_per_owner = to_size(settings.calls_per_user);
    options.starts_per_second = to_size(settings.starts_per_second);
    return options;
}

thirdpartycall::ThirdPartyCall::Options service_options(const Settings& settings,
                                                        const std::string& address) {
    thirdpartycall::ThirdPartyCall::Options options;
    options.call = call_options(settings, address);
    options.parties_max = to_size(settings.call.participants_limit);
    options.slice = std::chrono::ceil<std::chrono::seconds>(settings.call.slice);
    options.destinations = destinations(settings);
    options.dial_plan = dial_plan(settings);
    options.trace_max = to_size(settings.call.trace_messages);
    options.first_from = settings.call.first_from;
    options.lag_limit = settings.call.lag_limit;
    // As long as a posting may wait for its lane, and be sent.
    options.patience = settings.ledger.queue_timeout + settings.ledger.resend_for;
    options.counts_minor = counts_minor(settings);
    return options;
}

media::AudioBridgeOptions bridge_options(const Settings::Media& settings) {
    media::AudioBridgeOptions options;
    options.janus.socket = settings.bridge;
    options.janus.timeout = settings.timeout;
    options.address = settings.address;
    options.ringing = settings.ringing;
    options.funds_end = settings.funds_end;
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

applications::SoapApplications::Options application_options(const Settings& all) {
    const auto& settings = all.notifications;
    applications::SoapApplications::Options options;
    options.counts_minor = counts_minor(all);
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

callhandling::CallHandling::Options handling_options(const Settings& settings) {
    callhandling::CallHandling::Options options;
    options.numbers = {settings.address.country, settings.address.trunk_prefix};
    options.dial_plan = dial_plan(settings);
    options.entries_max = to_size(settings.rules.entries_limit);
    options.addresses_max = to_size(settings.rules.addresses_limit);
    return options;
}

calls::Recorder recorder_of(const Settings::Sip& settings) {
    return {settings.advertise.empty() ? settings.listen : settings.advertise, base::random_hex_id()};
}

/// Where other nodes reach this one's HTTP: an address that stands for all of the machine's is of no use to
/// them, but the one that SIP is reached at is.
std::string node_url(const Settings& settings, std::uint16_t port) {
    if (!settings.server.advertise.empty()) return settings.server.advertise;
    const auto listen = parse_listen_address(settings.server.listen);
    auto host = listen ? listen->address : std::string();
    const bool any = host.empty() || host == "0.0.0.0" || host == "::";
    if (any)
        host = host_of(recorder_of(settings.sip).node);
    else if (host.find(':') != std::string::npos)
        host = '[' + host + ']';
    return "http://" + host + ':' + std::to_string(port);
}

frontend::NodeLinkOptions link_options(const Settings& settings, const calls::Recorder& recorder) {
    frontend::NodeLinkOptions options;
    options.run = recorder.run();
    options.timeout = settings.call.node_timeout;
    options.ca_file = settings.callbacks.ca_file;
    return options;
}

calls::LocalDomain local_domain(const Settings& settings, const ListenAddress& listen) {
    calls::LocalDomain local;
    local.domain = settings.auth.default_domain;
    local.port = listen.port;
    const bool v6 = listen.address.find(':') != std::string::npos;
    local.hosts.push_back(v6 ? '[' + listen.address + ']' : listen.address);
    if (listen.loopback()) local.hosts.emplace_back("localhost");
    if (!settings.sip.advertise.empty()) local.hosts.push_back(host_of(settings.sip.advertise));
    return local;
}

sip::StreamLimits stream_limits(const Settings::Sip& settings) {
    sip::StreamLimits limits;
    limits.total = to_size(settings.connections_limit);
    limits.per_address = to_size(settings.connections_per_address);
    limits.idle = settings.idle_timeout;
    return limits;
}

calls::Door::Options door_options(const Settings::Sip& settings) {
    calls::Door::Options options;
    options.realm = settings.realm;
    options.sha256 = settings.digest_sha256;
    options.nonce_ttl = settings.nonce_ttl;
    options.trusted = http::Networks::parse(settings.trusted_peers).value_or(http::Networks());
    return options;
}

calls::Registrar::Options registrar_options(const Settings& settings, const calls::LocalDomain& local) {
    using std::chrono::seconds;
    calls::Registrar::Options options;
    options.dial_plan = dial_plan(settings);
    options.expires_min = std::chrono::ceil<seconds>(settings.sip.expires_min);
    options.expires_default = std::chrono::ceil<seconds>(settings.sip.expires_default);
    options.expires_max = std::chrono::ceil<seconds>(settings.sip.expires_max);
    options.contacts_max = to_size(settings.sip.contacts_max);
    options.local = local;
    options.destinations = destinations(settings);
    return options;
}

calls::InboundCalls::Options inbound_options(const Settings& settings, const calls::LocalDomain& local,
                                             const std::string& address, const std::string& run) {
    calls::InboundCalls::Options options;
    options.run = run;
    options.dial_plan = dial_plan(settings);
    options.call.call = call_options(settings, address);
    options.call.hops_max = to_size(settings.call.forwards_max);
    options.call.branches_max = to_size(settings.call.branches_max);
    options.call.targets_max = to_size(settings.call.targets_max);
    options.calls_max = to_size(settings.call.inbound_limit);
    options.calls_per_user = to_size(settings.call.calls_per_user);
    options.slice = std::chrono::ceil<std::chrono::seconds>(settings.call.slice);
    options.destinations = destinations(settings);
    options.local = local;
    options.trace_max = to_size(settings.call.trace_messages);
    options.linger = settings.call.linger;
    return options;
}

}  // namespace app
