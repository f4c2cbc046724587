// Janus's API over a Unix socket of type SEQPACKET, one JSON object in each packet: a session that is kept
// alive, requests with their replies, and a new session when the old one is lost.
#pragma once

#include "base/log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace media {

struct JanusOptions {
    std::string socket;                        ///< path
    std::chrono::milliseconds timeout{3'000};  ///< of one reply
    /// Janus forgets a session that says nothing for 60 s.
    std::chrono::milliseconds keepalive{25'000};
    std::chrono::milliseconds reconnect_min{200};  ///< grows to the next with every failure
    std::chrono::milliseconds reconnect_max{1'000};
};

/// A handle: one participant's face towards the plugin.
using Handle = std::uint64_t;

/// Everything is called on the executor.
class Janus {
  public:
    struct Callbacks {
        std::function<void()> found;                                  ///< a session, with nothing in it
        std::function<void()> lost;                                   ///< the session, with everything in it
        std::function<void(const boost::json::object& event)> event;  ///< that answers no request
    };

    Janus(JanusOptions options, boost::asio::any_io_executor executor, Callbacks callbacks, base::Logger log);
    ~Janus();
    Janus(const Janus&) = delete;
    Janus& operator=(const Janus&) = delete;

    /// Connects, now and whenever the connection is lost.
    void start();
    /// For good. Whoever waits for a reply gets none.
    void close();
    [[nodiscard]] bool up() const;
    /// It took none of the last two connections, or did not answer what they were for. From any thread.
    [[nodiscard]] bool hangs() const;

    /// A new handle of AudioBridge's. Nothing: no session, or no answer in time.
    [[nodiscard]] boost::asio::awaitable<std::optional<Handle>> attach();
    /// Does not wait for the reply.
    void detach(Handle handle);
    /// AudioBridge's answer, which may be an error of its own. Nothing: no session, no answer in time, or an
    /// error of Janus's. Without a handle the session's own one is used.
    [[nodiscard]] boost::asio::awaitable<std::optional<boost::json::object>> message(
        std::optional<Handle> handle, boost::json::object body);
    /// The same without waiting for the answer, by the session's own handle.
    void tell(boost::json::object body);

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with what waits
};

}  // namespace media
