// Tries, pauses, and what an answer means.
#include "frontend/soap_client.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace frontend {
namespace asio = boost::asio;

namespace {

/// Between half and all of it, so that many calls that failed together do not come back together.
std::chrono::milliseconds jittered(std::chrono::milliseconds pause) {
    std::array<std::uint8_t, 2> random{};
    base::random_bytes(random);
    const auto share = (random[0] << 8) | random[1];
    return pause / 2 + pause / 2 * share / 65536;
}

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

bool is_passing(unsigned status) { return status == 502 || status == 503 || status == 504; }

}  // namespace

SoapClient::SoapClient(const soap::Decoder& decoder, SoapClientOptions options)
    : decoder_(decoder), options_(std::move(options)), http_(options_.http) {}

asio::awaitable<CallResult> SoapClient::call(OutgoingCall call) {
    const auto envelope =
        soap::encode_request(call.soap, call.endpoint, *call.operation, call.message, call.local_namespace);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    auto pause = options_.retry_pause;
    for (std::size_t tries = call.repeat ? std::max<std::size_t>(options_.tries, 1) : 1;; --tries) {
        http::OutgoingRequest request;
        request.url = call.url;
        request.content_type = soap::content_type(call.soap);
        if (call.soap == soap::SoapVersion::v1_1) request.headers = "SOAPAction: \"\"\r\n";
        if (!call.authorization.empty()) request.headers += "Authorization: " + call.authorization + "\r\n";
        request.body = envelope;
        request.timeout = call.timeout.value_or(options_.timeout);
        const auto exchanged = co_await http_.post(std::move(request));

        CallResult result = Undelivered{};
        bool again = true;
        if (const auto* response = std::get_if<http::IncomingResponse>(&exchanged)) {
            result = understand(decoder_, call, *response);
            again = is_passing(response->status) && std::holds_alternative<Undelivered>(result);
        } else {
            using Why = http::NoResponse::Why;
            const auto& failure = std::get<http::NoResponse>(exchanged);
            const bool never = failure.why == Why::bad_url || failure.why == Why::not_allowed;
            result = Undelivered{failure.reason, failure.may_have_arrived, never};
            again = !never && failure.why != Why::untrusted && failure.why != Why::too_large;
        }
        if (!again || tries <= 1) co_return result;
        timer.expires_after(jittered(pause));
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        pause *= 2;
    }
}

}  // namespace frontend
