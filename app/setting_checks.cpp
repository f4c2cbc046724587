// The forms of addresses, URLs, lists and names.
#include "app/setting_checks.hpp"

#include "app/settings.hpp"
#include "frontend/auth/principal.hpp"
#include "frontend/http/networks.hpp"
#include "frontend/http/trimmed.hpp"

#include <algorithm>

namespace app {
namespace {

std::string must_be(std::string_view wanted, std::string_view text) {
    return "must be " + std::string(wanted) + ", not '" + std::string(text) + "'";
}

bool is_web_url(std::string_view text) {
    constexpr std::string_view marks = "://";
    const auto end = text.find(marks);
    const auto scheme = text.substr(0, end);
    return (scheme == "http" || scheme == "https") && end + marks.size() < text.size() &&
           text.find_first_of(" \"<>") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> check_listen(std::string_view text) {
    if (parse_listen_address(text)) return std::nullopt;
    return must_be("an IP address and a port, like 127.0.0.1:8080 or [::1]:8080", text);
}

std::optional<std::string> check_optional_listen(std::string_view text) {
    return text.empty() ? std::nullopt : check_listen(text);
}

std::optional<std::string> check_node_url(std::string_view text) {
    if (text.empty() || (is_web_url(text) && !text.ends_with('/'))) return std::nullopt;
    return must_be("a URL like http://10.0.0.5:8080", text);
}

std::optional<std::string> check_public_url(std::string_view text) {
    if (text.empty() || is_web_url(text)) return std::nullopt;
    return must_be("a URL like https://pay.example.com", text);
}

std::optional<std::string> check_digits(std::string_view text) {
    if (text.find_first_not_of("0123456789") == std::string_view::npos) return std::nullopt;
    return must_be("digits", text);
}

std::optional<std::string> check_networks(std::string_view text) {
    if (http::Networks::parse(text)) return std::nullopt;
    return must_be("addresses and networks between commas, like 10.0.0.0/8, ::1", text);
}

std::optional<std::string> check_logins(std::string_view text) {
    for (auto rest = text; !rest.empty();) {
        const auto comma = std::min(rest.find(','), rest.size());
        if (!auth::parse_login(http::trimmed(rest.substr(0, comma)), "example.com"))
            return must_be("logins between commas, like shop, portal@example.com", text);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return std::nullopt;
}

std::optional<std::string> check_realm(std::string_view text) {
    const auto plain = [](unsigned char c) { return c >= 0x20 && c != 0x7F && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, plain)) return std::nullopt;
    return "must have no quotes, backslashes or control characters";
}

}  // namespace app
