// Makes tables from rows, and text and JSON from tables.
#include "app/operator/table.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace app {
namespace json = boost::json;
namespace {

constexpr std::string_view gap = "  ";
constexpr std::string_view no_value = "-";

std::string expression(const Column& column) {
    const auto& source = column.source.empty() ? column.name : column.source;
    if (column.kind == Column::Kind::time) {
        return "to_char((" + source + R"() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))";
    }
    if (column.kind == Column::Kind::list) return "array_to_json(" + source + ")";
    return source;
}

json::value cell(const Column& column, const base::sql::Rows& rows, std::size_t row, std::size_t index) {
    if (rows.is_null(row, index)) return nullptr;
    switch (column.kind) {
        case Column::Kind::number:
            return rows.integer(row, index);
        case Column::Kind::flag:
            return rows.boolean(row, index);
        case Column::Kind::list:
            return json::parse(rows.text(row, index));
        case Column::Kind::text:
        case Column::Kind::amount:
        case Column::Kind::time:
            break;
    }
    return json::value(rows.text(row, index));
}

std::string shown(const json::value& value) {
    if (value.is_string()) return printable(value.get_string());
    if (value.is_int64()) return std::to_string(value.get_int64());
    if (value.is_bool()) return value.get_bool() ? "yes" : "no";
    if (!value.is_array() || value.get_array().empty()) return std::string(no_value);
    std::string list;
    for (const auto& element : value.get_array()) {
        if (!list.empty()) list += ", ";
        list += shown(element);
    }
    return list;
}

/// In characters of UTF-8, not in bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// A line of cells, each as wide as its column, without space at the end.
void append_line(std::string& text, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths, const std::vector<Column>& columns) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - width_of(cells[i]), ' ');
        const auto kind = columns[i].kind;
        const bool right = kind == Column::Kind::amount || kind == Column::Kind::number;
        if (i > 0) text += gap;
        text += right ? padding + cells[i] : cells[i] + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
}

}  // namespace

std::string select_list(const std::vector<Column>& columns) {
    std::string list;
    for (const auto& column : columns) {
        if (!list.empty()) list += ", ";
        list += expression(column);
    }
    return list;
}

Table table_of(std::vector<Column> columns, const base::sql::Rows& rows) {
    Table table;
    table.columns = std::move(columns);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        auto& cells = table.rows.emplace_back();
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            cells.push_back(cell(table.columns[i], rows, row, i));
        }
    }
    return table;
}

std::string aligned(const Table& table) {
    std::vector<std::vector<std::string>> lines(1);
    for (const auto& column : table.columns) lines.front().push_back(column.name);
    for (const auto& row : table.rows) {
        auto& line = lines.emplace_back();
        std::ranges::transform(row, std::back_inserter(line), shown);
    }
    std::vector<std::size_t> widths(table.columns.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
    }
    std::string text;
    for (const auto& line : lines) append_line(text, line, widths, table.columns);
    return text;
}

std::string aligned_record(const Table& table) {
    std::size_t width = 0;
    for (const auto& column : table.columns) width = std::max(width, width_of(column.name));
    std::string text;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const auto& name = table.columns[i].name;
        text += name + std::string(width - width_of(name), ' ');
        text.append(gap).append(shown(table.rows.front()[i])) += '\n';
    }
    return text;
}

json::array json_of(const Table& table) {
    json::array array;
    for (const auto& row : table.rows) {
        json::object object;
        for (std::size_t i = 0; i < row.size(); ++i) object[table.columns[i].name] = row[i];
        array.push_back(std::move(object));
    }
    return array;
}

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    const auto write_out = [&](unsigned char byte) {
        result += "\\x";
        result += digits[byte >> 4];
        result += digits[byte & 0x0F];
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte < 0x20 || byte == 0x7F) {
            write_out(byte);
        } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F: controls, too
            write_out(byte);
            write_out(static_cast<unsigned char>(next));
            ++i;
        } else {
            result += text[i];
        }
    }
    return result;
}

}  // namespace app
