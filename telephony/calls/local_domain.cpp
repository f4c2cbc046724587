// Taken apart by hand: what follows the host does not matter here (RFC 3261, 19.1.1).
#include "telephony/calls/local_domain.hpp"

#include "ledger/address.hpp"

#include <algorithm>

namespace calls {
namespace {

struct Parts {
    std::string user;
    std::string host;
    std::string_view port;
};

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

/// Of a sip: URI; an empty host for anything else.
Parts parts_of(std::string_view uri) {
    Parts parts;
    const auto colon = uri.find(':');
    const auto scheme = lower(uri.substr(0, colon));
    if (colon == std::string_view::npos || (scheme != "sip" && scheme != "sips")) return parts;
    auto rest = uri.substr(colon + 1);
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        auto user = rest.substr(0, at);
        user = user.substr(0, user.find_first_of(";:"));
        parts.user = user.starts_with("%2B") || user.starts_with("%2b") ? '+' + std::string(user.substr(3))
                                                                        : std::string(user);
        rest = rest.substr(at + 1);
    }
    rest = rest.substr(0, rest.find_first_of(";?"));
    const auto bracket = rest.find(']');
    const auto end = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
    parts.host = lower(rest.substr(0, end));
    while (parts.host.ends_with('.')) parts.host.pop_back();  // the root's, as DNS may spell it
    if (end != std::string_view::npos) parts.port = rest.substr(end + 1);
    return parts;
}

bool is_number(std::string_view user) {
    if (user.starts_with('+')) user.remove_prefix(1);
    return !user.empty() && user.find_first_not_of("0123456789-.()*#") == std::string_view::npos;
}

bool local(const LocalDomain& names, const Parts& parts) {
    if (parts.host.empty()) return false;
    if (parts.host == names.domain) return true;
    const bool named = std::ranges::find(names.hosts, parts.host) != names.hosts.end();
    return named && (parts.port.empty() || parts.port == std::to_string(names.port));
}

}  // namespace

bool LocalDomain::is_ours(std::string_view uri) const { return local(*this, parts_of(uri)); }

bool LocalDomain::may_be_account(std::string_view uri) const {
    const auto parts = parts_of(uri);
    const bool ip = parts.host.starts_with('[') ||
                    (!parts.host.empty() && parts.host.find_first_not_of("0123456789.") == std::string::npos);
    return !ip || local(*this, parts);
}

std::vector<std::string> LocalDomain::readings(std::string_view uri) const {
    if (lower(uri.substr(0, 4)) == "tel:") return {ledger::normal_address(uri)};
    const auto parts = parts_of(uri);
    if (parts.host.empty() || parts.user.empty()) return {};
    const bool ours = local(*this, parts);
    std::vector<std::string> result;
    // The port is a device's; an account's address has none.
    result.push_back(ledger::normal_address("sip:" + parts.user + '@' + (ours ? domain : parts.host)));
    if (ours && is_number(parts.user)) result.push_back(ledger::normal_address("tel:" + parts.user));
    return result;
}

}  // namespace calls
