// libpq's conninfo_parse: a value ends at a space unless it is quoted, and a backslash takes what follows as
// it is.
#include "app/connection_pairs.hpp"

#include <algorithm>

namespace app {
namespace {

constexpr auto spaces = " \t\n\v\f\r";

void skip_spaces(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
}

/// Takes a value off the beginning; nothing: its quote does not end.
std::optional<std::string> take_value(std::string_view& text) {
    const bool quoted = text.starts_with('\'');
    if (quoted) text.remove_prefix(1);
    const std::string_view ends = quoted ? "'" : spaces;
    std::string value;
    while (!text.empty() && ends.find(text.front()) == std::string_view::npos) {
        if (text.front() == '\\') text.remove_prefix(1);
        if (text.empty()) break;
        value += text.front();
        text.remove_prefix(1);
    }
    if (quoted && text.empty()) return std::nullopt;
    if (quoted) text.remove_prefix(1);
    return value;
}

}  // namespace

std::optional<ConnectionPairs> parse_connection_pairs(std::string_view text) {
    ConnectionPairs pairs;
    for (skip_spaces(text); !text.empty(); skip_spaces(text)) {
        const std::string name(text.substr(0, text.find_first_of(std::string("=") + spaces)));
        text.remove_prefix(name.size());
        skip_spaces(text);
        const bool named = std::ranges::all_of(
            name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
        if (name.empty() || !named || !text.starts_with('=')) return std::nullopt;
        text.remove_prefix(1);
        skip_spaces(text);
        auto value = take_value(text);
        if (!value) return std::nullopt;
        pairs.emplace_back(name, std::move(*value));
    }
    return pairs;
}

std::string connection_string(const ConnectionPairs& pairs) {
    std::string text;
    for (const auto& [name, value] : pairs) {
        if (!text.empty()) text += ' ';
        text += name + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += '\'';
    }
    return text;
}

}  // namespace app
