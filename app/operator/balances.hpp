// The balances of an account, as these commands show them.
#pragma once

#include "app/operator/desk.hpp"
#include "ledger/account.hpp"

namespace app {

/// In the order in which they were made; the columns of finance.balances.
[[nodiscard]] Table balances_of(Desk& desk, const ledger::Account& account);

}  // namespace app
