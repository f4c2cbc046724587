// What the operator's commands print: tables that line up, text without power over the terminal, reasons in
// words.
#include "app/operator/refused.hpp"
#include "app/operator/table.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace json = boost::json;
using app::Column;
using app::Table;

namespace {

Table table() {
    Table result;
    result.columns = {{.name = "balance_type"},
                      {.name = "posted", .kind = Column::Kind::amount},
                      {.name = "priority", .kind = Column::Kind::number},
                      {.name = "is_default", .kind = Column::Kind::flag},
                      {.name = "addresses", .kind = Column::Kind::list}};
    result.rows = {{"münze", "100.00", 20, true, json::array{"tel:+1", "sip:a@b"}},
                   {"a much longer name", "-0.50", 5, false, json::array{}},
                   {nullptr, nullptr, nullptr, nullptr, nullptr}};
    return result;
}

}  // namespace

TEST(OperatorTable, ColumnsLineUpByCharacter) {
    EXPECT_EQ(app::aligned(table()),
              "balance_type        posted  priority  is_default  addresses\n"
              "münze               100.00        20  yes         tel:+1, sip:a@b\n"
              "a much longer name   -0.50         5  no          -\n"
              "-                        -         -  -           -\n");
}

TEST(OperatorTable, ARecordHasALineForEachColumn) {
    EXPECT_EQ(app::aligned_record(table()),
              "balance_type  münze\n"
              "posted        100.00\n"
              "priority      20\n"
              "is_default    yes\n"
              "addresses     tel:+1, sip:a@b\n");
}

TEST(OperatorTable, JsonKeepsAmountsExact) {
    auto rows = table();
    rows.rows.erase(rows.rows.begin() + 1);
    EXPECT_EQ(json::serialize(app::json_of(rows)),
              R"([{"balance_type":"münze","posted":"100.00","priority":20,"is_default":true,)"
              R"("addresses":["tel:+1","sip:a@b"]},{"balance_type":null,"posted":null,"priority":null,)"
              R"("is_default":null,"addresses":null}])");
}

TEST(OperatorTable, SelectsWhatItsColumnsNeed) {
    EXPECT_EQ(app::select_list({{.name = "unit"},
                                {.name = "opened_at", .kind = Column::Kind::time},
                                {.name = "addresses", .kind = Column::Kind::list},
                                {.name = "account", .source = "account_id::text"}}),
              R"(unit, to_char((opened_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), )"
              "array_to_json(addresses), account_id::text");
}

TEST(OperatorTable, TextHasNoPowerOverTheTerminal) {
    EXPECT_EQ(app::printable("a\x1b[31m\r\n\t\x7f"), R"(a\x1B[31m\x0D\x0A\x09\x7F)");
    EXPECT_EQ(app::printable("grün €"), "grün €");
    EXPECT_EQ(app::printable("csi \xC2\x9B"
                             "31m"),
              R"(csi \xC2\x9B31m)");
}

TEST(OperatorRefused, EveryRefusalHasWordsOfItsOwn) {
    std::set<std::string_view> reasons;
    for (const auto refusal : ledger::all_refusals()) {
        EXPECT_TRUE(reasons.insert(app::reason_of(refusal)).second) << to_string(refusal);
        EXPECT_EQ(app::Refused(refusal).outcome(), to_string(refusal));
    }
}
