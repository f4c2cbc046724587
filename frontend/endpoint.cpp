// Whom a request goes to, and what is said of it afterwards: log, metrics, packing.
#include "frontend/endpoint.hpp"

#include "base/ids.hpp"
#include "frontend/exchange.hpp"
#include "frontend/forwarded.hpp"
#include "frontend/http/gzip.hpp"
#include "frontend/questions.hpp"
#include "frontend/soap_requests.hpp"

#include <array>
#include <atomic>
#include <charconv>
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
    const EndpointParts parts;
    const EndpointOptions options;
    Recognition recognition;
    Admission admission;
    RequestIds ids;
    RequestMetrics metrics;
    SoapRequests soap;
    Questions questions;

    Impl(EndpointParts given, EndpointOptions given_options)
        : parts(std::move(given)),
          options(std::move(given_options)),
          recognition(parts.authenticator, parts.secrets, options.realm),
          admission(parts.database),
          soap(parts, options, recognition, admission, metrics),
          questions(parts, options, recognition, admission, metrics) {}

    void finish(const http::Request& request, Exchange& exchange, http::Response& response);
    void finish_get(const http::Request& request, const Exchange& exchange, bool probe,
                    http::Response& response);
    void compress(const http::Request& request, http::Response& response) const;
    [[nodiscard]] bool served_here(const http::Request& request, const Route& route) const;
    void log(const Exchange& exchange, const http::Response& response, Clock::duration time) const;
};

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
                                      {"cause", exchange.cause},
                                      {"status", response.status},
                                      {"us", us}});
}

/// Probes and metrics have a listener of their own, or share all others.
bool Endpoint::Impl::served_here(const http::Request& request, const Route& route) const {
    if (!options.health_listener) return true;
    return (request.listener == *options.health_listener) == route.is_probe();
}

Endpoint::Endpoint(EndpointParts parts, EndpointOptions options)
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
            auto answer = co_await impl_->questions.answer(request, route);
            impl_->finish_get(request, exchange, route.is_probe(), answer);
            co_return answer;
        }
        const bool of_nodes = route.kind == Route::Kind::nodes && request.method == http::Method::post;
        if (of_nodes && impl_->parts.node_link != nullptr)
            co_return co_await impl_->parts.node_link->answer(request);
        http::Response response;
        if (!route.speaks_soap()) {
            response = http::text_response(404, "Nothing here; see /ParlayX/");
            exchange.fault = "Nothing at " + std::string(route.path);
        } else if (request.method == http::Method::post) {
            response = co_await impl_->soap.answer(request, route, exchange);
        } else {
            const auto reason = "Method " + std::string(request.method_text) + " is not served";
            response = fault_response(soap::Fault::client(reason), 405, exchange);
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
        return http::text_response(status, std::string(refusal_text(refusal)));
    }
    Exchange exchange;
    exchange.id = impl_->ids.next();
    exchange.client = client_address(request, impl_->options.trusted_proxies);
    exchange.soap = expected_version(request);
    http::Response response;
    if (refusal == http::Refusal::overloaded || refusal == http::Refusal::too_many_connections) {
        response = refused_response(try_again(Code::overloaded), impl_->options, exchange);
    } else if (refusal == http::Refusal::failed) {
        response = refused_response({fault(Code::internal)}, impl_->options, exchange);
    } else {
        const auto fault = soap::Fault::client(std::string(refusal_text(refusal)));
        response = fault_response(fault, status, exchange);
    }
    impl_->finish(request, exchange, response);
    return response;
}

}  // namespace frontend
