// What authentication costs a request whose credential is remembered.
#pragma once

#include <chrono>
#include <string>

namespace bench {

/// How often a second one thread recognises the sender of a request with HTTP Basic, after the password was
/// verified once: all that authentication adds to such a request. `url`: as ledgerline_service, of a database
/// where the login `bench` may be made. Throws when it is not recognised.
[[nodiscard]] double recognitions_per_second(const std::string& url, std::chrono::milliseconds duration);

}  // namespace bench
