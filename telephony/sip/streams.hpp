// TCP connections of others to us: how many there are, and the end of those that are good for nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>

namespace sip {

struct StreamLimits {
    std::size_t total = 10'000;       ///< connections that are open; further ones are closed at once
    std::size_t per_address = 1'000;  ///< of one peer's address, as far as they are counted; 0: any number
    std::chrono::milliseconds idle = std::chrono::hours(3);  ///< after so much silence they are closed
};

/// sofia-sip 1.12.11 accepts whatever comes, and does not close everything that is silent: not what somebody
/// refers to, as a registration does, nor what has begun a message. It stops reading a stream at a message
/// that is wrong, as one is that the peer's end cuts off, and takes it for closed from then on, so that
/// nothing closes it: each would cost a descriptor for ever. It has no way to ask for all of its connections,
/// so this goes by the kernel's word. In the SIP thread, which alone closes such descriptors.
class Streams {
  public:
    Streams(StreamLimits limits, std::uint16_t port) : limits_(limits), port_(port) {}
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;
    ~Streams();

    /// Counts them, and resets those that were silent for too long, that are too many of one address, or that
    /// their peers have closed, and had closed already the last time: what the stack itself closes is gone by
    /// then. The error makes the stack let go of them.
    void look();

    /// A descriptor of the listening socket, beside the stack's own; negative: there is none.
    int listener();
    /// The stack's descriptor of the UDP socket; negative: there is none.
    [[nodiscard]] int datagrams() const;
    /// Somebody waits there to be accepted. The stack accepts one, unless there are enough: then they are
    /// closed here.
    void somebody_waits();
    /// How many were closed so since the last time that this was asked.
    std::size_t take_refused();

  private:
    using Clock = std::chrono::steady_clock;

    StreamLimits limits_;
    std::uint16_t port_;
    std::set<int> closed_by_peer_;
    int listener_ = -1;
    std::size_t open_ = 0;  ///< when they were counted, and what came since
    Clock::time_point counted_;
    std::size_t refused_ = 0;
};

}  // namespace sip
