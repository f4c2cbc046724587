// Text that comes from outside (descriptions, references, balance types) must not end a field, a line or an
// account's name.
#include "app/operator/export_format.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace app {
namespace {

/// How many bytes at the beginning of `text` are one character that separates words, for hledger too; 0:
/// none.
std::size_t space_length(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte <= ' ' || byte == 0x7F) return 1;
    // Spaces of Unicode, in UTF-8: no-break, Ogham, em and its kin, narrow, mathematical, ideographic.
    if (text.starts_with("\xC2\xA0") || text.starts_with("\xC2\x85")) return 2;
    if (text.size() >= 3 && text.starts_with("\xE2\x80")) {
        const auto last = static_cast<unsigned char>(text[2]);
        if (last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF) return 3;
    }
    constexpr std::array<std::string_view, 3> others{"\xE1\x9A\x80", "\xE2\x81\x9F", "\xE3\x80\x80"};
    return std::ranges::any_of(others, [&](auto space) { return text.starts_with(space); }) ? 3 : 0;
}

/// On one line, single spaces, none at the ends, `_` for what `special` holds.
std::string one_line(std::string_view text, std::string_view special) {
    std::string result;
    while (!text.empty()) {
        if (const auto length = space_length(text); length > 0) {
            if (!result.empty() && result.back() != ' ') result += ' ';
            text.remove_prefix(length);
        } else {
            result += special.find(text.front()) == std::string_view::npos ? text.front() : '_';
            text.remove_prefix(1);
        }
    }
    if (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
}

/// One level of an account's name.
std::string level(std::string_view text) {
    auto name = one_line(text, ":;|");
    return name.empty() ? "_" : name;
}

std::string commodity(std::string_view unit) {
    const bool plain = std::ranges::all_of(unit, [](unsigned char c) { return std::isalpha(c) != 0; });
    return plain ? std::string(unit) : '"' + one_line(unit, "\";") + '"';
}

std::string negated(const std::string& amount) {
    return amount.starts_with('-') ? amount.substr(1) : '-' + amount;
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"') result += '"';
        result += c;
    }
    return result + '"';
}

/// Spreadsheets compute what begins like this, whatever quotes it has.
bool is_formula(std::string_view text) {
    if (text.empty() || std::string_view("=+-@\t\r").find(text.front()) == std::string_view::npos)
        return false;
    const auto number = text.substr(1);
    return text.front() == '=' || number.empty() ||
           number.find_first_not_of("0123456789.") != std::string_view::npos;
}

}  // namespace

std::string csv_line(const std::vector<std::optional<std::string>>& fields) {
    std::string line;
    bool first = true;
    for (const auto& field : fields) {
        if (!std::exchange(first, false)) line += ',';
        if (!field) continue;
        // An empty text is not an absent one.
        if (is_formula(*field)) {
            line += quoted("'" + *field);
        } else if (field->empty() || field->find_first_of(",\"\r\n") != std::string::npos) {
            line += quoted(*field);
        } else {
            line += *field;
        }
    }
    return line + "\r\n";
}

std::string customer_account(std::string_view address, std::string_view balance_type) {
    // The scheme is a level of its own, so that a report of depth 3 tells telephones from others.
    const auto colon = address.find(':');
    std::string name = "liabilities:customers:";
    if (colon != std::string_view::npos) {
        name += level(address.substr(0, colon)) + ':';
        address.remove_prefix(colon + 1);
    }
    return name + level(address) + ':' + level(balance_type);
}

std::string contra_account(std::string_view contra, std::string_view application) {
    if (contra == "revenue") return "income:" + level(application);
    if (contra == "funding") return "assets:funding";
    if (contra == "vouchers") return "liabilities:vouchers";
    if (contra == "adjustment") return "expenses:adjustments";
    if (contra == "expired") return "income:expired";
    if (contra == "written_off") return "income:written off";
    return "equity:" + level(contra);
}

std::string hledger_text(const HledgerTransaction& transaction) {
    // The parentheses are there without a code too: a description may begin with one.
    auto text = transaction.date + " * (" + one_line(transaction.code, "()") + ") " +
                one_line(transaction.description, ";|") + '\n';
    for (const auto& [name, value] : transaction.tags) {
        text += "    ; " + name + ": " + one_line(value, ",") + '\n';
    }
    const auto unit = commodity(transaction.unit);
    text += "    " + transaction.account + "  " + negated(transaction.amount) + ' ' + unit + '\n';
    text += "    " + transaction.other + "  " + transaction.amount + ' ' + unit + '\n';
    return text + '\n';
}

std::string hledger_commodity(std::string_view unit, int decimals) {
    return "commodity 1000." + std::string(static_cast<std::size_t>(decimals), '0') + ' ' + commodity(unit) +
           '\n';
}

}  // namespace app
