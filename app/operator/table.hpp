// Rows of the database with named columns: aligned for people, as JSON for programs.
#pragma once

#include "base/sql.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace app {

struct Column {
    enum class Kind {
        text,
        amount,  ///< in major units; exact, so in JSON a string
        number,
        flag,
        time,  ///< shown in UTC, as in RFC 3339
        list,  ///< of texts
    };
    std::string name;  ///< the heading and the JSON key
    Kind kind = Kind::text;
    std::string source{};  ///< an SQL expression; empty: the column of this name
};

/// One cell for each column; null where there is no value.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<boost::json::value>> rows;
};

/// What stands between SELECT and FROM, for table_of.
[[nodiscard]] std::string select_list(const std::vector<Column>& columns);
/// The rows that such a SELECT returned.
[[nodiscard]] Table table_of(std::vector<Column> columns, const base::sql::Rows& rows);

/// A heading and a line a row; numbers to the right.
[[nodiscard]] std::string aligned(const Table& table);
/// The first row with a line a column.
[[nodiscard]] std::string aligned_record(const Table& table);
/// An object a row.
[[nodiscard]] boost::json::array json_of(const Table& table);

/// `text` without power over the terminal: control characters are written out, e.g. `\x1B`.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace app
