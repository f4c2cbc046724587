// Calls' bridge by Janus's AudioBridge: a room for each call, with a participant for each leg that speaks
// plain RTP.
#pragma once

#include "base/log.hpp"
#include "telephony/calls/bridge.hpp"
#include "telephony/media/janus.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <string>

namespace media {

struct AudioBridgeOptions {
    JanusOptions janus;
    /// That parties are told to send to; empty: what Janus says.
    std::string address;
    /// What is played for each tone, Ogg Opus files that Janus can read; empty: nothing.
    std::string ringing;
    std::string funds_end;
};

class AudioBridge final : public calls::Bridge {
  public:
    /// `sink` is told Joined and Unbridged.
    AudioBridge(AudioBridgeOptions options, boost::asio::any_io_executor executor, calls::EventSink sink,
                base::Logger log);
    ~AudioBridge() override;
    AudioBridge(const AudioBridge&) = delete;
    AudioBridge& operator=(const AudioBridge&) = delete;

    /// Connects, now and whenever the connection is lost. On the executor.
    void start();
    /// For good: nothing is reported from now on. The connection goes when Janus has ended the rooms. On the
    /// executor.
    void close();

    [[nodiscard]] bool available() const override;
    void join(calls::LegId leg, std::string offer, bool muted) override;
    void leave(calls::LegId leg) override;
    void play(calls::CallNo call, calls::Tone tone) override;

    /// Janus is there and says nothing. From any thread.
    [[nodiscard]] bool hangs() const;
    /// Legs that have joined or ask to. From any thread.
    [[nodiscard]] std::size_t participants() const;
    /// That Janus was asked for. From any thread.
    [[nodiscard]] std::size_t rooms() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with what waits for Janus
};

}  // namespace media
