// `ledgerline balance`, `history` and `topup`: a client of Account Management for people.
#pragma once

#include "app/soap_client.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace app {

struct AccountOptions : ClientOptions {
    std::string address;
    std::string pin_file;  ///< file whose first line is the account's PIN; empty: none is sent
    std::string from;      ///< of histories: a time like 2026-11-01T00:00:00Z; empty: all of it
    std::optional<std::int32_t> entries;
    std::string amount;  ///< of top-ups
    std::string balance;
    std::string reference;
    std::optional<std::int32_t> period_days;
    std::string voucher_file;  ///< file with a voucher's code, and its PIN on a second line if it has one
};

// Each prints what it is told: 0 done, 1 refused. Throws PlainError when nobody could be asked, or when it is
// unknown what became of it.

/// One line a balance: its type, what is in it, and until when.
int show_balances(const AccountOptions& options);
/// One line an entry, newest first.
int show_history(const AccountOptions& options);
/// Adds an amount, or what a voucher is worth.
int top_up(const AccountOptions& options);

}  // namespace app
