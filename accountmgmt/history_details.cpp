// Writes a journal row as name=value pairs.
#include "accountmgmt/history_details.hpp"

#include <algorithm>
#include <string_view>

namespace accountmgmt {
namespace {

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-+._:/@").find(c) != std::string_view::npos;
}

/// An entry stays on one line: line breaks and tabs are written as in C.
void add_quoted(std::string& text, char c) {
    constexpr std::string_view special = "\"\\\n\r\t", letters = "\"\\nrt";
    const auto at = special.find(c);
    if (at == std::string_view::npos) {
        text += c;
    } else {
        text += '\\';
        text += letters[at];
    }
}

void add(std::string& text, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!text.empty()) text += ' ';
    text += name;
    text += '=';
    if (std::ranges::all_of(value, plain)) {
        text += value;
        return;
    }
    text += '"';
    for (const char c : value) add_quoted(text, c);
    text += '"';
}

}  // namespace

std::string history_details(const ledger::HistoryEntry& entry) {
    std::string text;
    add(text, "kind", entry.kind);
    add(text, "amount", entry.amount.text(entry.decimals));
    add(text, "unit", entry.unit);
    add(text, "balanceType", entry.balance_type);
    add(text, "balanceAfter", entry.balance_after.text(entry.decimals));
    add(text, "application", entry.application);
    add(text, "referenceCode", entry.reference);
    add(text, "code", entry.code);
    add(text, "description", entry.description);
    return text;
}

}  // namespace accountmgmt
