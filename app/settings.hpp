// Every setting of the program, in one table: name, default, limits, meaning; read from TOML, environment and
// flags.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace app {

using Duration = std::chrono::milliseconds;

/// A number of bytes.
struct Size {
    std::int64_t bytes = 0;
    auto operator<=>(const Size&) const = default;
};

/// A number that is never negative, as containers count.
[[nodiscard]] inline std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

/// The values, by section. The initial ones are the defaults. What each means stands in setting_table().
struct Settings {
    struct Server {
        std::string listen = "127.0.0.1:8080";
        std::string advertise;
        std::string health_listen;
        std::int64_t threads = 1;
        Duration stop_timeout{30'000};
    } server;

    struct Http {
        Size header_limit{16 << 10};
        Size body_limit{1 << 20};
        std::int64_t connections_limit = 10'000;
        std::int64_t connections_per_address = 0;
        std::int64_t requests_per_connection = 0;
        std::int64_t inflight_limit = 4096;
        Duration idle_timeout{75'000};
        Duration read_timeout{20'000};
        Duration write_timeout{20'000};
        Duration linger_timeout{2'000};
        Size linger_limit{4 << 20};
        std::string realm = "ledgerline";
        std::string public_url;
        std::string trusted_proxies;
        bool public_descriptions = true;
        Size compress_from{256};
        Duration retry_after{1'000};
        std::int64_t overload_status = 503;
        bool access_log = true;
    } http;

    struct Tls {
        std::string listen;
        std::string certificate;
        std::string key;
        std::string client_certificates = "none";
        std::string client_ca;
    } tls;

    struct Callbacks {
        std::string allow;
        std::string ca_file;
        Duration connect_timeout{5'000};
        Duration idle_timeout{30'000};
        std::int64_t idle_limit = 256;
        Size header_limit{16 << 10};
        Size body_limit{256 << 10};
    } callbacks;

    struct Soap {
        std::int64_t depth_limit = 32;
        std::int64_t elements_limit = 4096;
        std::int64_t attributes_limit = 64;
        Size text_limit{64 << 10};
        Size name_limit{1 << 10};
        std::string unknown_elements = "refuse";
        std::string ignore_unknown_of;
    } soap;

    struct Database {
        std::string url;
        std::string owner_url;
        std::string role = "ledgerline_service";
        std::int64_t sessions = 4;
        std::int64_t queue_limit = 1024;
        Duration statement_timeout{10'000};
    } database;

    struct Postgres {
        std::string bin_dir = "/usr/lib/postgresql/15/bin";
        std::string shared_buffers = "256MB";
        std::string max_wal_size = "4GB";
        std::string min_wal_size = "1GB";
        std::int64_t max_connections = 100;
        Duration start_timeout{600'000};
        Duration stop_timeout{60'000};
    } postgres;

    struct Ledger {
        std::int64_t shards = 16;
        std::int64_t lanes = 2;
        std::int64_t lane_fill = 48;
        Duration lane_gather_for{5};
        std::int64_t batch_max = 256;
        std::int64_t queue_limit = 8192;
        Duration queue_timeout{5'000};
        Duration resend_for{5'000};
        std::int64_t max_amount = 1'000'000'000'000'000;
        std::int64_t address_cache = 1'000'000;
        std::int64_t hold_cache = 100'000;
        std::int64_t reference_limit = 255;
        std::int64_t text_limit = 1024;
        std::int64_t period_limit = 36'500;
        std::int64_t parameters_limit = 32;
        std::int64_t history_limit = 1000;
        Duration sweep_interval{5'000};
    } ledger;

    struct Address {
        std::string country;
        std::string trunk_prefix = "0";
    } address;

    struct Payment {
        std::string amounts = "major";
        std::string minor_amounts_of;
    } payment;

    struct Hold {
        Duration ttl{3'600'000};
    } hold;

    struct Pin {
        std::int64_t tries = 5;
        Duration tries_window{900'000};
    } pin;

    struct Voucher {
        bool accepted = true;
        std::int64_t tries = 5;
        Duration tries_window{900'000};
    } voucher;

    struct Balance {
        Duration expiry_grace{2'592'000'000};
    } balance;

    struct Audit {
        Duration seal_interval{10'000};
        std::int64_t seal_block = 1000;
    } audit;

    struct Finance {
        std::string time_zone = "UTC";
        Duration freeze_interval{3'600'000};
    } finance;

    struct Auth {
        std::string default_domain = "example.com";
        Duration credential_ttl{300'000};
        Duration refusal_ttl{30'000};
        std::int64_t credential_cache = 16'384;
        std::int64_t refusal_cache = 4'096;
        std::int64_t hashing_threads = 1;
        std::int64_t hashing_queue = 64;
        std::string key_file;
        bool digest = true;
        bool digest_md5 = false;
        Duration nonce_ttl{300'000};
        bool username_token = true;
        bool sp_header = false;
        Duration clock_skew{300'000};
        std::int64_t replay_memory = 262'144;
        std::int64_t failures_per_login = 10;
        std::int64_t failures_per_address = 100;
        Duration failure_window{60'000};
        std::int64_t trail_failures_per_minute = 60;
    } auth;

    struct Sip {
        std::string listen = "127.0.0.1:5060";
        std::string advertise;
        std::string gateway;
        std::string outbound_proxy;
        std::string user;
        std::string password_file;
        bool assert_identity = false;
        Duration session_expires{1'800'000};
        Duration session_least{90'000};
        Duration liveness{60'000};
        Duration t1{500};
        Duration idle_timeout{10'800'000};
        std::int64_t connections_limit = 10'000;
        std::int64_t connections_per_address = 1'000;
        std::int64_t requests_limit = 50'000;
        std::string realm = "ledgerline";
        bool digest_sha256 = false;
        Duration nonce_ttl{300'000};
        std::string trusted_peers;
        Duration expires_min{60'000};
        Duration expires_default{3'600'000};
        Duration expires_max{7'200'000};
        std::int64_t contacts_max = 10;
        std::int64_t location_cache = 100'000;
    } sip;

    struct Media {
        std::string bridge;
        std::string address;
        std::string rtp_ports = "40000-49999";
        std::string ringing;
        std::string funds_end;
        Duration timeout{3'000};
    } media;

    struct Call {
        std::string allow;
        std::string deny;
        bool allow_loopback = false;
        std::int64_t short_digits = 6;
        std::string short_numbers = "deny";
        std::string emergency_numbers = "112 110 911 999 000";
        std::string emergency = "deny";
        std::string first_from;
        std::string ringback = "silence";
        Duration no_answer{60'000};
        Duration max_duration{12 * 3'600'000};
        Duration linger{30'000};
        Duration slice{60'000};
        Duration slice_ahead{10'000};
        Duration funds_notice{5'000};
        std::int64_t calls_limit = 4'000;
        std::int64_t inbound_limit = 4'000;
        std::int64_t forwards_max = 5;
        std::int64_t branches_max = 16;
        std::int64_t targets_max = 64;
        std::int64_t rule_cache = 100'000;
        std::int64_t calls_per_user = 1'000;
        std::int64_t participants_limit = 32;
        std::int64_t starts_per_second = 2'000;
        std::int64_t records_limit = 100'000;
        Duration lag_limit{200};
        std::int64_t trace_messages = 200;
        Duration heartbeat{5'000};
        Duration heartbeat_patience{30'000};
        Duration node_timeout{2'000};
        Duration stop_grace{5'000};
    } call;

    struct Notifications {
        std::int64_t addresses_limit = 100;
        std::int64_t per_user_limit = 10'000;
        Size text_limit{1 << 10};
        Duration ask_timeout{3'000};
        std::int64_t asks_per_endpoint = 200;
        std::int64_t fork_limit = 10;
        Duration tell_for{60'000};
        Duration tell_timeout{5'000};
        Duration tell_pause{500};
        Duration tell_pause_max{10'000};
        std::int64_t tells_per_endpoint = 1'000;
        std::int64_t tells_limit = 20'000;
        std::int64_t tells_at_once = 4;
        std::int64_t breaker_failures = 5;
        Duration breaker_pause{5'000};
        Duration breaker_pause_max{60'000};
        std::int64_t cache = 10'000;
        std::int64_t endpoints_limit = 10'000;
        Duration stop_grace{2'000};
    } notifications;

    struct Rules {
        std::int64_t entries_limit = 1'000;
        std::int64_t addresses_limit = 100;
    } rules;

    struct Log {
        std::string format = "json";
        std::string level = "info";
        std::string file;
        std::string access_file;
        Size buffer_limit{4 << 20};
        Duration write_interval{100};
    } log;
};

/// One row of the table: a setting's key, its place in Settings, its limits, and its meaning in one sentence.
struct Setting {
    using Place = std::variant<std::string*, std::int64_t*, bool*, Duration*, Size*>;

    std::string_view key;  ///< section.name
    Place place;
    std::string_view meaning;
    std::int64_t min = 0;  ///< of numbers, milliseconds or bytes
    std::int64_t max = std::numeric_limits<std::int64_t>::max();
    std::vector<std::string_view> choices = {};  ///< of texts; empty: any
    /// What is wrong with a text that has a form of its own.
    std::optional<std::string> (*check)(std::string_view text) = nullptr;

    /// The value as TOML writes it, e.g. `"30s"`.
    [[nodiscard]] std::string toml() const;
    /// Sets it from text as the environment and flags have it; what is wrong with the text otherwise.
    [[nodiscard]] std::optional<std::string> assign(std::string_view text) const;
    /// `LEDGERLINE_SECTION_NAME`.
    [[nodiscard]] std::string environment_name() const;
};

/// The table over these values.
[[nodiscard]] std::vector<Setting> setting_table(Settings& settings);

/// etc/ledgerline.toml: every setting with its default and its meaning.
[[nodiscard]] std::string default_settings_file();

/// Something wrong with a setting: where, and what.
struct Mistake {
    std::string where;  ///< the file's, variable's or flag's name
    int line = 0;       ///< in the file; 0: there is none
    std::string what;

    [[nodiscard]] std::string text() const {
        return where + (line > 0 ? ':' + std::to_string(line) : std::string()) + ": " + what;
    }
};

/// Where values come from; later ones win: defaults, the file, the environment, flags.
struct SettingSources {
    std::optional<std::string> file;                 ///< a path
    std::map<std::string, std::string> environment;  ///< all variables; those named LEDGERLINE_… count
    std::map<std::string, std::string> flags;        ///< by key
};

/// The values and every mistake that was found. Values with mistakes keep their defaults.
struct LoadedSettings {
    Settings settings;
    std::vector<Mistake> mistakes;
};
[[nodiscard]] LoadedSettings load_settings(const SettingSources& sources);

/// `ADDRESS:PORT` taken apart; IPv6 addresses stand in brackets.
struct ListenAddress {
    std::string address;
    std::uint16_t port = 0;
    [[nodiscard]] bool loopback() const;
    [[nodiscard]] std::string url() const;  ///< http://ADDRESS:PORT
};
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

/// The variables of this process.
[[nodiscard]] std::map<std::string, std::string> process_environment();

}  // namespace app
