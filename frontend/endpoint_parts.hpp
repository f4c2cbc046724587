// What an endpoint is made of, and how it behaves.
#pragma once

#include "base/log.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/call_trace.hpp"
#include "frontend/http/networks.hpp"
#include "frontend/node_link.hpp"
#include "frontend/readiness.hpp"
#include "frontend/request_status.hpp"
#include "frontend/service.hpp"
#include "frontend/soap/envelope.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace frontend {

struct EndpointOptions {
    std::string realm = "ledgerline";     ///< of HTTP authentication; no quotes in it
    bool public_descriptions = true;      ///< WSDLs and the index without authentication
    std::chrono::seconds retry_after{1};  ///< what overloaded answers ask clients to wait
    unsigned overload_status = 503;       ///< 500 for clients that parse faults in nothing else
    bool access_log = true;               ///< one line per request
    std::string public_url{};             ///< what WSDLs call this server; empty: what the client called it
    http::Networks trusted_proxies{};     ///< whose X-Forwarded-* headers are believed
    std::size_t compress_from = 256;      ///< bytes of an answer that is packed for those who ask; 0: none
    std::optional<unsigned> health_listener{};  ///< tag of the listener that has probes and metrics to itself
    bool ignore_unknown_elements = false;       ///< of all applications
    std::set<std::string, std::less<>> ignore_unknown_elements_of{};  ///< of these: logins in their long form

    [[nodiscard]] bool ignores_unknown_elements(const auth::Principal& principal) const {
        return ignore_unknown_elements || ignore_unknown_elements_of.contains(principal.login());
    }
};

/// Everything by reference must outlive the endpoint. `readiness` is called on io threads and must not block;
/// `more_metrics` appends further Prometheus text.
struct EndpointParts {
    const soap::Catalogue& catalogue;
    const soap::Decoder& decoder;
    auth::Authenticator& authenticator;
    std::vector<Service> services;
    std::function<Readiness()> readiness;
    std::function<void(std::string&)> more_metrics;
    base::Logger log;
    base::Logger access_log;                 ///< one line a request
    auth::SecretSchemes* secrets = nullptr;  ///< null: HTTP Basic only
    RequestStatus request_status{};          ///< null: nobody is asked what became of a request
    CallTrace call_trace{};                  ///< null: nobody is asked how a call went
    base::Database* database = nullptr;      ///< null: no principal has a limit of requests a second
    NodeLink* node_link = nullptr;           ///< null: other servers ask nothing
};

}  // namespace frontend
