// How exported rows are written: CSV (RFC 4180), and journals of hledger.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

/// One line of CSV with its line break; fields are quoted where they must be, absent ones are empty. Text
/// that a spreadsheet would take for a formula begins with an apostrophe.
[[nodiscard]] std::string csv_line(const std::vector<std::optional<std::string>>& fields);

/// The account of hledger that a customer's balance is, e.g. `liabilities:customers:tel:+15550001:main`.
[[nodiscard]] std::string customer_account(std::string_view address, std::string_view balance_type);

/// The account of hledger that a contra account is: `income:APPLICATION` for revenue, `assets:funding`,
/// `liabilities:vouchers`, `expenses:adjustments`, `income:expired`, `income:written off`, `equity:NAME` for
/// others.
[[nodiscard]] std::string contra_account(std::string_view contra, std::string_view application);

/// A transaction of two postings: what the ledger adds to `account` it takes from `other`.
struct HledgerTransaction {
    std::string date;  ///< 2026-11-24
    std::string code;  ///< in parentheses
    std::string description;
    std::vector<std::pair<std::string, std::string>> tags;
    std::string account;
    std::string other;
    /// A decimal number with the ledger's sign: positive is funds of the customer. Bookkeepers write what is
    /// owed to others, and income, as negative: the sign is turned on the way.
    std::string amount;
    std::string unit;
};
[[nodiscard]] std::string hledger_text(const HledgerTransaction& transaction);

/// How amounts of a unit are shown, e.g. (EUR, 2). Goes before the first transaction.
[[nodiscard]] std::string hledger_commodity(std::string_view unit, int decimals);

}  // namespace app
