// From the target to the question, from the answer to the response.
#include "frontend/questions.hpp"

#include "frontend/forwarded.hpp"
#include "frontend/index_page.hpp"
#include "frontend/soap/wsdl.hpp"

#include <exception>
#include <optional>
#include <utility>

namespace frontend {
namespace asio = boost::asio;

namespace {

constexpr auto nothing_here = "Nothing here; see /ParlayX/";

asio::awaitable<http::Response> status_response(const RequestStatus& ask, auth::PrincipalPtr principal,
                                                const Route& route) {
    if (!ask) co_return http::text_response(404, nothing_here);
    auto reference = percent_decoded(route.reference);
    auto address = query_value(route.query, "endUserIdentifier");
    if (!reference || !address || address->empty()) {
        co_return http::text_response(
            400, "GET /ParlayX/requests/REFERENCE?endUserIdentifier=URI, both percent-encoded");
    }
    StatusQuestion question{std::move(principal), std::move(*reference), std::move(*address)};
    auto answer = co_await ask(std::move(question));
    http::Response response;
    response.status = answer.status;
    response.content_type = "application/json";
    response.body = std::move(answer.json) + '\n';
    co_return response;
}

asio::awaitable<http::Response> trace_response(const CallTrace& ask, auth::PrincipalPtr principal,
                                               const Route& route) {
    if (!ask) co_return http::text_response(404, nothing_here);
    auto call = percent_decoded(route.reference);
    if (!call) co_return http::text_response(400, "GET /ParlayX/calls/ID");
    TraceQuestion question{std::move(principal), std::move(*call)};
    auto trace = co_await ask(std::move(question));
    if (trace.status == 404) co_return http::text_response(404, "No such call");
    if (trace.status != 200) co_return http::text_response(trace.status, "Not to be known now; try again");
    http::Response response;
    response.content_type = http::plain_text;
    response.body = std::move(trace.text);
    co_return response;
}

}  // namespace

asio::awaitable<http::Response> Questions::answer(const http::Request& request, const Route& route) {
    switch (route.kind) {
        case Route::Kind::health:
            co_return http::text_response(200, "ok");
        case Route::Kind::readiness: {
            const auto readiness = parts_.readiness ? parts_.readiness() : Readiness{};
            co_return http::text_response(readiness.ready() ? 200 : 503, readiness.text());
        }
        case Route::Kind::metrics:
            co_return metrics_response();
        case Route::Kind::any_service:
        case Route::Kind::one_service:
            break;
        case Route::Kind::request_status:
        case Route::Kind::call_trace:
            co_return co_await question(request, route);
        case Route::Kind::astray:
        case Route::Kind::nodes:
        case Route::Kind::nothing:
            co_return http::text_response(404, nothing_here);
    }
    if (!options_.public_descriptions) {
        auto sender = co_await sender_of_get(request);
        if (auto* denied = std::get_if<http::Response>(&sender)) co_return std::move(*denied);
    }
    co_return document(request, route);
}

asio::awaitable<std::variant<auth::PrincipalPtr, http::Response>> Questions::sender_of_get(
    const http::Request& request) {
    const std::string client(client_address(request, options_.trusted_proxies));
    const auto outcome = co_await recognition_.transport(request, client);
    const auto* denial = std::get_if<auth::Denial>(&outcome);
    if (denial == nullptr) co_return std::get<auth::PrincipalPtr>(outcome);
    const bool busy = *denial == auth::Denial::overloaded || *denial == auth::Denial::unavailable;
    const bool throttled = *denial == auth::Denial::throttled;
    auto response = http::text_response(busy ? 503 : throttled ? 429 : 401, std::string(to_string(*denial)));
    if (busy) response.add_header("Retry-After", std::to_string(options_.retry_after.count()));
    if (throttled) {
        const auto wait = parts_.authenticator.failures().retry_after(client);
        response.add_header("Retry-After", std::to_string(wait.count()));
    }
    if (response.status == 401) {
        for (const auto& challenge : recognition_.challenges(*denial, request.header("Authorization")))
            response.add_header("WWW-Authenticate", challenge);
    }
    co_return response;
}

/// What no SOAP operation can be asked.
asio::awaitable<http::Response> Questions::question(const http::Request& request, const Route& route) {
    auto sender = co_await sender_of_get(request);
    if (auto* denied = std::get_if<http::Response>(&sender)) co_return std::move(*denied);
    auto principal = std::get<auth::PrincipalPtr>(std::move(sender));
    std::optional<bool> admitted;
    try {
        admitted = co_await admission_.admits(principal);
    } catch (const std::exception& error) {
        parts_.log.error("the database failed a question", {{"error", error.what()}});
    }
    http::Response response;
    if (admitted != true)
        response = admitted ? http::text_response(429, "Over a limit")
                            : http::text_response(503, "The database is away");
    else if (route.kind == Route::Kind::call_trace)
        response = co_await trace_response(parts_.call_trace, std::move(principal), route);
    else
        response = co_await status_response(parts_.request_status, std::move(principal), route);
    if (response.status == 503 || response.status == 429)
        response.add_header("Retry-After", std::to_string(options_.retry_after.count()));
    co_return response;
}

http::Response Questions::document(const http::Request& request, const Route& route) const {
    const auto base = base_url(request);
    if (route.kind == Route::Kind::one_service) {
        const auto endpoint = parts_.catalogue.find(route.version, route.interface);
        if (!endpoint) return http::text_response(404, "No such service; see /ParlayX/");
        if (!route.query.empty()) {
            const auto address =
                base + "/ParlayX/" + std::string(route.version) + '/' + std::string(route.interface);
            auto text = soap::published_document(*endpoint, route.query, address);
            if (!text) return http::text_response(404, "No such document; try ?wsdl");
            http::Response response;
            response.content_type = "text/xml; charset=utf-8";
            response.body = std::move(*text);
            return response;
        }
    }
    http::Response response;
    response.content_type = "text/html; charset=utf-8";
    response.body = index_page(parts_.catalogue, base);
    return response;
}

std::string Questions::base_url(const http::Request& request) const {
    if (!options_.public_url.empty()) {
        return options_.public_url.ends_with('/')
                   ? options_.public_url.substr(0, options_.public_url.size() - 1)
                   : options_.public_url;
    }
    return called_url(request, options_.trusted_proxies);
}

http::Response Questions::metrics_response() const {
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_.write(response.body);
    if (parts_.more_metrics) parts_.more_metrics(response.body);
    return response;
}

}  // namespace frontend
