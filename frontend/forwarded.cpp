// Reading what proxies add to requests.
#include "frontend/forwarded.hpp"

#include "frontend/http/trimmed.hpp"

#include <algorithm>
#include <ranges>

namespace frontend {
namespace {

/// The first of the items between commas: what the proxy nearest to the client said.
std::string_view first_item(std::string_view list) { return http::trimmed(list.substr(0, list.find(','))); }

/// Without the port that some proxies add: `1.2.3.4:5`, `[::1]:5`.
std::string_view without_port(std::string_view item) {
    if (item.starts_with('[')) return item.substr(1, item.find(']') - 1);
    if (std::ranges::count(item, ':') == 1) return item.substr(0, item.find(':'));
    return item;
}

bool is_address(std::string_view text) {
    boost::system::error_code ec;
    boost::asio::ip::make_address(std::string(text), ec);
    return !ec;
}

/// Only what can stand in a URL's authority: the header goes into documents.
bool is_authority(std::string_view host) {
    return !host.empty() && std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-:[]_").find(c) != std::string_view::npos;
    });
}

}  // namespace

std::string_view client_address(const http::Request& request, const http::Networks& proxies) {
    auto client = request.peer;
    if (proxies.empty() || !proxies.contains(client)) return client;
    for (const auto& field : std::views::reverse(request.fields)) {
        if (!http::equal_no_case(field.name, "X-Forwarded-For")) continue;
        for (auto list = field.value; !list.empty();) {
            const auto comma = list.rfind(',');
            const auto begin = comma == std::string_view::npos ? 0 : comma + 1;
            const auto item = without_port(http::trimmed(list.substr(begin)));
            list = list.substr(0, begin == 0 ? 0 : comma);
            if (!is_address(item)) return client;
            client = item;
            if (!proxies.contains(client)) return client;
        }
    }
    return client;
}

std::string called_url(const http::Request& request, const http::Networks& proxies) {
    bool secure = request.secure;
    auto host = request.header("Host");
    if (!proxies.empty() && proxies.contains(request.peer)) {
        const auto scheme = first_item(request.header("X-Forwarded-Proto"));
        if (http::equal_no_case(scheme, "https")) secure = true;
        if (http::equal_no_case(scheme, "http")) secure = false;
        const auto forwarded = first_item(request.header("X-Forwarded-Host"));
        if (is_authority(forwarded)) host = forwarded;
    }
    return (secure ? "https://" : "http://") + std::string(is_authority(host) ? host : "localhost");
}

}  // namespace frontend
