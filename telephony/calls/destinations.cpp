// Numbers, prefixes and hosts.
#include "telephony/calls/destinations.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace calls {
namespace {

constexpr std::size_t address_max = 512;

/// The host of a sip: URI, without port and parameters.
std::string_view host_of(std::string_view uri) {
    uri.remove_prefix(std::string_view("sip:").size());
    if (const auto at = uri.rfind('@'); at != std::string_view::npos) uri.remove_prefix(at + 1);
    if (uri.starts_with('[')) return uri.substr(0, uri.find(']') + 1);
    return uri.substr(0, uri.find_first_of(":;?"));
}

constexpr std::string_view tel = "tel:";
constexpr std::string_view digits_only = "0123456789";

bool has_only(std::string_view text, std::string_view characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_port(std::string_view text) {
    constexpr std::size_t digits_max = 5;
    constexpr int port_max = 65'535;
    if (!has_only(text, digits_only) || text.size() > digits_max) return false;
    const int port = std::stoi(std::string(text));
    return port > 0 && port <= port_max;
}

/// Are letters or digits of the user escaped? They need not be, and no list would name them so.
bool escapes_plain(std::string_view uri) {
    const auto user = uri.substr(0, uri.find('@'));
    for (auto at = user.find('%'); at != std::string_view::npos; at = user.find('%', at + 1)) {
        unsigned value = 0;
        const auto digits = user.substr(at + 1, 2);
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (value < 0x80 && std::isalnum(static_cast<int>(value)) != 0) return true;
    }
    return false;
}

/// Whether a URI's parameters (`;transport=tcp;lr`) name no other host to send to (maddr), not by an escaped
/// name either.
bool name_no_host(std::string_view parameters) {
    while (!parameters.empty()) {
        parameters.remove_prefix(1);
        const auto parameter = parameters.substr(0, parameters.find(';'));
        const auto name = parameter.substr(0, parameter.find('='));
        if (name == "maddr" || name.find('%') != std::string_view::npos) return false;
        parameters.remove_prefix(parameter.size());
    }
    return true;
}

/// A sip: URI in normal form that has one reading only: nobody finds another host in it than host_of does,
/// which decides whether it may be called.
bool is_plain(std::string_view uri) {
    if (std::ranges::count(uri, '@') > 1 || uri.find('#') != std::string_view::npos) return false;
    if (escapes_plain(uri)) return false;
    if (uri.starts_with("sip:@")) return false;  // a user part that is there has a user (RFC 3261, 25.1)
    const auto host = host_of(uri);
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    const bool named = bracketed ? has_only(host.substr(1, host.size() - 2), "0123456789abcdef:.")
                                 : has_only(host, "abcdefghijklmnopqrstuvwxyz0123456789-._");
    if (!named) return false;
    const auto start = static_cast<std::size_t>(host.data() - uri.data());
    const auto rest = uri.substr(start + host.size());
    const auto port = rest.substr(0, rest.find(';'));
    return (port.empty() || (port.starts_with(':') && is_port(port.substr(1)))) &&
           name_no_host(rest.substr(port.size()));
}

/// A host's name without the dot that DNS may end it with.
std::string_view without_root(std::string_view host) {
    while (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

/// The port of a plain URI; 0: it names none.
int port_of(std::string_view uri) {
    const auto host = host_of(uri);
    auto rest = uri.substr(static_cast<std::size_t>(host.data() - uri.data()) + host.size());
    rest = rest.substr(0, rest.find(';'));
    return rest.starts_with(':') ? std::stoi(std::string(rest.substr(1))) : 0;
}

/// Has the URI no user, or one that might be a telephone number, escaped or not?
bool names_number(std::string_view uri) {
    const auto user = uri.substr(0, uri.rfind('@')).substr(std::string_view("sip:").size());
    const auto number = user.substr(0, user.find(';'));
    return uri.find('@') == std::string_view::npos || number.find('%') != std::string_view::npos ||
           has_only(number, "+-.()*#0123456789");
}

}  // namespace

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

bool starts_with_any(std::string_view address, std::span<const std::string> prefixes) {
    return std::ranges::any_of(prefixes,
                               [&](const std::string& prefix) { return address.starts_with(prefix); });
}

std::optional<std::string> DialPlan::callable(std::string_view text) const {
    auto address = ledger::normal_address(text);
    if (address.size() > address_max) return std::nullopt;
    const auto printable = [](unsigned char c) {
        return c > 0x20 && c < 0x7F &&
               std::string_view("<>\"\\?{}|^`").find(static_cast<char>(c)) == std::string_view::npos;
    };
    if (!std::ranges::all_of(address, printable)) return std::nullopt;
    if (address.starts_with(tel)) {
        const auto number = std::string_view(address).substr(tel.size());
        const bool complete = number.starts_with('+');
        if (has_only(number, "0123456789*#") &&
            (number.size() <= options_.short_digits || number.find_first_of("*#") != std::string_view::npos ||
             is_emergency(number)))
            return address;
        if (!complete) address = ledger::readings_of(address, options_.numbers).front();
        const auto digits = std::string_view(address).substr(tel.size());
        // No country's code begins with 0: a list of prefixes would look at another number than is dialled
        // where somebody reads +00 as 00.
        const bool fits =
            digits.starts_with('+') && has_only(digits.substr(1), digits_only) && digits[1] != '0';
        return fits ? std::optional(address) : std::nullopt;
    }
    if (!address.starts_with("sip:") || !is_plain(address)) return std::nullopt;
    return address;
}

std::optional<std::string> DialPlan::caller(std::string_view text) const {
    if (auto address = callable(text)) return address;
    for (const auto& reading : ledger::readings_of(text, options_.numbers)) {
        if (auto address = callable(reading)) return address;
    }
    return std::nullopt;
}

std::optional<std::string> DialPlan::number_at_a_peer(std::string_view address) const {
    constexpr std::string_view sip = "sip:";
    const auto user = address.substr(0, address.find_first_of(";@"));
    if (!user.starts_with(sip) || !has_only(user.substr(sip.size()), "+-.()0123456789")) return std::nullopt;
    auto number = callable(std::string(tel) + std::string(user.substr(sip.size())));
    return number && number->starts_with("tel:+") ? std::move(number) : std::nullopt;
}

bool DialPlan::is_emergency(std::string_view number) const {
    return std::ranges::find(options_.emergency, number) != options_.emergency.end();
}

DialPlan::Kind DialPlan::kind_of(std::string_view address) const {
    if (!address.starts_with(tel)) return Kind::ordinary;
    auto number = address.substr(tel.size());
    const auto by = [](bool route) { return route ? Kind::routed : Kind::barred; };
    if (!number.starts_with('+'))
        return by(is_emergency(number) ? options_.route_emergency : options_.route_short);
    number.remove_prefix(1);
    if (!options_.numbers.country.empty() && number.starts_with(options_.numbers.country))
        number.remove_prefix(options_.numbers.country.size());
    return is_emergency(number) ? by(options_.route_emergency) : Kind::ordinary;
}

Destinations::Destinations(std::string_view allow, std::string_view deny, bool loopback,
                           std::string_view gateway)
    : allow_(words_of(allow)),
      deny_(words_of(deny)),
      loopback_(loopback),
      gateway_(gateway.empty() ? std::string() : ledger::normal_address("sip:" + std::string(gateway))) {}

bool Destinations::at_gateway(std::string_view address) const {
    if (gateway_.empty() || !address.starts_with("sip:")) return false;
    if (without_root(host_of(address)) != without_root(host_of(gateway_))) return false;
    // Where one names no port, DNS may name the other's.
    const int port = port_of(address);
    return port == 0 || port_of(gateway_) == 0 || port == port_of(gateway_);
}

bool Destinations::denied(std::string_view address) const {
    return starts_with_any(address, deny_) || (at_gateway(address) && names_number(address));
}

bool Destinations::allowed(std::string_view address) const {
    if (denied(address)) return false;
    if (starts_with_any(address, allow_)) return true;
    if (!loopback_ || !address.starts_with("sip:")) return false;
    const auto host = host_of(address);
    // A name may begin as an address of this machine does.
    const bool number = has_only(host, "0123456789.");
    return (number && host.starts_with("127.")) || host == "localhost" || host == "[::1]";
}

bool Destinations::allowed(std::string_view address, std::span<const std::string> allow,
                           std::span<const std::string> deny) const {
    if (denied(address) || starts_with_any(address, deny)) return false;
    return allow.empty() ? allowed(address) : starts_with_any(address, allow);
}

}  // namespace calls
