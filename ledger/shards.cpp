// Reads the shard table.
#include "ledger/shards.hpp"

#include <stdexcept>
#include <string>

namespace ledger {

Shards::Shards(base::sql::Session& session, std::size_t expected)
    : distributed_(session.exec("select to_regproc('ledger.post_shard') is not null").boolean(0, 0)) {
    const auto rows = session.exec("select shard from ledger.shard order by slot");
    if (rows.size() != expected) {
        throw std::runtime_error("the database was made with ledger.shards = " + std::to_string(rows.size()) +
                                 ", the configuration says " + std::to_string(expected) +
                                 "; the number of shards is fixed when the database is made");
    }
    by_slot_.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        by_slot_.push_back(static_cast<std::int16_t>(rows.integer(row, 0)));
    }
}

}  // namespace ledger
