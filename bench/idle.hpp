// Connections that stay open without doing anything: what charging systems keep between requests.
#pragma once

#include <cstdint>

namespace bench {

class ServerUnderTest;

struct IdleConnections {
    std::int64_t held = 0;         ///< that answered again after all had been opened
    double server_bytes_each = 0;  ///< memory of the server
};

/// Opens that many connections, sends one request on each, lets all be idle, and sends another one. Throws
/// when the system does not let this process have so many.
[[nodiscard]] IdleConnections hold_idle_connections(const ServerUnderTest& server, std::int64_t count);

}  // namespace bench
