// The table of settings, and the texts of their values.
#include "app/settings.hpp"

#include "app/setting_checks.hpp"
#include "app/telephony_settings.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <sstream>
#include <utility>

namespace app {
namespace {

struct Suffix {
    std::string_view name;
    std::int64_t factor;
};

/// What is longer overflows where times are counted in nanoseconds.
constexpr std::int64_t duration_max = 36'500 * std::int64_t{86'400'000};
constexpr std::int64_t statement_timeout_max = std::numeric_limits<std::int32_t>::max();  // PostgreSQL's

// From the largest, as values are written with the largest that fits.
constexpr std::array duration_suffixes{Suffix{"d", 86'400'000}, Suffix{"h", 3'600'000}, Suffix{"m", 60'000},
                                       Suffix{"s", 1'000}, Suffix{"ms", 1}};
constexpr std::array size_suffixes{Suffix{"GB", 1 << 30}, Suffix{"MB", 1 << 20}, Suffix{"kB", 1 << 10},
                                   Suffix{"B", 1}};

std::string with_suffix(std::int64_t value, std::span<const Suffix> suffixes) {
    for (const auto& suffix : suffixes) {
        if (value % suffix.factor == 0 && (value != 0 || suffix.factor == 1)) {
            return std::to_string(value / suffix.factor) + std::string(suffix.name);
        }
    }
    return std::to_string(value);
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_suffixed(std::string_view text, std::span<const Suffix> suffixes) {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto name = text.substr(digits.size());
    const auto number = parse_number(digits);
    const auto suffix = std::ranges::find(suffixes, name, &Suffix::name);
    std::int64_t value = 0;
    if (!number || suffix == suffixes.end() || __builtin_mul_overflow(*number, suffix->factor, &value)) {
        return std::nullopt;
    }
    return value;
}

std::string toml_string(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

std::optional<std::string> check_choice(const Setting& setting, std::string_view text) {
    if (setting.choices.empty() || std::ranges::count(setting.choices, text) > 0) return std::nullopt;
    std::string wanted;
    for (const auto& choice : setting.choices) wanted += (wanted.empty() ? "" : ", ") + std::string(choice);
    return std::string(setting.key) + " must be one of: " + wanted;
}

std::optional<std::string> check_limits(const Setting& setting, std::int64_t value,
                                        std::string (*shown)(std::int64_t)) {
    if (value >= setting.min && value <= setting.max) return std::nullopt;
    const auto key = std::string(setting.key);
    if (value < setting.min) return key + " must be at least " + shown(setting.min);
    return key + " must be at most " + shown(setting.max);
}

std::string shown_number(std::int64_t value) { return std::to_string(value); }
std::string shown_duration(std::int64_t value) { return with_suffix(value, duration_suffixes); }
std::string shown_size(std::int64_t value) { return with_suffix(value, size_suffixes); }

/// Assigns a text to the place of its type; what is wrong with it otherwise.
struct Assign {
    const Setting& setting;
    std::string_view text;

    [[nodiscard]] std::optional<std::string> no(std::string_view wanted) const {
        return std::string(setting.key) + " must be " + std::string(wanted) + ", not '" + std::string(text) +
               "'";
    }

    std::optional<std::string> operator()(std::string* place) const {
        if (auto wrong = check_choice(setting, text)) return wrong;
        if (setting.check != nullptr) {
            if (auto wrong = setting.check(text)) return std::string(setting.key) + ' ' + *wrong;
        }
        *place = text;
        return std::nullopt;
    }
    std::optional<std::string> operator()(bool* place) const {
        if (text != "true" && text != "false") return no("true or false");
        *place = text == "true";
        return std::nullopt;
    }
    std::optional<std::string> operator()(std::int64_t* place) const {
        const auto value = parse_number(text);
        if (!value) return no("a whole number");
        if (auto wrong = check_limits(setting, *value, shown_number)) return wrong;
        *place = *value;
        return std::nullopt;
    }
    std::optional<std::string> operator()(Duration* place) const {
        const auto value = parse_suffixed(text, duration_suffixes);
        if (!value) return no("a duration like 500ms, 30s, 5m, 1h or 30d");
        if (*value > duration_max && setting.max > duration_max)
            return no("at most " + shown_duration(duration_max));
        if (auto wrong = check_limits(setting, *value, shown_duration)) return wrong;
        *place = Duration(*value);
        return std::nullopt;
    }
    std::optional<std::string> operator()(Size* place) const {
        const auto value = parse_suffixed(text, size_suffixes);
        if (!value) return no("a size like 512B, 64kB, 1MB or 1GB");
        if (auto wrong = check_limits(setting, *value, shown_size)) return wrong;
        place->bytes = *value;
        return std::nullopt;
    }
};

struct ToToml {
    std::string operator()(const std::string* value) const { return toml_string(*value); }
    std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
    std::string operator()(const std::int64_t* value) const { return std::to_string(*value); }
    std::string operator()(const Duration* value) const {
        return toml_string(shown_duration(value->count()));
    }
    std::string operator()(const Size* value) const { return toml_string(shown_size(value->bytes)); }
};

std::vector<Setting> front_settings(Settings& s) {
    return {
        {"server.listen",
         &s.server.listen,
         "IP address and port that HTTP is served on; port 0 takes any free one.",
         0,
         0,
         {},
         check_listen},
        {"server.advertise",
         &s.server.advertise,
         "URL of HTTP for other nodes on the same database, e.g. http://10.0.0.5:8080; empty: made of "
         "listen.",
         0,
         0,
         {},
         check_node_url},
        {"server.health_listen",
         &s.server.health_listen,
         "IP address and port that /healthz, /readyz and /metrics have to themselves; empty: they share the "
         "others.",
         0,
         0,
         {},
         check_optional_listen},
        {"server.threads", &s.server.threads, "Threads that serve connections; 0: one for each core.", 0,
         256},
        {"server.stop_timeout", &s.server.stop_timeout,
         "How long requests under way may take after a signal to stop; then they are cut."},

        {"tls.listen",
         &s.tls.listen,
         "IP address and port that HTTPS is served on, beside server.listen; empty: none.",
         0,
         0,
         {},
         check_optional_listen},
        {"tls.certificate", &s.tls.certificate,
         "PEM file with the server's certificate and its chain; SIGHUP reads it again."},
        {"tls.key", &s.tls.key, "PEM file with the certificate's private key."},
        {"tls.client_certificates",
         &s.tls.client_certificates,
         "Whether clients show a certificate: none is asked for, an optional one must be valid, or required.",
         0,
         0,
         {"none", "optional", "required"}},
        {"tls.client_ca", &s.tls.client_ca, "PEM file of the authorities that sign clients' certificates."},
    };
}

std::vector<Setting> http_settings(Settings& s) {
    constexpr std::int64_t kb = 1 << 10;
    constexpr std::int64_t gb = 1 << 30;
    return {
        {"http.header_limit", &s.http.header_limit, "The longest request line and headers.", kb, 8 * kb * kb},
        {"http.body_limit", &s.http.body_limit, "The longest request body.", kb, gb},
        {"http.connections_limit", &s.http.connections_limit, "Open connections in total; more get 503.", 1},
        {"http.connections_per_address", &s.http.connections_per_address,
         "Open connections of one client address, of IPv6 of one /64; 0: no limit of its own."},
        {"http.requests_per_connection", &s.http.requests_per_connection,
         "Requests after which a connection is closed politely; 0: never."},
        {"http.inflight_limit", &s.http.inflight_limit, "Requests being answered at once; more get 503.", 1},
        {"http.idle_timeout", &s.http.idle_timeout, "How long a connection may stay open between requests.",
         1},
        {"http.read_timeout", &s.http.read_timeout, "How long a request may take to arrive.", 1},
        {"http.write_timeout", &s.http.write_timeout, "How long a client may take to read a response.", 1},
        {"http.linger_timeout", &s.http.linger_timeout,
         "How long a refused client may go on sending while it reads why."},
        {"http.linger_limit", &s.http.linger_limit, "How much it may send meanwhile.", kb, gb},
        {.key = "http.realm",
         .place = &s.http.realm,
         .meaning = "The realm that HTTP authentication names.",
         .check = check_realm},
        {.key = "http.public_url",
         .place = &s.http.public_url,
         .meaning = "The URL of this server that WSDLs name, behind a proxy; empty: what the client called.",
         .check = check_public_url},
        {"http.trusted_proxies",
         &s.http.trusted_proxies,
         "Networks of proxies whose X-Forwarded-For, -Proto and -Host are believed, e.g. 10.0.0.0/8, ::1.",
         0,
         0,
         {},
         check_networks},
        {"http.compress_from", &s.http.compress_from,
         "The shortest answer that is packed for clients that ask for gzip; 0B: none is."},
        {"http.public_descriptions", &s.http.public_descriptions,
         "Whether WSDLs and the index page are served without authentication."},
        {"http.retry_after", &s.http.retry_after, "What overloaded answers ask clients to wait.", 1000},
        {"http.overload_status", &s.http.overload_status,
         "HTTP status of overloaded answers; 500 for clients that read faults in nothing else.", 500, 599},
        {"http.access_log", &s.http.access_log, "Whether each request is logged."},
    };
}

std::vector<Setting> soap_settings(Settings& s) {
    constexpr std::int64_t kb = 1 << 10;
    constexpr std::int64_t gb = 1 << 30;
    return {
        {"soap.depth_limit", &s.soap.depth_limit,
         "Elements of a message that may be nested, its Envelope counted.", 8, 256},
        {"soap.elements_limit", &s.soap.elements_limit, "Elements in a message.", 16, 1'000'000},
        {"soap.attributes_limit", &s.soap.attributes_limit,
         "Attributes of an element, namespace declarations counted.", 8, 1024},
        {"soap.text_limit", &s.soap.text_limit, "The longest text of an element.", 64, gb},
        {"soap.name_limit", &s.soap.name_limit, "The longest name, namespace or attribute value.", 256,
         kb * kb},
        {"soap.unknown_elements",
         &s.soap.unknown_elements,
         "What becomes of elements that a message does not have: refuse, or ignore.",
         0,
         0,
         {"refuse", "ignore"}},
        {.key = "soap.ignore_unknown_of",
         .place = &s.soap.ignore_unknown_of,
         .meaning =
             "Logins whose unknown elements are ignored, between commas, e.g. shop, portal@example.com.",
         .check = check_logins},
    };
}

std::vector<Setting> callback_settings(Settings& s) {
    constexpr std::int64_t kb = 1 << 10;
    return {
        {"callbacks.allow",
         &s.callbacks.allow,
         "Networks that applications may have themselves called in although they are not public, e.g. "
         "10.1.0.0/16, ::1.",
         0,
         0,
         {},
         check_networks},
        {"callbacks.ca_file", &s.callbacks.ca_file,
         "PEM file of the authorities that sign applications' servers; empty: those that the system trusts."},
        {"callbacks.connect_timeout", &s.callbacks.connect_timeout,
         "How long finding and connecting to an application may take.", 1},
        {"callbacks.idle_timeout", &s.callbacks.idle_timeout,
         "How long a connection is kept for the next call."},
        {"callbacks.idle_limit", &s.callbacks.idle_limit, "Connections that are kept for the next call."},
        {"callbacks.header_limit", &s.callbacks.header_limit,
         "The longest headers of an application's answer.", kb, kb * kb},
        {"callbacks.body_limit", &s.callbacks.body_limit, "The longest body of an application's answer.", kb,
         64 * kb * kb},
    };
}

std::vector<Setting> database_settings(Settings& s) {
    return {
        {.key = "database.url",
         .place = &s.database.url,
         .meaning = "libpq URI of the database; empty: an embedded PostgreSQL in the data directory.",
         .check = check_database_url},
        {.key = "database.owner_url",
         .place = &s.database.owner_url,
         .meaning =
             "URI of the role that applies migrations (may create roles); empty: the same as database.url.",
         .check = check_database_url},
        {"database.role", &s.database.role, "Role that every session on database.url takes; empty: its own."},
        {"database.sessions", &s.database.sessions,
         "Sessions for all that no lane posts; one of them is not for what waits for locks (volumes, "
         "splits).",
         1, 1000},
        {"database.queue_limit", &s.database.queue_limit,
         "Statements that may wait for a session; of those that wait for locks as many again.", 1},
        {"database.statement_timeout", &s.database.statement_timeout, "The longest that a statement may run.",
         1, statement_timeout_max},

        {"postgres.bin_dir", &s.postgres.bin_dir, "Where the embedded PostgreSQL 15 has its programs."},
        {.key = "postgres.shared_buffers",
         .place = &s.postgres.shared_buffers,
         .meaning = "Its shared memory, as PostgreSQL writes sizes.",
         .check = check_shared_buffers},
        {.key = "postgres.max_wal_size",
         .place = &s.postgres.max_wal_size,
         .meaning = "Its log between checkpoints.",
         .check = check_wal_size},
        {.key = "postgres.min_wal_size",
         .place = &s.postgres.min_wal_size,
         .meaning = "Its log's files that are kept to be used again: postings wait while a new one is made.",
         .check = check_wal_size},
        {"postgres.max_connections", &s.postgres.max_connections, "Its connections.", 10, 10'000},
        {"postgres.start_timeout", &s.postgres.start_timeout,
         "How long it may take to start, recovery from a crash included.", 1000},
        {"postgres.stop_timeout", &s.postgres.stop_timeout,
         "How long it may take to stop; then it stops without a checkpoint, and recovers at the next start.",
         1000},
    };
}

std::vector<Setting> payment_settings(Settings& s) {
    return {
        {"address.country",
         &s.address.country,
         "The country's calling code, e.g. 49, of numbers without +; empty: they are complete.",
         0,
         0,
         {},
         check_digits},
        {"address.trunk_prefix",
         &s.address.trunk_prefix,
         "What national numbers are dialled with; dropped where the country's code is put in front.",
         0,
         0,
         {},
         check_digits},
        {"payment.amounts",
         &s.payment.amounts,
         "How applications write what they charge: 1.50 for EUR 1.50 (major), or 150 (minor).",
         0,
         0,
         {"major", "minor"}},
        {.key = "payment.minor_amounts_of",
         .place = &s.payment.minor_amounts_of,
         .meaning = "Logins whose amounts are minor whatever others write, between commas, e.g. shop, "
                    "portal@example.com.",
         .check = check_logins},
    };
}

std::vector<Setting> domain_settings(Settings& s) {
    return {
        {"ledger.shards", &s.ledger.shards,
         "Shards of the ledger; fixed when the database is made, and checked at every start.", 1, 1024},
        {"ledger.lanes", &s.ledger.lanes,
         "Threads that post, each on its own session; what limited applications post has one more.", 1, 64},
        {"ledger.lane_fill", &s.ledger.lane_fill,
         "Postings that make a batch worth its call: it waits for no more, and the next lane is used.", 1},
        {"ledger.lane_gather_for", &s.ledger.lane_gather_for,
         "The longest that a batch waits for clients that were just answered and may ask again.", 0},
        {"ledger.batch_max", &s.ledger.batch_max, "Postings in one transaction.", 1, 4096},
        {"ledger.queue_limit", &s.ledger.queue_limit, "Postings that may wait for a lane; more are refused.",
         1},
        {"ledger.queue_timeout", &s.ledger.queue_timeout,
         "How long a posting may wait for its lane or session; older ones are refused unposted.", 1},
        {"ledger.resend_for", &s.ledger.resend_for,
         "How long a batch is sent again when the database goes away under it.", 0},
        {"ledger.max_amount", &s.ledger.max_amount, "The most that one request may move, in minor units.", 1,
         1'000'000'000'000'000},
        {"ledger.address_cache", &s.ledger.address_cache,
         "Addresses whose accounts a node remembers; half of them are read when it starts.", 1},

        {"ledger.hold_cache", &s.ledger.hold_cache, "Holds whose accounts a node remembers.", 1},
        // The least is a digest that stands for a key (payment::key_of); those of calls are shorter.
        {"ledger.reference_limit", &s.ledger.reference_limit, "The longest reference code, in bytes.", 71,
         1024},
        {"ledger.text_limit", &s.ledger.text_limit,
         "The longest description, code or balance type, in bytes.", 1, 65536},
        {"ledger.period_limit", &s.ledger.period_limit, "The longest period of a credit, in days.", 1,
         365'000},
        {"ledger.history_limit", &s.ledger.history_limit,
         "Entries in one answer about an account's history; the newest ones.", 1, 1'000'000},
        {"ledger.parameters_limit", &s.ledger.parameters_limit,
         "Parameters of a volume; requests with more are refused.", 4, 1024},
        {"ledger.sweep_interval", &s.ledger.sweep_interval,
         "How long between two looks for holds and balances that are due.", 1},
        {"hold.ttl", &s.hold.ttl, "How long a hold lives after it was placed or extended.", 1},
        {"pin.tries", &s.pin.tries,
         "Wrong PINs that an account may try in a window; then all are refused until it ends.", 1, 1'000},
        {"pin.tries_window", &s.pin.tries_window, "How long such a window is.", 1},

        {"voucher.accepted", &s.voucher.accepted,
         "Whether Account Management redeems vouchers; otherwise it answers POL0220."},
        {"voucher.tries", &s.voucher.tries,
         "Wrong vouchers that an account may try in a window; then all are refused until it ends.", 1, 1'000},
        {"voucher.tries_window", &s.voucher.tries_window, "How long such a window is.", 1},
        {"balance.expiry_grace", &s.balance.expiry_grace,
         "How long an expired balance waits for a credit that revives it before it is posted away; up to a "
         "thousandth longer.",
         0},

        {"audit.seal_interval", &s.audit.seal_interval, "How long between two rounds of sealing the journal.",
         1},
        {"audit.seal_block", &s.audit.seal_block, "Journal rows in one seal, at most.", 1, 100'000},

        {"finance.time_zone", &s.finance.time_zone,
         "The time zone that cuts finance's days and months, as PostgreSQL names it: Europe/Paris; on all "
         "nodes the same."},
        {"finance.freeze_interval", &s.finance.freeze_interval,
         "How often finance's daily totals are frozen; only what came since is summed when somebody looks.",
         1000, 86'400'000},

    };
}

std::vector<Setting> log_settings(Settings& s) {
    return {
        {"log.format",
         &s.log.format,
         "How log lines are written: json, or text for people.",
         0,
         0,
         {"json", "text"}},
        {"log.level",
         &s.log.level,
         "The least important lines that are written.",
         0,
         0,
         {"debug", "info", "warning", "error"}},
        {"log.file", &s.log.file, "File that the log is appended to; empty: standard error."},
        {"log.access_file", &s.log.access_file,
         "File that the lines of http.access_log are appended to; empty: the log."},
        {"log.buffer_limit", &s.log.buffer_limit,
         "Lines that may wait to be written, in bytes; further ones are lost, and counted.", 64 << 10,
         1 << 30},
        {"log.write_interval", &s.log.write_interval,
         "How long lines may wait for others to be written with; warnings and errors do not wait.", 0,
         10'000},
    };
}

std::vector<Setting> auth_settings(Settings& s) {
    return {
        {.key = "auth.default_domain",
         .place = &s.auth.default_domain,
         .meaning = "The domain of logins that name none.",
         .check = check_domain},
        {"auth.credential_ttl", &s.auth.credential_ttl, "How long a verified password is remembered.", 1000},
        {"auth.refusal_ttl", &s.auth.refusal_ttl, "How long a wrong password is remembered.", 1000},
        {"auth.credential_cache", &s.auth.credential_cache, "Verified passwords that are remembered.", 1},
        {"auth.refusal_cache", &s.auth.refusal_cache, "Wrong passwords that are remembered.", 1},
        {"auth.hashing_threads", &s.auth.hashing_threads,
         "Threads that hash passwords; each uses 64 MB while it does.", 1, 64},
        {"auth.hashing_queue", &s.auth.hashing_queue, "Passwords that may wait to be hashed; more get 503.",
         1},
        {"auth.key_file", &s.auth.key_file,
         "File with the key that recoverable secrets are encrypted with; empty: secret.key in the data "
         "directory."},
        {"auth.digest", &s.auth.digest,
         "Whether HTTP Digest with SHA-256 is served; users need a secret for it."},
        {"auth.digest_md5", &s.auth.digest_md5, "Whether HTTP Digest with MD5 is served too; it is weak."},
        {"auth.nonce_ttl", &s.auth.nonce_ttl, "How long a nonce of HTTP Digest may be used.", 1000},
        {"auth.username_token", &s.auth.username_token, "Whether UsernameToken of WS-Security is served."},
        {"auth.sp_header", &s.auth.sp_header,
         "Whether RequestSOAPHeader of SDP gateways is served; its MD5 is weak, and it can be sent again."},
        {"auth.clock_skew", &s.auth.clock_skew,
         "How far Created and timeStamp of a header may lie from this server's clock, either way.", 1000},
        {"auth.replay_memory", &s.auth.replay_memory,
         "Nonces of UsernameToken that a node remembers while they could be sent again; beyond, the database "
         "alone tells.",
         1},
        {"auth.failures_per_login", &s.auth.failures_per_login,
         "Failed authentications of a login in a window, after which new tries get 429; 0: any number."},
        {"auth.failures_per_address", &s.auth.failures_per_address,
         "The same by client address, of IPv6 by its /64, for all its logins."},
        {"auth.failure_window", &s.auth.failure_window, "The window in which failures are counted.", 1000},
        {"auth.trail_failures_per_minute", &s.auth.trail_failures_per_minute,
         "Failed authentications that are written to the trail; further ones are counted in the next row.",
         1},
    };
}

}  // namespace

std::vector<Setting> setting_table(Settings& settings) {
    auto table = front_settings(settings);
    for (const auto& part :
         {http_settings(settings), soap_settings(settings), callback_settings(settings),
          database_settings(settings), payment_settings(settings), domain_settings(settings),
          log_settings(settings), auth_settings(settings), telephony_settings(settings)}) {
        table.insert(table.end(), part.begin(), part.end());
    }
    return table;
}

std::string Setting::toml() const { return std::visit(ToToml(), place); }

std::optional<std::string> Setting::assign(std::string_view text) const {
    return std::visit(Assign{*this, text}, place);
}

std::string Setting::environment_name() const {
    std::string name = "LEDGERLINE_";
    for (const char c : key) {
        if (c == '.')
            name += '_';
        else
            name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name;
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port < 0 || *port > 65535) return std::nullopt;
    auto address = text.substr(0, colon);
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    if (bracketed) address = address.substr(1, address.size() - 2);
    ListenAddress result;
    result.address = address;
    result.port = static_cast<std::uint16_t>(*port);
    in6_addr parsed;  // large enough for both
    if (::inet_pton(bracketed ? AF_INET6 : AF_INET, result.address.c_str(), &parsed) != 1)
        return std::nullopt;
    return result;
}

bool ListenAddress::loopback() const { return address == "::1" || address.starts_with("127."); }

std::string ListenAddress::url() const {
    const bool v6 = address.find(':') != std::string::npos;
    return "http://" + (v6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
}

std::string default_settings_file() {
    std::ostringstream file;
    file
        << "# Every setting with its default. Each may also come from the environment: [http] body_limit is\n"
           "# LEDGERLINE_HTTP_BODY_LIMIT. Durations: ms, s, m, h, d. Sizes: B, kB, MB, GB (1 kB = 1024 B).\n"
           "# `ledgerline check-config --config FILE` names every mistake.\n";
    Settings defaults;
    std::string_view section;
    for (const auto& setting : setting_table(defaults)) {
        const auto dot = setting.key.find('.');
        if (setting.key.substr(0, dot) != section) {
            section = setting.key.substr(0, dot);
            file << "\n[" << section << "]\n";
        }
        file << "# " << setting.meaning << '\n'
             << setting.key.substr(dot + 1) << " = " << setting.toml() << '\n';
    }
    return file.str();
}

}  // namespace app
