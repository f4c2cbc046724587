// Counting requests, and Prometheus' text format.
#include "frontend/request_metrics.hpp"

#include <algorithm>

namespace frontend {
namespace {

void append_header(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    out.append("# HELP ").append(name).append(1, ' ').append(help).append("\n# TYPE ");
    out.append(name).append(1, ' ').append(type).append(1, '\n');
}

void append_value(std::string& out, std::uint64_t value) {
    out.append(1, ' ').append(std::to_string(value)).append(1, '\n');
}

/// A number of microseconds in seconds, without floating point.
std::string seconds(std::uint64_t microseconds) {
    auto fraction = std::to_string(microseconds % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    return std::to_string(microseconds / 1'000'000) + '.' + fraction;
}

void append_single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
                   std::uint64_t value) {
    append_header(out, name, type, help);
    out += name;
    append_value(out, value);
}

}  // namespace

std::string_view to_string(RequestOutcome outcome) {
    switch (outcome) {
        case RequestOutcome::done:
            return "done";
        case RequestOutcome::replayed:
            return "replayed";
        case RequestOutcome::refused:
            return "refused";
        case RequestOutcome::malformed:
            return "malformed";
        case RequestOutcome::unauthenticated:
            return "unauthenticated";
        case RequestOutcome::overloaded:
            return "overloaded";
        case RequestOutcome::failed:
            return "failed";
    }
    return "failed";
}

std::size_t RequestMetrics::add(std::string_view service, std::string_view operation) {
    // Shapes of one operation in several versions are counted together.
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        if (counters_[i].service == service && counters_[i].operation == operation) return i;
    }
    auto& counters = counters_.emplace_back();
    counters.service = service;
    counters.operation = operation;
    return counters_.size() - 1;
}

void RequestMetrics::count(std::size_t number, RequestOutcome outcome,
                           std::chrono::steady_clock::duration time) {
    auto& counters = counters_[number];
    const auto us = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
    const auto bucket = std::ranges::lower_bound(bounds, us) - bounds.begin();
    counters.outcomes[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
    counters.buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    counters.microseconds.fetch_add(us, std::memory_order_relaxed);
}

void RequestMetrics::write(std::string& out) const {
    const auto labels = [&](const Counters& counters) {
        out.append("{service=\"").append(counters.service).append("\",operation=\"");
        out.append(counters.operation).append(1, '"');
    };
    append_header(out, "ledgerline_requests_total", "counter", "SOAP requests by what became of them.");
    for (const auto& counters : counters_) {
        for (std::size_t i = 0; i < request_outcomes; ++i) {
            out += "ledgerline_requests_total";
            labels(counters);
            out.append(",outcome=\"").append(to_string(static_cast<RequestOutcome>(i))).append("\"}");
            append_value(out, counters.outcomes[i].load(std::memory_order_relaxed));
        }
    }
    append_header(out, "ledgerline_request_seconds", "histogram",
                  "Time from a request's last byte to its response.");
    for (const auto& counters : counters_) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i <= bounds.size(); ++i) {
            sum += counters.buckets[i].load(std::memory_order_relaxed);
            out += "ledgerline_request_seconds_bucket";
            labels(counters);
            out.append(",le=\"").append(i == bounds.size() ? "+Inf" : seconds(bounds[i])).append("\"}");
            append_value(out, sum);
        }
        out += "ledgerline_request_seconds_sum";
        labels(counters);
        out.append("} ")
            .append(seconds(counters.microseconds.load(std::memory_order_relaxed)))
            .append(1, '\n');
        out += "ledgerline_request_seconds_count";
        labels(counters);
        out += '}';
        append_value(out, sum);
    }
}

void append_metrics(std::string& out, const http::Statistics& figures) {
    append_single(out, "ledgerline_http_connections", "gauge", "Open connections.", figures.connections_open);
    append_single(out, "ledgerline_http_connections_total", "counter", "Connections accepted.",
                  figures.connections_accepted);
    append_single(out, "ledgerline_http_connections_refused_total", "counter",
                  "Connections turned away by a limit.", figures.connections_refused);
    append_single(out, "ledgerline_http_requests_total", "counter", "Requests read.", figures.requests);
    append_single(out, "ledgerline_http_requests_in_flight", "gauge", "Requests not yet answered.",
                  figures.requests_in_flight);
    append_single(out, "ledgerline_http_refusals_total", "counter",
                  "Requests refused by limits, time-outs or bad framing.", figures.refusals);
    append_single(out, "ledgerline_http_timeouts_total", "counter",
                  "Waits ended by a time-out, idle connections included.", figures.timeouts);
    append_single(out, "ledgerline_tls_failures_total", "counter", "TLS handshakes that failed.",
                  figures.tls_failures);
}

}  // namespace frontend
