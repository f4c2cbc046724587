// The rows of telephony in the table of settings.
#include "app/telephony_settings.hpp"

namespace app {

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
        {"call.starts_per_second", &s.call.starts_per_second, "New calls in a second; more get 503.", 1},
        {"call.stop_grace", &s.call.stop_grace,
         "How long running calls may take to end when the server stops."},
    };
}

}  // namespace app
