// Normalises addresses.
#include "ledger/address.hpp"

#include <algorithm>
#include <utility>

namespace ledger {
namespace {

constexpr std::string_view white_space = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

std::string without_separators(std::string_view number) {
    std::string result;
    std::ranges::copy_if(number, std::back_inserter(result),
                         [](char c) { return std::string_view("-.() ").find(c) == std::string_view::npos; });
    return result;
}

/// Of a number and its parameters, which are compared without regard to case (RFC 3966, 4).
std::string normal_telephone(std::string_view text) {
    const auto parameters = std::min(text.find(';'), text.size());
    return "tel:" + without_separators(text.substr(0, parameters)) + lowered(text.substr(parameters));
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A URI in normal form without what may follow its address: parameters, headers, the port of a SIP URI. Of
/// numbers without `+` the parameter phone-context is a part of the address.
std::string address_portion(const std::string& uri) {
    if (uri.starts_with("tel:+")) return uri.substr(0, uri.find(';'));
    const auto at = uri.find('@');
    if (!(uri.starts_with("sip:") || uri.starts_with("sips:")) || at == std::string::npos) return uri;
    const auto host = uri.substr(0, uri.find_first_of(";?", at));
    const auto bracket = host.find(']', at);  // of an IPv6 address, whose colons are no port's
    return host.substr(0, host.find(':', bracket == std::string::npos ? at : bracket));
}

}  // namespace

std::string normal_address(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+')) return normal_telephone(text);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::string(text);
    const auto scheme = lowered(text.substr(0, colon));
    const auto rest = text.substr(colon + 1);
    if (scheme == "tel") return normal_telephone(rest);
    if (scheme != "sip" && scheme != "sips") return scheme + ':' + std::string(rest);
    const auto at = rest.find('@');
    if (at == std::string_view::npos) return scheme + ':' + lowered(rest);
    return scheme + ':' + std::string(rest.substr(0, at + 1)) + lowered(rest.substr(at + 1));
}

std::vector<std::string> readings_of(std::string_view text, const NumberingPlan& plan) {
    constexpr std::string_view scheme = "tel:";
    constexpr std::string_view context = ";phone-context=+";
    constexpr std::string_view international = "00";
    const auto normal = normal_address(text);
    if (auto portion = address_portion(normal); portion != normal) return {normal, std::move(portion)};
    auto number = normal.starts_with(scheme) ? normal.substr(scheme.size()) : normal;
    std::string prefix;
    if (const auto at = number.find(context); at != std::string::npos) {
        prefix = without_separators(number.substr(at + context.size()));
        number.resize(at);
        if (!is_number(prefix)) return {normal};
    }
    number = without_separators(number);
    if (!is_number(number)) return {normal};
    const auto complete = [](const std::string& digits) { return "tel:+" + digits; };
    if (!prefix.empty()) return {complete(prefix + number), normal};
    if (number.starts_with(international)) return {complete(number.substr(international.size())), normal};
    if (plan.country.empty()) return {complete(number), normal};
    if (!plan.trunk_prefix.empty() && number.starts_with(plan.trunk_prefix))
        return {complete(plan.country + number.substr(plan.trunk_prefix.size())), normal};
    if (number.starts_with(plan.country)) return {complete(number), complete(plan.country + number), normal};
    return {complete(plan.country + number), normal};
}

}  // namespace ledger
