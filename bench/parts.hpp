// What the server does for one chargeAmount, part by part, without sockets and without a database: for timing
// (Google Benchmark) and for counting instructions (callgrind).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Part {
    std::string name;
    std::function<void()>
        run;  ///< does it once, for one request; throws when the result is not what it must be
};

/// In a request's order: `http_request` (parsing), `decode` (SOAP), `decode_unusual` (the same message with a
/// comment in it, which Xerces reads), `auth` (a remembered credential), `batch` (one posting's share of the
/// parameters of a batch of 64), `encode` (SOAP), `http_response` (the head), `access_log` (the line). They
/// share state that lives as long as any of them.
[[nodiscard]] std::vector<Part> make_parts();

}  // namespace bench
