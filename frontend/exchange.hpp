// A request under way, and how a fault becomes its response.
#pragma once

#include "frontend/endpoint_parts.hpp"
#include "frontend/http/message.hpp"
#include "frontend/request_metrics.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace frontend {

/// What is known about a request under way, for its response, the log and the metrics.
struct Exchange {
    std::string id;
    std::string_view client, authorization;  ///< its address, and what HTTP says who it is
    soap::SoapVersion soap = soap::SoapVersion::v1_1;
    const soap::Interface* interface = nullptr;
    const soap::Version* version = nullptr;  ///< faults are of its common schema; null: Parlay X 2.1's
    const soap::OperationTable* operation = nullptr;
    std::string user;
    std::size_t counters = 0;
    RequestOutcome outcome = RequestOutcome::malformed;
    std::string fault;       ///< what the client was told, for the log
    std::string_view cause;  ///< why, where what it was told does not say: static text
};

/// What the client expects to read, as far as headers tell. The envelope itself corrects it.
[[nodiscard]] soap::SoapVersion expected_version(const http::Request& request);

[[nodiscard]] http::Response fault_response(const soap::Fault& fault, unsigned status, Exchange& exchange);

/// A refused request's: its status is SOAP's, unless it may be tried again.
[[nodiscard]] http::Response refused_response(const Refused& refused, const EndpointOptions& options,
                                              Exchange& exchange);

}  // namespace frontend
