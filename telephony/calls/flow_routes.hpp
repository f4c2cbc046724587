// Connections that another node holds: a call for a telephone behind one is sent to that node, which passes
// it on. What it is sent by proves that one of our nodes made it.
#pragma once

#include "frontend/auth/secrets.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace calls {

/// Like an edge proxy's flow token (RFC 5626, 5.2): sealed, so that nobody else calls our users' telephones
/// past their rules.
class FlowRoutes {
  public:
    /// All nodes have the same key.
    explicit FlowRoutes(auth::SecretBox box) : box_(box) {}

    /// A Route header's value that leads to this connection of the node at `node` (host:port).
    [[nodiscard]] std::string route(const std::string& node, std::uint64_t flow, const std::string& contact,
                                    std::chrono::sys_seconds until) const;
    /// The connection that the user part of a Route names for this contact; nothing: it is none of ours, or
    /// too old.
    [[nodiscard]] std::optional<std::uint64_t> flow(std::string_view user, std::string_view contact,
                                                    std::chrono::sys_seconds now) const;

  private:
    auth::SecretBox box_;
};

}  // namespace calls
