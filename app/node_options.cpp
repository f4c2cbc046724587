// Settings of the server's parts by their names there.
#include "app/node_options.hpp"

#include "app/data_dir.hpp"
#include "app/ledger_options.hpp"

#include <chrono>

namespace app {
namespace {

/// Tells the listener of probes from the others.
constexpr unsigned health_tag = 1;

http::Listen listen_on(const std::string& setting, std::string_view key, bool tls) {
    const auto address = parse_listen_address(setting);
    if (!address) throw PlainError(std::string(key) + " is no address and port: " + setting);
    http::Listen listen;
    listen.address = address->address;
    listen.port = address->port;
    listen.tls = tls;
    return listen;
}

}  // namespace

base::LogOptions log_options(const Settings::Log& settings) {
    base::LogOptions options;
    if (settings.level == "debug") options.level = base::LogLevel::debug;
    if (settings.level == "warning") options.level = base::LogLevel::warning;
    if (settings.level == "error") options.level = base::LogLevel::error;
    if (settings.format == "text") options.format = base::LogFormat::text;
    options.file = settings.file;
    options.buffer_limit = to_size(settings.buffer_limit.bytes);
    options.write_interval = settings.write_interval;
    return options;
}

soap::Limits soap_limits(const Settings& settings) {
    soap::Limits limits;
    limits.bytes_max = to_size(settings.http.body_limit.bytes);
    limits.depth_max = to_size(settings.soap.depth_limit);
    limits.elements_max = to_size(settings.soap.elements_limit);
    limits.attributes_max = to_size(settings.soap.attributes_limit);
    limits.text_bytes_max = to_size(settings.soap.text_limit.bytes);
    limits.name_bytes_max = to_size(settings.soap.name_limit.bytes);
    return limits;
}

base::sql::SessionOptions session_options(const DatabaseUrls& urls, const std::string& name,
                                          Duration timeout) {
    base::sql::SessionOptions options;
    options.url = urls.service;
    options.role = urls.role;
    options.application_name = "ledgerline " + name;
    options.statement_timeout = timeout;
    return options;
}

base::Database::Options pool_options(const Settings& settings, const DatabaseUrls& urls) {
    base::Database::Options options;
    options.session = session_options(urls, "pool", settings.database.statement_timeout);
    options.sessions = to_size(settings.database.sessions);
    options.queue_limit = to_size(settings.database.queue_limit);
    return options;
}

ledger::Options node_ledger_options(const Settings& settings, const DatabaseUrls& urls) {
    auto options = ledger_options(settings);
    options.shards = to_size(settings.ledger.shards);
    options.lanes = to_size(settings.ledger.lanes);
    options.lane.fill = to_size(settings.ledger.lane_fill);
    options.lane.gather_for = settings.ledger.lane_gather_for;
    options.lane.session = session_options(urls, "lane", settings.database.statement_timeout);
    options.lane.batch_max = to_size(settings.ledger.batch_max);
    options.lane.queue_limit = to_size(settings.ledger.queue_limit);
    options.lane.queue_timeout = settings.ledger.queue_timeout;
    options.lane.resend_for = settings.ledger.resend_for;
    return options;
}

auth::Authenticator::Options auth_options(const Settings::Auth& settings) {
    auth::Authenticator::Options options;
    options.default_domain = settings.default_domain;
    options.remember_verified = std::chrono::floor<std::chrono::seconds>(settings.credential_ttl);
    options.remember_wrong = std::chrono::floor<std::chrono::seconds>(settings.refusal_ttl);
    options.remember_verified_limit = to_size(settings.credential_cache);
    options.remember_wrong_limit = to_size(settings.refusal_cache);
    options.hashing_threads = to_size(settings.hashing_threads);
    options.hashing_queue_limit = to_size(settings.hashing_queue);
    options.failures.rows_per_minute = to_size(settings.trail_failures_per_minute);
    options.failures.throttle.per_login = to_size(settings.failures_per_login);
    options.failures.throttle.per_address = to_size(settings.failures_per_address);
    options.failures.throttle.window = settings.failure_window;
    options.failures.throttle.works_for = settings.credential_ttl;
    return options;
}

auth::SecretSchemes::Options secret_options(const Settings& settings) {
    auth::SecretSchemes::Options options;
    options.realm = settings.http.realm;
    options.default_domain = settings.auth.default_domain;
    options.digest = settings.auth.digest;
    options.digest_md5 = settings.auth.digest_md5;
    options.username_token = settings.auth.username_token;
    options.sp_header = settings.auth.sp_header;
    options.nonces.lifetime = settings.auth.nonce_ttl;
    options.skew = std::chrono::floor<std::chrono::seconds>(settings.auth.clock_skew);
    options.replay_limit = to_size(settings.auth.replay_memory);
    options.remember = std::chrono::floor<std::chrono::seconds>(settings.auth.credential_ttl);
    options.remember_limit = to_size(settings.auth.credential_cache);
    return options;
}

accountmgmt::Pins::Options pin_options(const Settings& settings) {
    accountmgmt::Pins::Options options;
    options.tries_max = static_cast<std::int32_t>(settings.pin.tries);
    options.tries_window = settings.pin.tries_window;
    options.remember = std::chrono::floor<std::chrono::seconds>(settings.auth.credential_ttl);
    options.remember_limit = to_size(settings.auth.credential_cache);
    options.hashing_queue_limit = to_size(settings.auth.hashing_queue);
    return options;
}

frontend::EndpointOptions endpoint_options(const Settings& all) {
    const auto& settings = all.http;
    frontend::EndpointOptions options;
    options.realm = settings.realm;
    options.public_descriptions = settings.public_descriptions;
    options.retry_after = std::chrono::ceil<std::chrono::seconds>(settings.retry_after);
    options.overload_status = static_cast<unsigned>(settings.overload_status);
    options.access_log = settings.access_log;
    options.public_url = settings.public_url;
    options.trusted_proxies = http::Networks::parse(settings.trusted_proxies).value_or(http::Networks());
    options.compress_from = to_size(settings.compress_from.bytes);
    if (!all.server.health_listen.empty()) options.health_listener = health_tag;
    options.ignore_unknown_elements = all.soap.unknown_elements == "ignore";
    options.ignore_unknown_elements_of = long_logins(all.soap.ignore_unknown_of, all.auth.default_domain);
    return options;
}

http::ClientOptions callback_options(const Settings::Callbacks& settings) {
    http::ClientOptions options;
    options.allowed = http::Networks::parse(settings.allow).value_or(http::Networks());
    options.ca_file = settings.ca_file;
    options.connect_timeout = settings.connect_timeout;
    options.idle_timeout = settings.idle_timeout;
    options.idle_connections = to_size(settings.idle_limit);
    options.header_limit = to_size(settings.header_limit.bytes);
    options.body_limit = to_size(settings.body_limit.bytes);
    return options;
}

http::TlsOptions tls_options(const Settings::Tls& settings) {
    http::TlsOptions options;
    options.certificate = settings.certificate;
    options.key = settings.key;
    options.client_ca = settings.client_ca;
    if (settings.client_certificates == "optional")
        options.client_certificates = http::ClientCertificates::optional;
    if (settings.client_certificates == "required")
        options.client_certificates = http::ClientCertificates::required;
    return options;
}

http::Options http_options(const Settings& settings) {
    http::Options options;
    options.listen = {listen_on(settings.server.listen, "server.listen", false)};
    if (!settings.tls.listen.empty()) {
        options.listen.push_back(listen_on(settings.tls.listen, "tls.listen", true));
        options.tls = tls_options(settings.tls);
    }
    if (!settings.server.health_listen.empty()) {
        options.listen.push_back(listen_on(settings.server.health_listen, "server.health_listen", false));
        options.listen.back().tag = health_tag;
        options.listen.back().reserved = true;
    }
    options.header_limit = to_size(settings.http.header_limit.bytes);
    options.body_limit = to_size(settings.http.body_limit.bytes);
    options.connections = to_size(settings.http.connections_limit);
    options.connections_per_address = to_size(settings.http.connections_per_address);
    options.requests_per_connection = to_size(settings.http.requests_per_connection);
    options.requests_in_flight = to_size(settings.http.inflight_limit);
    options.idle_timeout = settings.http.idle_timeout;
    options.read_timeout = settings.http.read_timeout;
    options.write_timeout = settings.http.write_timeout;
    options.linger_timeout = settings.http.linger_timeout;
    options.linger_limit = to_size(settings.http.linger_limit.bytes);
    return options;
}

ledger::Sweeper::Options sweeper_options(const Settings& settings) {
    ledger::Sweeper::Options options;
    options.interval = settings.ledger.sweep_interval;
    options.expiry_grace = settings.balance.expiry_grace;
    options.freeze_interval = settings.finance.freeze_interval;
    return options;
}

ledger::Sealer::Options sealer_options(const Settings& settings) {
    ledger::Sealer::Options options;
    options.interval = settings.audit.seal_interval;
    options.block = settings.audit.seal_block;
    options.time_zone = settings.finance.time_zone;  // blocks end with finance's months
    return options;
}

}  // namespace app
