// Answers what is posted: who sent it, what it says, and what the service makes of it.
#pragma once

#include "frontend/admission.hpp"
#include "frontend/exchange.hpp"
#include "frontend/message_body.hpp"
#include "frontend/recognition.hpp"
#include "frontend/request_metrics.hpp"
#include "frontend/route.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <unordered_map>

namespace frontend {

class SoapRequests {
  public:
    /// All outlive this. Adds the services' operations to `metrics`. Throws std::logic_error when a service
    /// is incomplete.
    SoapRequests(const EndpointParts& parts, const EndpointOptions& options, Recognition& recognition,
                 Admission& admission, RequestMetrics& metrics);

    /// Everything by reference outlives the answer, in which `exchange` learns what became of the request.
    boost::asio::awaitable<http::Response> answer(const http::Request& request, const Route& route,
                                                  Exchange& exchange);

  private:
    struct Served {
        Operation operation;
        std::size_t counters;
    };

    const Operation* serving(const soap::Interface* interface, const soap::OperationTable* operation,
                             Exchange& exchange) const;
    boost::asio::awaitable<http::Response> perform(const http::Request& request, soap::Request message,
                                                   auth::PrincipalPtr principal, Exchange& exchange);
    boost::asio::awaitable<ErasedAnswer> invoke(const Operation& operation, const Call& call,
                                                soap::Message message);
    [[nodiscard]] http::Response denied(auth::Denial denial, Exchange& exchange) const;
    [[nodiscard]] http::Response no_message(BodyError error, Exchange& exchange) const;

    const EndpointParts& parts_;
    const EndpointOptions& options_;
    Recognition& recognition_;
    Admission& admission_;
    std::unordered_map<const soap::OperationTable*, Served> served_;
};

}  // namespace frontend
