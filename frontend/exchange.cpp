// SOAP version, status and headers of what is not answered as asked.
#include "frontend/exchange.hpp"

#include "frontend/http/multipart.hpp"

namespace frontend {

soap::SoapVersion expected_version(const http::Request& request) {
    constexpr std::string_view soap_1_2 = "application/soap+xml";
    const auto type = request.header("Content-Type");
    // A package says it in a parameter.
    const bool said = http::is_package(type) ? type.find(soap_1_2) != std::string_view::npos
                                             : http::equal_no_case(type.substr(0, soap_1_2.size()), soap_1_2);
    return said ? soap::SoapVersion::v1_2 : soap::SoapVersion::v1_1;
}

http::Response fault_response(const soap::Fault& fault, unsigned status, Exchange& exchange) {
    http::Response response;
    response.status = status;
    response.content_type = soap::content_type(exchange.soap);
    response.body = soap::encode_fault(exchange.soap, exchange.version, fault);
    exchange.fault = fault.log_text();
    return response;
}

http::Response refused_response(const Refused& refused, const EndpointOptions& options, Exchange& exchange) {
    exchange.cause = refused.cause;
    if (refused.try_again) {
        auto response = fault_response(refused.fault, options.overload_status, exchange);
        response.add_header("Retry-After", std::to_string(options.retry_after.count()));
        exchange.outcome = RequestOutcome::overloaded;
        return response;
    }
    const auto status = static_cast<unsigned>(soap::http_status(exchange.soap, refused.fault));
    auto response = fault_response(refused.fault, status, exchange);
    const bool defect = refused.fault == fault(Code::internal);
    exchange.outcome = defect ? RequestOutcome::failed : RequestOutcome::refused;
    return response;
}

}  // namespace frontend
