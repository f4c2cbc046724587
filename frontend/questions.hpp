// Answers to GETs: descriptions, probes, and what no SOAP operation can be asked.
#pragma once

#include "frontend/admission.hpp"
#include "frontend/endpoint_parts.hpp"
#include "frontend/recognition.hpp"
#include "frontend/request_metrics.hpp"
#include "frontend/route.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>
#include <variant>

namespace frontend {

class Questions {
  public:
    /// All outlive this.
    Questions(const EndpointParts& parts, const EndpointOptions& options, Recognition& recognition,
              Admission& admission, const RequestMetrics& metrics)
        : parts_(parts),
          options_(options),
          recognition_(recognition),
          admission_(admission),
          metrics_(metrics) {}

    /// Both outlive the answer.
    boost::asio::awaitable<http::Response> answer(const http::Request& request, const Route& route);

  private:
    boost::asio::awaitable<std::variant<auth::PrincipalPtr, http::Response>> sender_of_get(
        const http::Request& request);
    boost::asio::awaitable<http::Response> question(const http::Request& request, const Route& route);
    [[nodiscard]] http::Response document(const http::Request& request, const Route& route) const;
    [[nodiscard]] std::string base_url(const http::Request& request) const;
    [[nodiscard]] http::Response metrics_response() const;

    const EndpointParts& parts_;
    const EndpointOptions& options_;
    Recognition& recognition_;
    Admission& admission_;
    const RequestMetrics& metrics_;
};

}  // namespace frontend
