// One exchange, and what its answer means.
#include "frontend/soap_client.hpp"

#include <exception>
#include <utility>

namespace frontend {
namespace asio = boost::asio;

namespace {

/// What is merely told asks for nothing but that it was received. Many say that in their own way: without a
/// body, or with a SOAP Body that is empty or of another name.
bool is_receipt(const http::IncomingResponse& response, const soap::OperationTable& operation,
                const soap::Unintelligible& body) {
    const bool success = response.status == 200 || response.status == 202 || response.status == 204;
    return success && operation.response->fields.empty() && (response.body.empty() || body.is_envelope);
}

CallResult understand(const soap::Decoder& decoder, const OutgoingCall& call,
                      const http::IncomingResponse& response) {
    if (response.status >= 300 && response.status < 400) {
        return Undelivered{"HTTP " + std::to_string(response.status) + ": redirects are not followed"};
    }
    auto reply = decoder.decode_reply(response.body, call.endpoint, *call.operation);
    if (auto* message = std::get_if<soap::Message>(&reply)) return std::move(*message);
    if (auto* fault = std::get_if<soap::Fault>(&reply)) return std::move(*fault);
    const auto& body = std::get<soap::Unintelligible>(reply);
    if (is_receipt(response, *call.operation, body)) return soap::Message(*call.operation->response);
    const bool refused = response.status >= 400 && response.status < 500;
    return Undelivered{"HTTP " + std::to_string(response.status) + ": " + body.reason, !refused};
}

}  // namespace

SoapClient::SoapClient(const soap::Decoder& decoder, http::ClientOptions options)
    : decoder_(decoder), http_(std::move(options)) {}

asio::awaitable<CallResult> SoapClient::call(OutgoingCall call) {
    Undelivered failure;
    failure.maybe_done = true;
    try {
        co_return co_await exchange(std::move(call));
    } catch (const std::exception& error) {
        failure.reason = error.what();
    }
    co_return failure;
}

asio::awaitable<CallResult> SoapClient::exchange(OutgoingCall call) {
    http::OutgoingRequest request;
    request.url = call.url;
    request.content_type = soap::content_type(call.soap);
    if (call.soap == soap::SoapVersion::v1_1) request.headers = "SOAPAction: \"\"\r\n";
    request.body =
        soap::encode_request(call.soap, call.endpoint, *call.operation, call.message, call.local_namespace);
    request.timeout = call.timeout;
    const auto exchanged = co_await http_.post(std::move(request));
    if (const auto* response = std::get_if<http::IncomingResponse>(&exchanged))
        co_return understand(decoder_, call, *response);
    using Why = http::NoResponse::Why;
    const auto& failure = std::get<http::NoResponse>(exchanged);
    const bool never = failure.why == Why::bad_url || failure.why == Why::not_allowed;
    co_return Undelivered{failure.reason, failure.may_have_arrived, never};
}

}  // namespace frontend
