// Prefixes and hosts.
#include "telephony/calls/destinations.hpp"

#include "ledger/address.hpp"

#include <algorithm>
#include <utility>

namespace calls {
namespace {

constexpr std::size_t address_max = 512;

std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : list) {
        if (c != ' ' && c != ',') {
            word += c;
        } else if (!word.empty()) {
            words.push_back(std::exchange(word, {}));
        }
    }
    if (!word.empty()) words.push_back(word);
    return words;
}

/// The host of a sip: URI, without port and parameters.
std::string_view host_of(std::string_view uri) {
    uri.remove_prefix(std::string_view("sip:").size());
    if (const auto at = uri.rfind('@'); at != std::string_view::npos) uri.remove_prefix(at + 1);
    if (uri.starts_with('[')) return uri.substr(0, uri.find(']') + 1);
    return uri.substr(0, uri.find_first_of(":;?"));
}

bool starts_with_any(std::string_view address, const std::vector<std::string>& prefixes) {
    return std::ranges::any_of(prefixes,
                               [&](const std::string& prefix) { return address.starts_with(prefix); });
}

}  // namespace

std::optional<std::string> callable_address(std::string_view text) {
    auto address = ledger::normal_address(text);
    if (address.size() > address_max) return std::nullopt;
    const auto printable = [](unsigned char c) {
        return c > 0x20 && c < 0x7F &&
               std::string_view("<>\"\\?{}|^`").find(static_cast<char>(c)) == std::string_view::npos;
    };
    if (!std::ranges::all_of(address, printable)) return std::nullopt;
    if (address.starts_with("tel:")) {
        const auto number = std::string_view(address).substr(4);
        const auto digits = number.substr(number.starts_with('+') ? 1 : 0);
        const bool fits =
            !digits.empty() && digits.find_first_not_of("0123456789*#") == std::string_view::npos;
        return fits ? std::optional(address) : std::nullopt;
    }
    if (!address.starts_with("sip:")) return std::nullopt;
    const auto host = host_of(address);
    if (host.empty() || host == "[]") return std::nullopt;
    return address;
}

Destinations::Destinations(std::string_view allow, std::string_view deny, bool loopback)
    : allow_(words_of(allow)), deny_(words_of(deny)), loopback_(loopback) {}

bool Destinations::denied(std::string_view address) const { return starts_with_any(address, deny_); }

bool Destinations::allowed(std::string_view address) const {
    if (denied(address)) return false;
    if (starts_with_any(address, allow_)) return true;
    if (!loopback_ || !address.starts_with("sip:")) return false;
    const auto host = host_of(address);
    return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

}  // namespace calls
