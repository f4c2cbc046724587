// Normalises addresses.
#include "ledger/address.hpp"

#include <algorithm>

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

}  // namespace

std::string normal_address(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+')) return "tel:" + without_separators(text);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::string(text);
    const auto scheme = lowered(text.substr(0, colon));
    const auto rest = text.substr(colon + 1);
    if (scheme == "tel") return "tel:" + without_separators(rest);
    if (scheme != "sip" && scheme != "sips") return scheme + ':' + std::string(rest);
    const auto at = rest.find('@');
    if (at == std::string_view::npos) return scheme + ':' + lowered(rest);
    return scheme + ':' + std::string(rest.substr(0, at + 1)) + lowered(rest.substr(at + 1));
}

}  // namespace ledger
