// Bounds on what failures leave behind.
#include "frontend/auth/failures.hpp"

#include "base/utf8.hpp"

namespace auth {

Failures::Failures(Options options, base::Logger log)
    : options_(options), log_(std::move(log)), throttle_(options.throttle) {}

std::optional<Failures::Row> Failures::note(std::string_view login, std::string_view reason,
                                            std::string_view peer) {
    constexpr std::size_t shown_bytes_max = 255;
    auto shown = std::string(login.substr(0, shown_bytes_max));
    if (shown.empty() || !base::is_storable_text(shown)) shown = "(no login)";
    log_.warning("authentication failed", {{"login", shown}, {"reason", reason}, {"peer", peer}});
    const auto now = Clock::now();
    throttle_.failed(login, peer, now);
    Row row{std::move(shown), std::string(reason), std::string(peer)};
    const std::lock_guard lock(mutex_);
    if (now >= minute_ends_) {
        minute_ends_ = now + std::chrono::minutes(1);
        rows_ = 0;
    }
    if (rows_ >= options_.rows_per_minute) {
        ++unwritten_;
        return std::nullopt;
    }
    ++rows_;
    if (unwritten_ > 0)
        row.details += "; before this one " + std::to_string(unwritten_) + " were not written";
    unwritten_ = 0;
    return row;
}

void Failures::write(base::sql::Session& session, const Row& row) {
    session.exec("SELECT trail.add('auth.failed', $1, $2, $1, $3)",
                 base::sql::params(row.login, row.details, row.origin));
}

}  // namespace auth
