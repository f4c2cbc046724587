// Routing by the target's path.
#include "frontend/route.hpp"

#include "frontend/http/message.hpp"

#include <charconv>

namespace frontend {
namespace {

/// The target without scheme and authority.
std::string_view origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!http::equal_no_case(target.substr(0, scheme.size()), scheme)) continue;
        const auto slash = target.find('/', scheme.size());
        return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    return target;
}

Route::Kind plain_kind(std::string_view path) {
    if (path == "/healthz") return Route::Kind::health;
    if (path == "/readyz") return Route::Kind::readiness;
    if (path == "/metrics") return Route::Kind::metrics;
    if (path == "/nodes") return Route::Kind::nodes;
    return Route::Kind::nothing;
}

}  // namespace

Route find_route(std::string_view target) {
    constexpr std::string_view root = "/ParlayX";
    target = origin_form(target);
    Route route;
    const auto mark = target.find('?');
    route.path = target.substr(0, mark);
    if (mark != std::string_view::npos) route.query = target.substr(mark + 1);

    auto rest = route.path;
    if (rest.size() > 1 && rest.ends_with('/')) rest.remove_suffix(1);
    if (!rest.starts_with(root) || (rest.size() > root.size() && rest[root.size()] != '/')) {
        route.kind = plain_kind(rest);
        return route;
    }
    rest.remove_prefix(root.size());
    if (rest.empty()) {
        route.kind = Route::Kind::any_service;
        return route;
    }
    rest.remove_prefix(1);
    const auto slash = rest.find('/');
    route.kind = Route::Kind::astray;
    if (slash == std::string_view::npos || rest.find('/', slash + 1) != std::string_view::npos) return route;
    const auto folder = rest.substr(0, slash);
    if (folder == "requests" || folder == "calls") {
        route.reference = rest.substr(slash + 1);
        const auto kind = folder == "calls" ? Route::Kind::call_trace : Route::Kind::request_status;
        if (!route.reference.empty()) route.kind = kind;
        return route;
    }
    route.version = folder;
    route.interface = rest.substr(slash + 1);
    if (!route.version.empty() && !route.interface.empty()) route.kind = Route::Kind::one_service;
    return route;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        if (text.front() != '%') {
            result += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned value = 0;
        const auto digits = text.substr(1, 2);
        const auto* const end = digits.data() + digits.size();
        if (digits.size() < 2 || std::from_chars(digits.data(), end, value, 16).ptr != end)
            return std::nullopt;
        result += static_cast<char>(value);
        text.remove_prefix(3);
    }
    return result;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        const auto equals = pair.find('=');
        if (pair.substr(0, equals) != name) continue;
        return percent_decoded(equals == std::string_view::npos ? std::string_view()
                                                                : pair.substr(equals + 1));
    }
    return std::nullopt;
}

}  // namespace frontend
