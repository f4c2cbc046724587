// The LISTEN thread: connect, LISTEN, reset, receive; again after a failure.
#include "base/listener.hpp"

#include "base/pause.hpp"

#include <algorithm>

namespace base {

Listener::Listener(Options options, Logger log) : options_(std::move(options)), log_(std::move(log)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
}

Listener::~Listener() = default;

void Listener::listen(const std::stop_token& stop) {
    auto backoff = options_.backoff_min;
    while (!stop.stop_requested()) {
        try {
            sql::Session session(options_.session);
            for (const auto& channel : options_.channels) session.listen(channel);
            // Only now: what changes after this moment is notified, what changed before is dropped by the
            // reset.
            options_.on_reset();
            backoff = options_.backoff_min;
            receive(session, stop);
        } catch (const sql::Error& error) {
            log_.warning("listening for notifications failed; trying again",
                         {{"error", error.what()}, {"pause_ms", backoff.count()}});
            base::pause(stop, backoff);
            backoff = std::min(backoff * 2, options_.backoff_max);
        }
    }
}

void Listener::receive(sql::Session& session, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        for (const auto& [channel, payload] :
             session.wait_for_notifications(std::chrono::milliseconds(250))) {
            options_.on_notify(channel, payload);
        }
    }
}

}  // namespace base
