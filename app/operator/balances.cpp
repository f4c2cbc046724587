// Reads finance.balances.
#include "app/operator/balances.hpp"

namespace app {

Table balances_of(Desk& desk, const ledger::Account& account) {
    using Kind = Column::Kind;
    const std::vector<Column> columns{
        {.name = "balance_type"},
        {.name = "unit"},
        {.name = "posted", .kind = Kind::amount},
        {.name = "held", .kind = Kind::amount},
        {.name = "credit_limit", .kind = Kind::amount},
        {.name = "available", .kind = Kind::amount},
        {.name = "expires_at", .kind = Kind::time},
        {.name = "priority", .kind = Kind::number},
        {.name = "is_default", .kind = Kind::flag},
    };
    return desk.table(columns, "from finance.balances where account_id = $1 order by balance_no",
                      base::sql::params(account.id));
}

}  // namespace app
