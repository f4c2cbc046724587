// A request's way through the front end, one straight line: route, credentials, SOAP, handler, SOAP,
// response.
#pragma once

#include "frontend/endpoint_parts.hpp"
#include "frontend/http/server.hpp"

#include <memory>

namespace frontend {

/// Serves SOAP under /ParlayX/, and /healthz, /readyz, /metrics.
class Endpoint final : public http::Handler {
  public:
    /// Throws std::logic_error when a service is incomplete.
    Endpoint(EndpointParts parts, EndpointOptions options);
    ~Endpoint() override;

    boost::asio::awaitable<http::Response> handle(const http::Request& request) override;
    http::Response refuse(const http::Request& request, http::Refusal refusal, unsigned status) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace frontend
