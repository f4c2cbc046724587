// The transactionDetails of getHistory: text that a person reads and a program takes apart.
#pragma once

#include "ledger/statement.hpp"

#include <string>

namespace accountmgmt {

/// `name=value` pairs between spaces, always in this order, those without a value left out:
///
///     kind=charge amount=-1.50 unit=EUR balanceType=main balanceAfter=98.50 application=demo-app
///     referenceCode=R-17 code=SONG description="a song"
///
/// A value of other characters than letters, digits and those of `-+._:/@` stands in double quotes, in which
/// a backslash stands before each quote and backslash.
[[nodiscard]] std::string history_details(const ledger::HistoryEntry& entry);

}  // namespace accountmgmt
