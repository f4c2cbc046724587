// Connections that registrations and calls came on: to a phone behind TCP there is often no other way
// (RFC 5626).
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>

struct tport_s;

namespace sip {

/// Touched by the SIP thread only.
class Flows {
  public:
    Flows();
    Flows(const Flows&) = delete;
    Flows& operator=(const Flows&) = delete;

    /// The number of this connection, whose reference it takes over. Numbers are never used again, not by
    /// later runs either.
    std::uint64_t keep(tport_s* connection);
    /// Null when it is gone.
    [[nodiscard]] tport_s* find(std::uint64_t flow) const;
    /// Before the agent goes.
    void clear();

  private:
    std::uint64_t last_;
    std::map<std::uint64_t, tport_s*> connections_;
    std::unordered_map<const tport_s*, std::uint64_t> numbers_;  ///< of these
};

}  // namespace sip
