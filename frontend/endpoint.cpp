// The straight line that every request takes.
#include "frontend/endpoint.hpp"

#include "base/database.hpp"
#include "base/ids.hpp"
#include "frontend/admission.hpp"
#include "frontend/forwarded.hpp"
#include "frontend/http/gzip.hpp"
#include "frontend/http/multipart.hpp"
#include "frontend/index_page.hpp"
#include "frontend/message_body.hpp"
#include "frontend/questions.hpp"
#include "frontend/recognition.hpp"
#include "frontend/request_metrics.hpp"
#include "frontend/route.hpp"
#include "frontend/soap/wsdl.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <unordered_map>
#include <utility>

namespace frontend {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

/// Request ids: random for the process, then counted, so that making one costs no system call.
class RequestIds {
  public:
    RequestIds() {
        std::array<std::uint8_t, 8> random{};
        base::random_bytes(random);
        prefix_ = base::hex(random) + '-';
    }
    std::string next() {
        std::array<char, 20> digits{};
        const auto number = counter_.fetch_add(1, std::memory_order_relaxed);
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        return prefix_ + std::string(digits.data(), end);
    }

  private:
    std::string prefix_;
    std::atomic<std::uint64_t> counter_{1};
};

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
    std::string fault;  ///< what the client was told, for the log
};

/// What the client expects to read, as far as headers tell. The envelope itself corrects it.
soap::SoapVersion expected_version(const http::Request& request) {
    constexpr std::string_view soap_1_2 = "application/soap+xml";
    const auto type = request.header("Content-Type");
    // A package says it in a parameter.
    const bool said = http::is_package(type) ? type.find(soap_1_2) != std::string_view::npos
                                             : http::equal_no_case(type.substr(0, soap_1_2.size()), soap_1_2);
    return said ? soap::SoapVersion::v1_2 : soap::SoapVersion::v1_1;
}

/// Null when nobody is known yet.
auth::PrincipalPtr principal_of(const auth::Outcome& sender, Exchange& exchange) {
    const auto* principal = std::get_if<auth::PrincipalPtr>(&sender);
    if (principal == nullptr) return nullptr;
    exchange.user = (*principal)->login();
    return *principal;
}

std::string_view refusal_text(http::Refusal refusal) {
    switch (refusal) {
        case http::Refusal::malformed:
            return "The HTTP request is malformed";
        case http::Refusal::header_too_large:
            return "The HTTP header is larger than this server accepts";
        case http::Refusal::body_too_large:
            return "The message is larger than this server accepts";
        case http::Refusal::too_slow:
            return "The request did not arrive in time";
        case http::Refusal::not_supported:
            return "This version or transfer coding of HTTP is not served";
        case http::Refusal::overloaded:
        case http::Refusal::too_many_connections:
            return "Too much to do; try again";
        case http::Refusal::failed:
            return "The request failed";
    }
    return "";
}

}  // namespace

struct Endpoint::Impl {
    struct Served {
        Operation operation;
        const soap::Interface* interface;
        std::size_t counters;
    };

    Parts parts;
    const EndpointOptions options;
    Recognition recognition;
    Admission admission;
    RequestIds ids;
    RequestMetrics metrics;
    std::unordered_map<const soap::OperationTable*, Served> served;

    Impl(Parts given, EndpointOptions given_options)
        : parts(std::move(given)),
          options(std::move(given_options)),
          recognition(parts.authenticator, parts.secrets, options.realm),
          admission(parts.database) {
        for (const auto& service : parts.services) {
            service.check_complete();
            for (const auto& operation : service.operations()) {
                const auto counters = metrics.add(service.interface().name, operation.table->name);
                served.emplace(operation.table, Served{operation, &service.interface(), counters});
            }
        }
    }

    // SOAP
    asio::awaitable<http::Response> post(const http::Request& request, const Route& route,
                                         Exchange& exchange);
    asio::awaitable<http::Response> perform(const http::Request& request, soap::Request message,
                                            auth::PrincipalPtr principal, Exchange& exchange);
    asio::awaitable<ErasedAnswer> invoke(const Served& operation, const Call& call, soap::Message message);
    [[nodiscard]] http::Response denied(auth::Denial denial, Exchange& exchange) const;
    [[nodiscard]] http::Response no_message(BodyError error, Exchange& exchange) const;
    [[nodiscard]] http::Response fault_response(const soap::Fault& fault, unsigned status,
                                                Exchange& exchange) const;
    [[nodiscard]] http::Response refused_response(const Refused& refused, Exchange& exchange) const;

    // Everything else
    asio::awaitable<http::Response> get(const http::Request& request, const Route& route);
    asio::awaitable<std::variant<auth::PrincipalPtr, http::Response>> sender_of_get(
        const http::Request& request);
    asio::awaitable<http::Response> question(const http::Request& request, const Route& route);
    [[nodiscard]] http::Response document(const http::Request& request, const Route& route) const;
    [[nodiscard]] std::string base_url(const http::Request& request) const;
    [[nodiscard]] http::Response metrics_response() const;

    void finish(const http::Request& request, Exchange& exchange, http::Response& response);
    void finish_get(const http::Request& request, const Exchange& exchange, bool probe,
                    http::Response& response);
    void compress(const http::Request& request, http::Response& response) const;
    [[nodiscard]] bool served_here(const http::Request& request, const Route& route) const;
    void log(const Exchange& exchange, const http::Response& response, Clock::duration time) const;
};

// SOAP -----------------------------------------------------------------------------------------------------

asio::awaitable<http::Response> Endpoint::Impl::post(const http::Request& request, const Route& route,
                                                     Exchange& exchange) {
    exchange.soap = expected_version(request);
    std::optional<soap::Endpoint> only;
    if (route.kind == Route::Kind::one_service) {
        only = parts.catalogue.find(route.version, route.interface);
        if (only) exchange.version = only->version;
    }

    // Credentials that HTTP carries come first: who is not allowed in costs no parsing.
    auth::Outcome sender = auth::Denial::missing;
    exchange.authorization = request.header("Authorization");
    const auth::Credentials credentials{exchange.authorization, exchange.client};
    auto known = parts.authenticator.recall(credentials);
    if (known && request.certificate == nullptr)
        sender = std::move(*known);
    else
        sender = co_await recognition.transport(request, exchange.client);
    const auto* refusal = std::get_if<auth::Denial>(&sender);
    if (refusal && *refusal != auth::Denial::missing) co_return denied(*refusal, exchange);
    auto principal = principal_of(sender, exchange);

    if (route.kind == Route::Kind::astray || (route.kind == Route::Kind::one_service && !only)) {
        if (!principal) co_return denied(auth::Denial::missing, exchange);
        co_return fault_response(soap::Fault::client("No service at " + std::string(route.path)), 404,
                                 exchange);
    }
    const MessageBody body(request, parts.decoder.limits().bytes_max);
    if (body.error()) {
        if (!principal) co_return denied(auth::Denial::missing, exchange);
        co_return no_message(*body.error(), exchange);
    }
    const auto unknown = principal && options.ignores_unknown_elements(*principal)
                             ? soap::UnknownElements::ignore
                             : soap::UnknownElements::refuse;
    auto decoded = parts.decoder.decode(body.text(), only, unknown);
    const auto* failure = std::get_if<soap::Failure>(&decoded);
    exchange.soap = failure ? failure->soap : std::get<soap::Request>(decoded).soap;
    if (failure && failure->version) exchange.version = failure->version;
    const auto& headers = failure ? failure->headers : std::get<soap::Request>(decoded).headers;
    if (recognition.reads(headers)) {
        sender = co_await recognition.message(std::move(sender), headers, exchange.client);
        if (const auto* denial = std::get_if<auth::Denial>(&sender)) co_return denied(*denial, exchange);
        principal = principal_of(sender, exchange);
        // Whose unknown elements are ignored was known only with the message itself.
        if (failure && unknown == soap::UnknownElements::refuse &&
            options.ignores_unknown_elements(*principal)) {
            decoded = parts.decoder.decode(body.text(), only, soap::UnknownElements::ignore);
            failure = std::get_if<soap::Failure>(&decoded);
        }
    }
    if (!principal) co_return denied(auth::Denial::missing, exchange);
    if (failure) {
        const auto status = soap::http_status(failure->soap, failure->fault);
        co_return fault_response(failure->fault, static_cast<unsigned>(status), exchange);
    }
    co_return co_await perform(request, std::get<soap::Request>(std::move(decoded)), std::move(principal),
                               exchange);
}

asio::awaitable<http::Response> Endpoint::Impl::perform(const http::Request& request, soap::Request message,
                                                        auth::PrincipalPtr principal, Exchange& exchange) {
    exchange.interface = message.interface;
    exchange.version = message.version;
    exchange.operation = message.operation;
    const auto found = served.find(message.operation);
    if (found == served.end()) {
        exchange.outcome = RequestOutcome::malformed;
        co_return fault_response(
            soap::Fault::client("Operation " + std::string(message.element) + " is not served"), 500,
            exchange);
    }
    const auto& operation = found->second;
    exchange.counters = operation.counters;

    Call call{.principal = std::move(principal),
              .permission = operation.operation.permission,
              .interface = message.interface,
              .version = message.version,
              .operation = message.operation,
              .local_namespace = message.local_namespace,
              .request_id = exchange.id,
              .idempotency_key = request.header("Idempotency-Key"),
              .message_id = message.headers.message_id,
              .peer = exchange.client,
              .received = request.received};
    const auto answer = co_await invoke(operation, call, std::move(message.message));
    if (const auto* refused = answer.refused()) co_return refused_response(*refused, exchange);

    const auto& reply = *answer.reply();
    exchange.outcome = reply.replayed ? RequestOutcome::replayed : RequestOutcome::done;
    http::Response response;
    response.content_type = soap::content_type(message.soap);
    response.body = soap::encode_response(message, reply.message);
    if (reply.replayed) response.add_header("Idempotency-Replayed", "true");
    co_return response;
}

asio::awaitable<ErasedAnswer> Endpoint::Impl::invoke(const Served& operation, const Call& call,
                                                     soap::Message message) {
    std::string what;
    try {
        if (auto refusal = co_await admission.refusal(call)) co_return std::move(*refusal);
        co_return co_await operation.operation.invoke(operation.operation.target, call, std::move(message));
    } catch (const base::DatabaseBusy&) {
        co_return try_again(Code::overloaded);
    } catch (const base::sql::Error& error) {
        what = error.what();
        if (error.failure() != base::sql::Failure::data) {
            parts.log.error("the database failed a request", {{"request", call.request_id}, {"error", what}});
            co_return try_again(Code::database_unavailable);
        }
    } catch (const std::exception& error) {
        what = error.what();
    }
    parts.log.error("a request failed", {{"request", call.request_id},
                                         {"service", call.interface->name},
                                         {"operation", call.operation->name},
                                         {"error", what}});
    co_return fault(Code::internal);
}

http::Response Endpoint::Impl::denied(auth::Denial denial, Exchange& exchange) const {
    switch (denial) {
        case auth::Denial::overloaded:
            return refused_response(try_again(Code::overloaded), exchange);
        case auth::Denial::unavailable:
            return refused_response(try_again(Code::database_unavailable), exchange);
        case auth::Denial::throttled: {
            // Not try_again's 503: the server is well, the sender has guessed too often.
            auto response = fault_response(fault(Code::too_many_failures), 429, exchange);
            const auto wait = parts.authenticator.failures().retry_after(exchange.client);
            response.add_header("Retry-After", std::to_string(wait.count()));
            exchange.outcome = RequestOutcome::unauthenticated;
            return response;
        }
        case auth::Denial::missing:
        case auth::Denial::stale:
        case auth::Denial::conflict:
        case auth::Denial::malformed:
        case auth::Denial::wrong:
            break;
    }
    auto response = fault_response(fault(Code::not_authenticated), 401, exchange);
    for (const auto& challenge : recognition.challenges(denial, exchange.authorization))
        response.add_header("WWW-Authenticate", challenge);
    exchange.outcome = RequestOutcome::unauthenticated;
    exchange.fault += ": ";
    exchange.fault += to_string(denial);
    return response;
}

http::Response Endpoint::Impl::no_message(BodyError error, Exchange& exchange) const {
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

http::Response Endpoint::Impl::fault_response(const soap::Fault& fault, unsigned status,
                                              Exchange& exchange) const {
    http::Response response;
    response.status = status;
    response.content_type = soap::content_type(exchange.soap);
    response.body = soap::encode_fault(exchange.soap, exchange.version, fault);
    exchange.fault = fault.log_text();
    return response;
}

http::Response Endpoint::Impl::refused_response(const Refused& refused, Exchange& exchange) const {
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

// Everything else ------------------------------------------------------------------------------------------

asio::awaitable<http::Response> Endpoint::Impl::get(const http::Request& request, const Route& route) {
    switch (route.kind) {
        case Route::Kind::health:
            co_return text_response(200, "ok");
        case Route::Kind::readiness: {
            const auto readiness = parts.readiness ? parts.readiness() : Readiness{};
            co_return text_response(readiness.ready() ? 200 : 503, readiness.text());
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
            co_return text_response(404, "Nothing here; see /ParlayX/");
    }
    if (!options.public_descriptions) {
        auto sender = co_await sender_of_get(request);
        if (auto* denied = std::get_if<http::Response>(&sender)) co_return std::move(*denied);
    }
    co_return document(request, route);
}

asio::awaitable<std::variant<auth::PrincipalPtr, http::Response>> Endpoint::Impl::sender_of_get(
    const http::Request& request) {
    const std::string client(client_address(request, options.trusted_proxies));
    const auto outcome = co_await recognition.transport(request, client);
    const auto* denial = std::get_if<auth::Denial>(&outcome);
    if (denial == nullptr) co_return std::get<auth::PrincipalPtr>(outcome);
    const bool busy = *denial == auth::Denial::overloaded || *denial == auth::Denial::unavailable;
    const bool throttled = *denial == auth::Denial::throttled;
    auto response = text_response(busy ? 503 : throttled ? 429 : 401, std::string(to_string(*denial)));
    if (busy) response.add_header("Retry-After", std::to_string(options.retry_after.count()));
    if (throttled) {
        const auto wait = parts.authenticator.failures().retry_after(client);
        response.add_header("Retry-After", std::to_string(wait.count()));
    }
    if (response.status == 401) {
        for (const auto& challenge : recognition.challenges(*denial, request.header("Authorization")))
            response.add_header("WWW-Authenticate", challenge);
    }
    co_return response;
}

/// What no SOAP operation can be asked.
asio::awaitable<http::Response> Endpoint::Impl::question(const http::Request& request, const Route& route) {
    auto sender = co_await sender_of_get(request);
    if (auto* denied = std::get_if<http::Response>(&sender)) co_return std::move(*denied);
    auto principal = std::get<auth::PrincipalPtr>(std::move(sender));
    std::optional<bool> admitted;
    try {
        admitted = co_await admission.admits(principal);
    } catch (const std::exception& error) {
        parts.log.error("the database failed a question", {{"error", error.what()}});
    }
    http::Response response;
    if (admitted != true)
        response = admitted ? text_response(429, "Over a limit") : text_response(503, "The database is away");
    else if (route.kind == Route::Kind::call_trace)
        response = co_await trace_response(parts.call_trace, std::move(principal), route);
    else
        response = co_await status_response(parts.request_status, std::move(principal), route);
    if (response.status == 503 || response.status == 429)
        response.add_header("Retry-After", std::to_string(options.retry_after.count()));
    co_return response;
}

http::Response Endpoint::Impl::document(const http::Request& request, const Route& route) const {
    const auto base = base_url(request);
    if (route.kind == Route::Kind::one_service) {
        const auto endpoint = parts.catalogue.find(route.version, route.interface);
        if (!endpoint) return text_response(404, "No such service; see /ParlayX/");
        if (!route.query.empty()) {
            const auto address =
                base + "/ParlayX/" + std::string(route.version) + '/' + std::string(route.interface);
            auto text = soap::published_document(*endpoint, route.query, address);
            if (!text) return text_response(404, "No such document; try ?wsdl");
            http::Response response;
            response.content_type = "text/xml; charset=utf-8";
            response.body = std::move(*text);
            return response;
        }
    }
    http::Response response;
    response.content_type = "text/html; charset=utf-8";
    response.body = index_page(parts.catalogue, base);
    return response;
}

std::string Endpoint::Impl::base_url(const http::Request& request) const {
    if (!options.public_url.empty()) {
        return options.public_url.ends_with('/') ? options.public_url.substr(0, options.public_url.size() - 1)
                                                 : options.public_url;
    }
    return called_url(request, options.trusted_proxies);
}

http::Response Endpoint::Impl::metrics_response() const {
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics.write(response.body);
    if (parts.more_metrics) parts.more_metrics(response.body);
    return response;
}

// Response, log --------------------------------------------------------------------------------------------

void Endpoint::Impl::finish(const http::Request& request, Exchange& exchange, http::Response& response) {
    response.add_header("X-Request-Id", exchange.id);
    const auto time = Clock::now() - request.received;
    metrics.count(exchange.counters, exchange.outcome, time);
    if (options.access_log) log(exchange, response, time);
    compress(request, response);
}

/// Reading a description or a probe.
void Endpoint::Impl::finish_get(const http::Request& request, const Exchange& exchange, bool probe,
                                http::Response& response) {
    response.add_header("X-Request-Id", exchange.id);
    if (options.access_log) {
        const auto write = probe ? &base::Logger::debug : &base::Logger::info;
        (parts.access_log.*write)("get", {{"request", exchange.id},
                                          {"peer", exchange.client},
                                          {"target", request.target},
                                          {"status", response.status}});
    }
    compress(request, response);
}

/// Packs an answer for whoever asks for that, unless it is too short to gain anything.
void Endpoint::Impl::compress(const http::Request& request, http::Response& response) const {
    if (options.compress_from == 0 || response.body.size() < options.compress_from) return;
    response.add_header("Vary", "Accept-Encoding");
    if (!http::accepts_gzip(request.header("Accept-Encoding"))) return;
    response.body = http::gzip(response.body);
    response.add_header("Content-Encoding", "gzip");
}

void Endpoint::Impl::log(const Exchange& exchange, const http::Response& response,
                         Clock::duration time) const {
    if (!parts.access_log.enabled(base::LogLevel::info)) return;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    const std::string_view service = exchange.interface ? exchange.interface->name : "";
    const std::string_view version = exchange.version ? exchange.version->name : "";
    const std::string_view operation = exchange.operation ? exchange.operation->name : "";
    parts.access_log.info("request", {{"request", exchange.id},
                                      {"peer", exchange.client},
                                      {"user", exchange.user},
                                      {"service", service},
                                      {"version", version},
                                      {"operation", operation},
                                      {"outcome", to_string(exchange.outcome)},
                                      {"fault", exchange.fault},
                                      {"status", response.status},
                                      {"us", us}});
}

/// Probes and metrics have a listener of their own, or share all others.
bool Endpoint::Impl::served_here(const http::Request& request, const Route& route) const {
    if (!options.health_listener) return true;
    return (request.listener == *options.health_listener) == route.is_probe();
}

Endpoint::Endpoint(Parts parts, EndpointOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options))) {}

Endpoint::~Endpoint() = default;

asio::awaitable<http::Response> Endpoint::handle(const http::Request& request) {
    auto route = find_route(request.target);
    if (!impl_->served_here(request, route)) route.kind = Route::Kind::nothing;
    Exchange exchange;
    exchange.id = impl_->ids.next();
    exchange.client = client_address(request, impl_->options.trusted_proxies);
    try {
        if (request.method == http::Method::get || request.method == http::Method::head) {
            auto answer = co_await impl_->get(request, route);
            impl_->finish_get(request, exchange, route.is_probe(), answer);
            co_return answer;
        }
        const bool of_nodes = route.kind == Route::Kind::nodes && request.method == http::Method::post;
        if (of_nodes && impl_->parts.node_link != nullptr)
            co_return co_await impl_->parts.node_link->answer(request);
        if (!route.speaks_soap()) co_return text_response(404, "Nothing here; see /ParlayX/");
        http::Response response;
        if (request.method == http::Method::post) {
            response = co_await impl_->post(request, route, exchange);
        } else {
            const auto reason = "Method " + std::string(request.method_text) + " is not served";
            response = impl_->fault_response(soap::Fault::client(reason), 405, exchange);
            response.add_header("Allow", "GET, HEAD, POST");
        }
        impl_->finish(request, exchange, response);
        co_return response;
    } catch (const std::exception& error) {
        // The server answers with refuse(), and does not know what to log.
        impl_->parts.log.error(
            "a request failed",
            {{"request", exchange.id}, {"target", request.target}, {"error", error.what()}});
        throw;
    }
}

http::Response Endpoint::refuse(const http::Request& request, http::Refusal refusal, unsigned status) {
    // A target that was never read might have been a service's.
    if (!request.target.empty() && !find_route(request.target).speaks_soap()) {
        return text_response(status, std::string(refusal_text(refusal)));
    }
    Exchange exchange;
    exchange.id = impl_->ids.next();
    exchange.client = client_address(request, impl_->options.trusted_proxies);
    exchange.soap = expected_version(request);
    http::Response response;
    if (refusal == http::Refusal::overloaded || refusal == http::Refusal::too_many_connections) {
        response = impl_->refused_response(try_again(Code::overloaded), exchange);
    } else if (refusal == http::Refusal::failed) {
        response = impl_->refused_response({fault(Code::internal)}, exchange);
    } else {
        const auto fault = soap::Fault::client(std::string(refusal_text(refusal)));
        response = impl_->fault_response(fault, status, exchange);
    }
    impl_->finish(request, exchange, response);
    return response;
}

}  // namespace frontend
