// The rows of telephony in the table of settings.
#include "app/telephony_settings.hpp"

#include "app/setting_checks.hpp"
#include "telephony/calls/destinations.hpp"

#include <algorithm>
#include <charconv>

namespace app {
namespace {

std::optional<std::string> check_bridge(std::string_view text) {
    if (text.empty() || text == "own" || text == "off" || text.starts_with('/')) return std::nullopt;
    return "must be own, off, or the absolute path of a socket, not '" + std::string(text) + "'";
}

std::optional<std::string> check_caller(std::string_view text) {
    // It stands between angle brackets in From.
    const bool plain = text.find_first_of(" <>\"\r\n") == std::string_view::npos;
    const bool address = text.starts_with("sip:") || text.starts_with("tel:");
    if (text.empty() || (address && plain && text.size() > 4)) return std::nullopt;
    return "must be a sip: or tel: address, not '" + std::string(text) + "'";
}

std::optional<std::string> check_ports(std::string_view text) {
    const auto dash = std::min(text.find('-'), text.size());
    unsigned first = 0;
    unsigned last = 0;
    const auto number = [](std::string_view part, unsigned& value) {
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        return error == std::errc() && end == part.data() + part.size();
    };
    const bool read =
        dash < text.size() && number(text.substr(0, dash), first) && number(text.substr(dash + 1), last);
    if (read && first >= 1024 && first < last && last <= 65'535) return std::nullopt;
    return "must be two ports from 1024 on, like 40000-49999, not '" + std::string(text) + "'";
}

/// A port's number behind a colon.
bool is_port(std::string_view text) {
    std::uint16_t number = 0;
    const auto digits = text.substr(std::min<std::size_t>(1, text.size()));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return text.starts_with(':') && error == std::errc() && end == digits.data() + digits.size() &&
           number != 0;
}

std::optional<std::string> check_host_port(std::string_view text) {
    // Parameters of the URI that it becomes a part of may follow: ;transport=tcp.
    const auto address = text.substr(0, text.find(';'));
    const auto host_end = address.starts_with('[') ? address.find(']') + 1 : address.find(':');
    const auto host = address.substr(0, host_end);
    const auto port = address.substr(host.size());
    const bool plain = text.find_first_of(" \t\r\n<>\"@/") == std::string_view::npos;
    if (text.empty() || (plain && !host.empty() && (port.empty() || is_port(port)))) return std::nullopt;
    return "must be a host and a port, like sip.example.com:5060, not '" + std::string(text) + "'";
}

std::optional<std::string> check_address(std::string_view text) {
    const auto address = std::string(text);
    const bool v6 = text.find(':') != std::string_view::npos;
    if (text.empty() || parse_listen_address(v6 ? '[' + address + "]:0" : address + ":0"))
        return std::nullopt;
    return "must be an IP address, not '" + address + "'";
}

/// What begins in no such way fits no address: a ban of it would be none.
std::optional<std::string> check_prefixes(std::string_view text) {
    for (const auto& word : calls::words_of(text)) {
        if (!word.starts_with("tel:") && !word.starts_with("sip:"))
            return "must be beginnings of tel: and sip: addresses, like \"tel:+49 sip:\", not '" + word + "'";
    }
    return std::nullopt;
}

std::vector<Setting> notification_settings(Settings::Notifications& s) {
    return {
        {"notifications.addresses_limit", &s.addresses_limit,
         "Addresses of one notification; more get POL0003.", 1, 100'000},
        {"notifications.per_user_limit", &s.per_user_limit,
         "Live notifications of one user; more get POL0005.", 1},
        {"notifications.text_limit", &s.text_limit,
         "The longest endpoint, correlator or interface name of a notification.", 64, 1 << 16},
        {"notifications.ask_timeout", &s.ask_timeout,
         "How long a call waits for what an application says; then it goes on as if nobody had been asked.",
         10},
        {"notifications.asks_per_endpoint", &s.asks_per_endpoint,
         "Questions to one endpoint at once; calls beyond go on at once.", 1},
        {"notifications.fork_limit", &s.fork_limit,
         "Addresses that an application may add to a call at once; an answer with more is ignored.", 1, 100},
        {"notifications.tell_for", &s.tell_for,
         "How long it is tried to tell an application of an event; then it is lost.", 10},
        {"notifications.tell_timeout", &s.tell_timeout, "How long one try of that may take.", 10},
        {"notifications.tell_pause", &s.tell_pause,
         "The pause before the second try; doubled before each further one.", 1},
        {"notifications.tell_pause_max", &s.tell_pause_max, "The longest such pause.", 1},
        {"notifications.tells_per_endpoint", &s.tells_per_endpoint,
         "Events that may wait for one endpoint; more are lost.", 1},
        {"notifications.tells_limit", &s.tells_limit, "Events that may wait in all; more are lost.", 1},
        {"notifications.tells_at_once", &s.tells_at_once,
         "Events that one endpoint is told at once; those of one call always come one after the other.", 1,
         64},
        {"notifications.breaker_failures", &s.breaker_failures,
         "Failures in a row after which an endpoint is left alone for a while.", 1},
        {"notifications.breaker_pause", &s.breaker_pause,
         "How long, at first; doubled each time it then fails again.", 1},
        {"notifications.breaker_pause_max", &s.breaker_pause_max, "How long at most.", 1},
        {"notifications.cache", &s.cache, "Notifications that are kept in memory.", 2},
        {"notifications.endpoints_limit", &s.endpoints_limit, "Endpoints whose failures are remembered.", 1},
        {"notifications.stop_grace", &s.stop_grace,
         "How long telling what is left may take when the server stops."},
    };
}

std::vector<Setting> sip_settings(Settings& s) {
    return {
        {"sip.listen",
         &s.sip.listen,
         "IP address and port of SIP, UDP and TCP; empty: no SIP and no calls.",
         0,
         0,
         {},
         check_optional_listen},
        {.key = "sip.advertise",
         .place = &s.sip.advertise,
         .meaning = "Host and port that SIP peers are told to answer to; empty: sip.listen.",
         .check = check_host_port},
        {.key = "sip.gateway",
         .place = &s.sip.gateway,
         .meaning =
             "Host and port of the SIP gateway that tel: numbers go to; empty: they are not reachable.",
         .check = check_host_port},
        {.key = "sip.outbound_proxy",
         .place = &s.sip.outbound_proxy,
         .meaning = "Host and port of the proxy that every SIP request goes to; empty: its own destination.",
         .check = check_host_port},
        {"sip.user", &s.sip.user,
         "Our user at the gateway and the outbound proxy, for their 401 and 407; empty: those are not "
         "answered."},
        {"sip.password_file", &s.sip.password_file, "The file with that user's password, one line."},
        {"sip.assert_identity", &s.sip.assert_identity,
         "Whether the gateway and the outbound proxy are told the caller in P-Asserted-Identity."},
        {"sip.session_expires", &s.sip.session_expires,
         "Within what time peers show that they are there (RFC 4028), whole seconds; 0ms: they are not asked "
         "to."},
        {"sip.session_least", &s.sip.session_least, "The shortest such time that a peer may ask for.", 1000},
        {"sip.liveness", &s.sip.liveness,
         "How often peers without such a timer are asked by OPTIONS, and taken for gone if they don't "
         "answer."},
        {"sip.t1", &s.sip.t1,
         "After how long what is not answered is sent again (RFC 3261); 64 times that is the time-out.", 50,
         5'000},
        {"sip.idle_timeout", &s.sip.idle_timeout,
         "How long a TCP connection may be silent; less than expires_max loses silent telephones.", 1000,
         2'592'000'000},
        {"sip.connections_limit", &s.sip.connections_limit,
         "TCP connections of others in total; further ones are closed.", 1},
        {"sip.connections_per_address", &s.sip.connections_per_address,
         "Those of one address, of IPv6 of one /64, as they are counted every few seconds; 0: no limit of "
         "its own."},
        {"sip.requests_limit", &s.sip.requests_limit,
         "Requests that are remembered, 10 kB each for 64 times t1; then what is in no dialog is dropped.",
         1},
        {.key = "sip.realm",
         .place = &s.sip.realm,
         .meaning = "The realm that SIP authentication names.",
         .check = check_realm},
        {"sip.digest_sha256", &s.sip.digest_sha256,
         "Whether SIP digests with SHA-256 are offered before MD5; old phones know no other than the first."},
        {"sip.nonce_ttl", &s.sip.nonce_ttl, "How long a nonce of SIP authentication may be used.", 1000},
        {"sip.trusted_peers",
         &s.sip.trusted_peers,
         "Networks of SIP peers whose calls to users need no authentication, e.g. 10.0.0.5, ::1.",
         0,
         0,
         {},
         check_networks},
        {"sip.expires_min", &s.sip.expires_min, "The shortest registration; shorter ones get 423.", 1000},
        {"sip.expires_default", &s.sip.expires_default, "How long a registration lives that does not say it.",
         1000},
        {"sip.expires_max", &s.sip.expires_max, "The longest registration; longer ones are shortened.", 1000},
        {"sip.contacts_max", &s.sip.contacts_max,
         "Contacts of one account; of more, those that end first make room.", 1},
        {"sip.location_cache", &s.sip.location_cache, "Accounts whose contacts a node remembers.", 1},
    };
}

std::vector<Setting> media_settings(Settings& s) {
    return {
        {"media.bridge",
         &s.media.bridge,
         "Who mixes three and more parties: own (a Janus of this server's), the path of a running Janus's "
         "Unix socket, or off; empty: off, and own with --demo.",
         0,
         0,
         {},
         check_bridge},
        {.key = "media.address",
         .place = &s.media.address,
         .meaning = "IP address that parties send mixed media to; empty: sip.listen's, or what a running "
                    "Janus says.",
         .check = check_address},
        {"media.rtp_ports",
         &s.media.rtp_ports,
         "UDP ports of the own Janus, the first and the last.",
         0,
         0,
         {},
         check_ports},
        {"media.ringing", &s.media.ringing,
         "The Ogg Opus file that Janus plays as the ringing tone; empty: the own Janus has one, 425 Hz."},
        {"media.funds_end", &s.media.funds_end,
         "The one that it plays while paid time runs out, again and again; empty: the own Janus's, 1400 Hz."},
        {"media.timeout", &s.media.timeout, "How long Janus may take to answer; then it is taken for lost.",
         100, 10'000},
    };
}

/// Of calls: who may be called.
std::vector<Setting> destination_settings(Settings& s) {
    return {
        {.key = "call.allow",
         .place = &s.call.allow,
         .meaning =
             "Outside addresses that users may call, by their first characters, e.g. \"tel:+49 sip:\".",
         .check = check_prefixes},
        {.key = "call.deny",
         .place = &s.call.deny,
         .meaning = "Addresses that nobody may call, by their first characters; it wins.",
         .check = check_prefixes},
        {"call.allow_loopback", &s.call.allow_loopback,
         "Whether sip: addresses on this machine may be called; on with --demo."},
        {"call.short_digits", &s.call.short_digits,
         "tel: numbers without + and of at most so many digits, or with * or #, are short numbers."},
        {"call.short_numbers",
         &s.call.short_numbers,
         "What becomes of calls to short numbers: deny, or route (to the gateway, whoever may call).",
         0,
         0,
         {"deny", "route"}},
        {"call.emergency_numbers", &s.call.emergency_numbers,
         "The emergency numbers, which are looked for with the country's code in front, too."},
        {"call.emergency",
         &s.call.emergency,
         "What becomes of calls to them: deny, or route.",
         0,
         0,
         {"deny", "route"}},
    };
}

std::vector<Setting> call_settings(Settings& s) {
    return {
        {"call.first_from",
         &s.call.first_from,
         "The sip: or tel: address that seems to call the first party; empty: the second party's.",
         0,
         0,
         {},
         check_caller},
        {"call.ringback",
         &s.call.ringback,
         "What one party hears while another one rings: silence, or the ringing tone of media.bridge.",
         0,
         0,
         {"silence", "bridge"}},
        {"call.no_answer", &s.call.no_answer, "How long a party may ring.", 100},
        {"call.max_duration", &s.call.max_duration,
         "How long a call may last after it was connected; 0ms: for ever."},
        {"call.slice", &s.call.slice,
         "How much time is held ahead, and added at once, of calls that are paid by time; whole seconds.",
         1000},
        {"call.slice_ahead", &s.call.slice_ahead,
         "How long before the paid time ends more is asked for; the call ends with it."},
        {"call.funds_notice", &s.call.funds_notice,
         "For how long parties hear from media.bridge that it ends, where no more could be had; 0ms: not at "
         "all; "
         "at most half of slice_ahead."},
        {"call.linger", &s.call.linger, "How long an ended call's status can be read."},
        {"call.calls_limit", &s.call.calls_limit, "Calls at once; more get 503.", 1},
        {"call.inbound_limit", &s.call.inbound_limit, "Calls from outside at once; more get 503.", 1},
        {"call.forwards_max", &s.call.forwards_max,
         "Forwards of one call, one after the other; more get 483.", 0, 20},
        {"call.branches_max", &s.call.branches_max,
         "Devices that one call from outside may be sent to, one after the other or at once.", 1, 60},
        {"call.targets_max", &s.call.targets_max,
         "Addresses that one call from outside may be sent to, by forwards and forks, one after the other or "
         "at once; more get 483.",
         1, 1000},
        {"call.rule_cache", &s.call.rule_cache, "Accounts whose Signal Rules a node remembers.", 1},
        {"call.calls_per_user", &s.call.calls_per_user, "Calls of one user at once.", 1},
        {"call.participants_limit", &s.call.participants_limit,
         "Participants of a session at once; without a bridge 2.", 2},
        {"call.starts_per_second", &s.call.starts_per_second, "New calls in a second; more get 503.", 1},
        {"call.records_limit", &s.call.records_limit,
         "Records that may wait while the database is away; then new calls get 503.", 1},
        {"call.lag_limit", &s.call.lag_limit,
         "New calls get 503 while others wait for this server for so long.", 10},
        {"call.trace_messages", &s.call.trace_messages,
         "SIP messages of each call that `call trace` shows, as long as its status can be read; 0: none."},
        {"call.stop_grace", &s.call.stop_grace,
         "How long running calls may take to end when the server stops."},
    };
}

/// Of calls on a database that several nodes have.
std::vector<Setting> node_settings(Settings::Call& s) {
    return {
        {"call.heartbeat", &s.heartbeat, "How often a node tells the others on its database that it lives.",
         100},
        {"call.heartbeat_patience", &s.heartbeat_patience,
         "How long another node may be silent before this one ends its calls; longer than heartbeat.", 300},
        {"call.node_timeout", &s.node_timeout,
         "How long another node may take to answer for a call that it has; then the request gets 503.", 100},
    };
}

std::vector<Setting> rule_settings(Settings::Rules& s) {
    return {
        {"rules.entries_limit", &s.entries_limit,
         "Addresses in the lists that Call Handling sets for an account; more get POL0003.", 1},
        {"rules.addresses_limit", &s.addresses_limit,
         "Accounts of one request of Call Handling; more get POL0003.", 1},
    };
}

}  // namespace

std::vector<Setting> telephony_settings(Settings& s) {
    auto rows = sip_settings(s);
    for (auto& more : {media_settings(s), destination_settings(s), call_settings(s), node_settings(s.call),
                       rule_settings(s.rules), notification_settings(s.notifications)})
        rows.insert(rows.end(), more.begin(), more.end());
    return rows;
}

}  // namespace app
