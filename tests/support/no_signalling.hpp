// Signalling without a network, for tests of what stands above it.
#pragma once

#include "telephony/calls/signalling.hpp"

#include <string>

namespace tests {

/// Does nothing of what it is told, and says nothing; a test overrides what it looks at.
class NoSignalling : public calls::Signalling {
  public:
    void invite(calls::LegId, calls::Invitation) override {}
    void reinvite(calls::LegId, std::string) override {}
    void withdraw(calls::LegId) override {}
    void ack(calls::LegId, std::string) override {}
    void relay(calls::LegId, calls::Ticket, calls::Method, calls::Body) override {}
    void answer(calls::LegId, calls::Ticket, int, calls::Body) override {}
    void end(calls::LegId, calls::Cause) override {}
    void rename(calls::LegId, calls::LegId) override {}
    void refuse(calls::LegId, calls::Response) override {}
    void hang_up_lost(std::string) override {}
};

}  // namespace tests
