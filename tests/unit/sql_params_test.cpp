// base::sql: the texts of parameters.
#include "base/sql.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using base::sql::ArrayText;
using base::sql::BinaryArray;

TEST(ArrayText, writes_postgresql_arrays) {
    ArrayText empty;
    EXPECT_EQ(empty.text(), "{}");

    ArrayText numbers;
    numbers.add(std::int64_t{1});
    numbers.add_null();
    numbers.add(std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(numbers.text(), "{1,NULL,-9223372036854775808}");

    ArrayText texts;
    texts.add(std::string_view("a\"b\\c,{}"));
    texts.add(std::string_view(""));
    texts.add(std::string_view("NULL"));
    texts.add(std::optional<std::string_view>());
    EXPECT_EQ(texts.text(), R"({"a\"b\\c,{}","","NULL",NULL})");

    ArrayText flags;
    flags.add(true);
    flags.add(false);
    EXPECT_EQ(flags.text(), "{t,f}");
}

TEST(BinaryArray, takes_no_number_that_its_element_has_no_room_for) {
    using Element = BinaryArray::Element;
    BinaryArray narrow(Element::smallint);
    narrow.add(std::int64_t{-32'768});
    EXPECT_THROW(narrow.add(std::int64_t{32'768}), base::sql::Error);
    BinaryArray middle(Element::integer);
    middle.add(std::int64_t{std::numeric_limits<std::int32_t>::max()});
    EXPECT_THROW(middle.add(std::int64_t{std::numeric_limits<std::int32_t>::min()} - 1), base::sql::Error);
}

TEST(Params, has_binary_ones_together) {
    const BinaryArray array(BinaryArray::Element::bigint);
    base::sql::Params params;
    params.add("text").add(array).add(array).add(1);
    EXPECT_EQ(params.binary().size(), 2U);
    EXPECT_EQ(params.binary().data(), params.values().data() + 1);
    EXPECT_THROW(params.add(array), std::logic_error);
}

TEST(Params, refuses_text_that_libpq_would_cut) {
    base::sql::Params params;
    EXPECT_THROW(params.add(std::string("a\0b", 3)), base::sql::Error);
}

}  // namespace
