// What the ledger tells of one account: its balances, and what happened to them.
#pragma once

#include "base/decimal.hpp"
#include "ledger/account.hpp"
#include "ledger/request.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ledger {

/// As PostgreSQL keeps it.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

/// One balance as it stands now. Amounts in the unit, e.g. 99.25 EUR.
struct Balance {
    std::string type;
    std::string unit;
    int decimals = 0;  ///< of the unit: 2 for EUR
    base::Decimal posted;
    base::Decimal held;        ///< by open holds that are not due
    base::Decimal unreserved;  ///< posted - held: what is there, without a credit limit, expired or not
    base::Decimal credit_limit;
    base::Decimal available;  ///< posted - held + credit_limit; 0 once it has expired
    bool is_default = false;  ///< requests without a balance type use it
    std::int32_t priority = 0;
    std::optional<TimePoint> expires_at;  ///< absent: never
};

/// Which entries of an account.
struct HistoryQuery {
    AccountPtr account;
    BalanceType balance_type;       ///< absent or empty: all balances
    std::optional<TimePoint> from;  ///< recorded then or later
    /// The newest of them, newest first; absent or more than Options::history_entries_max: that many.
    std::optional<std::size_t> max_entries;
};

/// One journal row.
struct HistoryEntry {
    TimePoint recorded_at;
    std::optional<TimePoint> effective_at;  ///< when it happened in the world, where that was said
    std::string kind;                       ///< charge, refund, credit, capture … (ledger.operation)
    std::string balance_type;
    std::string unit;
    int decimals = 0;             ///< of the unit
    base::Decimal amount;         ///< negative: taken from the balance
    base::Decimal balance_after;  ///< posted, after this entry
    std::string application;      ///< who asked for it
    std::string reference;
    std::string code;  ///< may be empty
    std::string description;
    std::int64_t journal_no = 0;  ///< rises with time within an account
};

/// A request that was done.
struct KnownRequest {
    std::string operation;   ///< charge, refund, credit, capture … (ledger.operation)
    base::Decimal amount;    ///< of all its legs; of a split this account's share; 0: it moved nothing
    base::Decimal refunded;  ///< how much of it linked refunds gave back
    std::string unit;
    int decimals = 0;  ///< of the unit
    TimePoint recorded_at;
};

}  // namespace ledger
