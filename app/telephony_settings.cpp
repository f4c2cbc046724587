// The rows of telephony in the table of settings.
#include "app/telephony_settings.hpp"

#include <algorithm>
#include <charconv>

namespace app {
namespace {

std::optional<std::string> check_bridge(std::string_view text) {
    if (text.empty() || text == "own" || text == "off" || text.starts_with('/')) return std::nullopt;
    return "must be own, off, or the absolute path of a socket, not '" + std::string(text) + "'";
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

}  // namespace

std::vector<Setting> telephony_settings(Settings& s) {
    return {
        {"sip.listen",
         &s.sip.listen,
         "IP address and port of SIP, UDP and TCP; empty: no SIP and no calls.",
         0,
         0,
         {},
         check_optional_listen},
        {"sip.advertise", &s.sip.advertise,
         "Host and port that SIP peers are told to answer to; empty: sip.listen."},
        {"sip.gateway", &s.sip.gateway,
         "Host and port of the SIP gateway that tel: numbers go to; empty: they are not reachable."},

        {"media.bridge",
         &s.media.bridge,
         "Who mixes three and more parties: own (a Janus of this server's), the path of a running Janus's "
         "Unix socket, or off; empty: off, and own with --demo.",
         0,
         0,
         {},
         check_bridge},
        {"media.address", &s.media.address,
         "IP address that parties send mixed media to; empty: sip.listen's, or what a running Janus says."},
        {"media.rtp_ports",
         &s.media.rtp_ports,
         "UDP ports of the own Janus, the first and the last.",
         0,
         0,
         {},
         check_ports},
        {"media.timeout", &s.media.timeout, "How long Janus may take to answer; then it is taken for lost.",
         100, 10'000},

        {"call.allow", &s.call.allow,
         "Outside addresses that users may call, by their first characters, e.g. \"tel:+49 sip:\"."},
        {"call.deny", &s.call.deny, "Addresses that nobody may call, by their first characters; it wins."},
        {"call.allow_loopback", &s.call.allow_loopback,
         "Whether sip: addresses on this machine may be called; on with --demo."},
        {"call.no_answer", &s.call.no_answer, "How long a party may ring.", 100},
        {"call.max_duration", &s.call.max_duration,
         "How long a call may last after it was connected; 0ms: for ever."},
        {"call.slice", &s.call.slice,
         "How much time is held ahead, and added at once, of calls that are paid by time; whole seconds.",
         1000},
        {"call.slice_ahead", &s.call.slice_ahead,
         "How long before the paid time ends more is asked for; the call ends with it."},
        {"call.linger", &s.call.linger, "How long an ended call's status can be read."},
        {"call.calls_limit", &s.call.calls_limit, "Calls at once; more get 503.", 1},
        {"call.calls_per_user", &s.call.calls_per_user, "Calls of one user at once.", 1},
        {"call.participants_limit", &s.call.participants_limit,
         "Participants of a session at once; without a bridge 2.", 2},
        {"call.starts_per_second", &s.call.starts_per_second, "New calls in a second; more get 503.", 1},
        {"call.stop_grace", &s.call.stop_grace,
         "How long running calls may take to end when the server stops."},
    };
}

}  // namespace app
