// Who refreshes, and when.
#include "telephony/sip/session_timer.hpp"

#include <algorithm>

namespace sip {

using std::chrono::seconds;

TimerRequest SessionTimer::request() const {
    TimerRequest request;
    if (wanted_.count() == 0) return request;
    request.expires = SessionExpires{std::max(wanted_, interval_), {}};
    // Who refreshes goes on doing so (7.1).
    if (refresher_ != Refresher::nobody) request.expires->caller_refreshes = refresher_ == Refresher::us;
    request.least = least_;
    return request;
}

std::string SessionTimer::least_line() const { return "Min-SE: " + std::to_string(least_.count()); }

bool SessionTimer::raise(seconds peers_least) {
    constexpr int raises_max = 10;
    if (peers_least <= wanted_ || wanted_.count() == 0 || ++raises_ > raises_max) return false;
    wanted_ = peers_least;
    least_ = std::max(least_, peers_least);
    return true;
}

void SessionTimer::agree(const std::optional<SessionExpires>& answer) {
    refresher_ = Refresher::nobody;
    if (!answer || answer->interval.count() == 0) return;
    interval_ = answer->interval;
    refresher_ = answer->caller_refreshes.value_or(true) ? Refresher::us : Refresher::peer;
}

std::string SessionTimer::answer_lines(const std::optional<SessionExpires>& asked, bool supported) {
    refresher_ = Refresher::nobody;
    if (!asked && (wanted_.count() == 0 || !supported)) return {};
    interval_ = asked ? asked->interval : wanted_;
    const bool caller = asked ? asked->caller_refreshes.value_or(supported) : false;
    refresher_ = caller ? Refresher::peer : Refresher::us;
    return std::string(caller ? "Require: timer\r\n" : "") +
           "Session-Expires: " + std::to_string(interval_.count()) +
           ";refresher=" + (caller ? "uac" : "uas") + "\r\n";
}

seconds SessionTimer::due() const {
    constexpr seconds margin{32};
    if (refresher_ == Refresher::peer) return interval_ - std::min(margin, interval_ / 3);
    return std::max(interval_ / 2, seconds(1));
}

}  // namespace sip
