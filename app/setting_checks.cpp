// The forms of addresses, URLs, lists and names.
#include "app/setting_checks.hpp"

#include "app/connection_pairs.hpp"
#include "app/settings.hpp"
#include "frontend/auth/principal.hpp"
#include "frontend/http/networks.hpp"
#include "frontend/http/trimmed.hpp"
#include "frontend/route.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

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

/// HOST, HOST:PORT or [HOST]:PORT; the host may be missing.
bool is_host_and_port(std::string_view text) {
    if (text.starts_with('[')) {
        if (text.find(']') == std::string_view::npos) return false;
        text.remove_prefix(text.find(']') + 1);
    }
    if (text.find('@') != std::string_view::npos) return false;
    const auto colon = text.find(':');
    return colon == std::string_view::npos || !check_digits(text.substr(colon + 1));
}

constexpr double kb = 1024;
constexpr double mb = kb * kb;

/// In bytes. `unit`: what counts where the text names none.
std::optional<double> postgres_size(std::string_view text, double unit) {
    double number = 0;
    const auto* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, number, std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    const auto name = http::trimmed(std::string_view(end, static_cast<std::size_t>(text_end - end)));
    if (name.empty()) return number * unit;
    for (const auto& [known, bytes] :
         {std::pair{"B", 1.0}, {"kB", kb}, {"MB", mb}, {"GB", kb * mb}, {"TB", mb * mb}}) {
        if (name == known) return number * bytes;
    }
    return std::nullopt;
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

std::optional<std::string> check_database_url(std::string_view text) {
    // A password with such characters ends elsewhere for libpq, which says so with what it found there: it
    // would be on the terminal and in the log. So nothing of the text is quoted here either.
    constexpr auto wrong =
        "must be a URI like postgresql://USER:PASSWORD@HOST:PORT/NAME; a password's @, / and % are written "
        "as %40, %2F and %25";
    if (!text.starts_with("postgresql://") && !text.starts_with("postgres://"))
        return parse_connection_pairs(text) ? std::nullopt : std::optional<std::string>(wrong);
    if (!frontend::percent_decoded(text)) return wrong;
    auto hosts = text.substr(text.find("://") + 3);
    const auto end = hosts.find_first_of("@/");
    if (end != std::string_view::npos && hosts[end] == '@') hosts.remove_prefix(end + 1);
    hosts = hosts.substr(0, hosts.find_first_of("/?"));
    while (!hosts.empty()) {
        const auto comma = std::min(hosts.find(','), hosts.size());
        if (!is_host_and_port(hosts.substr(0, comma))) return wrong;
        hosts.remove_prefix(std::min(comma + 1, hosts.size()));
    }
    return std::nullopt;
}

std::optional<std::string> check_shared_buffers(std::string_view text) {
    constexpr double block = 8 * kb;
    const auto bytes = postgres_size(text, block);
    if (bytes && *bytes >= 16 * block && *bytes <= (1 << 30) * block - 1) return std::nullopt;
    return must_be("a size like 256MB, at least 128kB", text);
}

std::optional<std::string> check_wal_size(std::string_view text) {
    const auto bytes = postgres_size(text, mb);
    if (bytes && *bytes >= 32 * mb && *bytes <= std::numeric_limits<std::int32_t>::max() * mb)
        return std::nullopt;
    return must_be("a size like 1GB, at least 32MB", text);
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

std::optional<std::string> check_domain(std::string_view text) {
    if (auth::parse_login("x", text)) return std::nullopt;
    return must_be("a domain like example.com", text);
}

std::optional<std::string> check_realm(std::string_view text) {
    const auto plain = [](unsigned char c) { return c >= 0x20 && c != 0x7F && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, plain)) return std::nullopt;
    return "must have no quotes, backslashes or control characters";
}

}  // namespace app
