// Connections that the stack has given up, and does not close.
#pragma once

#include <cstdint>
#include <set>

namespace sip {

/// sofia-sip 1.12.11 stops reading a stream at a message that is wrong, as one is that the peer's end cuts
/// off, and takes it for closed from then on, so that nothing closes it: each would cost a descriptor for
/// ever.
class GivenUpStreams {
  public:
    /// Resets those at this port that their peers have closed, and had closed already the last time: what the
    /// stack itself closes is gone by then. The error makes the stack let go of them. In the SIP thread,
    /// which alone closes such descriptors.
    void reset(std::uint16_t port);

  private:
    std::set<int> closed_by_peer_;
};

}  // namespace sip
