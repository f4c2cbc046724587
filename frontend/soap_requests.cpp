// The straight line that every SOAP request takes: credentials, message, handler, response.
#include "frontend/soap_requests.hpp"

#include "frontend/soap/fault.hpp"

#include <exception>
#include <utility>

namespace frontend {
namespace asio = boost::asio;

namespace {

/// Null when nobody is known yet.
auth::PrincipalPtr principal_of(const auth::Outcome& sender, Exchange& exchange) {
    const auto* principal = std::get_if<auth::PrincipalPtr>(&sender);
    if (principal == nullptr) return nullptr;
    exchange.user = (*principal)->login();
    return *principal;
}

http::Response no_service(const Route& route, Exchange& exchange) {
    return fault_response(soap::Fault::client("No service at " + std::string(route.path)), 404, exchange);
}

}  // namespace

SoapRequests::SoapRequests(const EndpointParts& parts, const EndpointOptions& options,
                           Recognition& recognition, Admission& admission, RequestMetrics& metrics)
    : parts_(parts), options_(options), recognition_(recognition), admission_(admission) {
    for (const auto& service : parts_.services) {
        service.check_complete();
        for (const auto& operation : service.operations()) {
            const auto counters = metrics.add(service.interface().name, operation.table->name);
            served_.emplace(operation.table, Served{operation, counters});
        }
    }
}

asio::awaitable<http::Response> SoapRequests::answer(const http::Request& request, const Route& route,
                                                     Exchange& exchange) {
    exchange.soap = expected_version(request);
    std::optional<soap::Endpoint> only;
    if (route.kind == Route::Kind::one_service) {
        only = parts_.catalogue.find(route.version, route.interface);
        if (only) exchange.version = only->version;
    }

    // Credentials that HTTP carries come first: who is not allowed in costs no parsing.
    auth::Outcome sender = auth::Denial::missing;
    exchange.authorization = request.header("Authorization");
    const auth::Credentials credentials{exchange.authorization, exchange.client};
    auto known = parts_.authenticator.recall(credentials);
    if (known && request.certificate == nullptr)
        sender = std::move(*known);
    else
        sender = co_await recognition_.transport(request, exchange.client);
    const auto* refusal = std::get_if<auth::Denial>(&sender);
    if (refusal && *refusal != auth::Denial::missing) co_return denied(*refusal, exchange);
    auto principal = principal_of(sender, exchange);

    // Who says in the message who it is learns only behind it that the address is wrong.
    const bool astray =
        route.kind == Route::Kind::astray || (route.kind == Route::Kind::one_service && !only);
    if (astray && principal) co_return no_service(route, exchange);
    const MessageBody body(request, parts_.decoder.limits().bytes_max);
    if (body.error()) {
        if (!principal) co_return denied(auth::Denial::missing, exchange);
        co_return no_message(*body.error(), exchange);
    }
    const auto unknown = principal && options_.ignores_unknown_elements(*principal)
                             ? soap::UnknownElements::ignore
                             : soap::UnknownElements::refuse;
    auto decoded = parts_.decoder.decode(body.text(), only, unknown);
    const auto* failure = std::get_if<soap::Failure>(&decoded);
    // What has no Envelope is answered as its header calls it.
    exchange.soap = failure ? failure->soap.value_or(exchange.soap) : std::get<soap::Request>(decoded).soap;
    if (failure && failure->version) exchange.version = failure->version;
    const auto& headers = failure ? failure->headers : std::get<soap::Request>(decoded).headers;
    if (recognition_.reads(headers)) {
        sender = co_await recognition_.message(std::move(sender), headers, exchange.client);
        if (const auto* denial = std::get_if<auth::Denial>(&sender)) co_return denied(*denial, exchange);
        principal = principal_of(sender, exchange);
        // Whose unknown elements are ignored was known only with the message itself.
        if (failure && unknown == soap::UnknownElements::refuse &&
            options_.ignores_unknown_elements(*principal)) {
            decoded = parts_.decoder.decode(body.text(), only, soap::UnknownElements::ignore);
            failure = std::get_if<soap::Failure>(&decoded);
        }
    }
    if (!principal) co_return denied(auth::Denial::missing, exchange);
    if (astray) co_return no_service(route, exchange);
    if (failure) {
        if (failure->operation) serving(failure->interface, failure->operation, exchange);
        const auto status = soap::http_status(exchange.soap, failure->fault);
        co_return fault_response(failure->fault, static_cast<unsigned>(status), exchange);
    }
    co_return co_await perform(request, std::get<soap::Request>(std::move(decoded)), std::move(principal),
                               exchange);
}

/// Null when nobody here does it. The log and the metrics learn what was asked for either way.
const Operation* SoapRequests::serving(const soap::Interface* interface,
                                       const soap::OperationTable* operation, Exchange& exchange) const {
    exchange.interface = interface;
    exchange.operation = operation;
    const auto found = served_.find(operation);
    if (found == served_.end()) return nullptr;
    exchange.counters = found->second.counters;
    return &found->second.operation;
}

asio::awaitable<http::Response> SoapRequests::perform(const http::Request& request, soap::Request message,
                                                      auth::PrincipalPtr principal, Exchange& exchange) {
    exchange.version = message.version;
    const auto* operation = serving(message.interface, message.operation, exchange);
    if (operation == nullptr) {
        exchange.outcome = RequestOutcome::malformed;
        co_return fault_response(
            soap::Fault::client("Operation " + std::string(message.element) + " is not served"), 500,
            exchange);
    }

    Call call{.principal = std::move(principal),
              .permission = operation->permission,
              .interface = message.interface,
              .version = message.version,
              .operation = message.operation,
              .local_namespace = message.local_namespace,
              .request_id = exchange.id,
              .idempotency_key = request.header("Idempotency-Key"),
              .message_id = message.headers.message_id,
              .peer = exchange.client,
              .received = request.received};
    const auto answer = co_await invoke(*operation, call, std::move(message.message));
    if (const auto* refused = answer.refused()) co_return refused_response(*refused, options_, exchange);

    const auto& reply = *answer.reply();
    exchange.outcome = reply.replayed ? RequestOutcome::replayed : RequestOutcome::done;
    http::Response response;
    response.content_type = soap::content_type(message.soap);
    response.body = soap::encode_response(message, reply.message);
    if (reply.replayed) response.add_header("Idempotency-Replayed", "true");
    co_return response;
}

asio::awaitable<ErasedAnswer> SoapRequests::invoke(const Operation& operation, const Call& call,
                                                   soap::Message message) {
    std::string what;
    try {
        if (auto refusal = co_await admission_.refusal(call)) co_return std::move(*refusal);
        co_return co_await operation.invoke(operation.target, call, std::move(message));
    } catch (const base::DatabaseBusy&) {
        co_return try_again(Code::overloaded);
    } catch (const base::sql::Error& error) {
        what = error.what();
        if (error.failure() != base::sql::Failure::data) {
            parts_.log.error("the database failed a request",
                             {{"request", call.request_id}, {"error", what}});
            co_return try_again(Code::database_unavailable);
        }
    } catch (const std::exception& error) {
        what = error.what();
    }
    parts_.log.error("a request failed", {{"request", call.request_id},
                                          {"service", call.interface->name},
                                          {"operation", call.operation->name},
                                          {"error", what}});
    co_return fault(Code::internal);
}

http::Response SoapRequests::denied(auth::Denial denial, Exchange& exchange) const {
    switch (denial) {
        case auth::Denial::overloaded:
            return refused_response(try_again(Code::overloaded), options_, exchange);
        case auth::Denial::unavailable:
            return refused_response(try_again(Code::database_unavailable), options_, exchange);
        case auth::Denial::throttled: {
            // Not try_again's 503: the server is well, the sender has guessed too often.
            auto response = fault_response(fault(Code::too_many_failures), 429, exchange);
            const auto wait = parts_.authenticator.failures().retry_after(exchange.client);
            response.add_header("Retry-After", std::to_string(wait.count()));
            exchange.outcome = RequestOutcome::unauthenticated;
            return response;
        }
        case auth::Denial::missing:
        case auth::Denial::stale:
        case auth::Denial::expired:
        case auth::Denial::conflict:
        case auth::Denial::malformed:
        case auth::Denial::wrong:
            break;
    }
    auto response = fault_response(fault(Code::not_authenticated), 401, exchange);
    for (const auto& challenge : recognition_.challenges(denial, exchange.authorization))
        response.add_header("WWW-Authenticate", challenge);
    exchange.outcome = RequestOutcome::unauthenticated;
    exchange.cause = to_string(denial);
    return response;
}

http::Response SoapRequests::no_message(BodyError error, Exchange& exchange) const {
    const auto refused = [&](unsigned status, std::string text) {
        return fault_response(soap::Fault::client(std::move(text)), status, exchange);
    };
    const auto unreadable = [&](std::string text) {
        const auto fault = soap::Fault::client(std::move(text));
        return fault_response(fault, static_cast<unsigned>(soap::http_status(exchange.soap, fault)),
                              exchange);
    };
    switch (error) {
        case BodyError::too_large:
            return refused(413, "The unpacked message is larger than this server accepts");
        case BodyError::broken_coding:
            return refused(400, "The body is not what its Content-Encoding says");
        case BodyError::broken_package:
            return unreadable("The multipart/related package is cut off or has no root part");
        case BodyError::unknown_transfer_encoding:
            return unreadable("The message in the package is neither 7bit nor 8bit nor binary");
        case BodyError::unknown_coding:
            break;
    }
    auto response = refused(415, "This Content-Encoding is not served");
    response.add_header("Accept-Encoding", "gzip, deflate");
    return response;
}

}  // namespace frontend
