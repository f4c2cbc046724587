// base::sql: the texts of parameters.
#include "base/sql.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using base::sql::ArrayText;

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

TEST(Params, refuses_text_that_libpq_would_cut) {
    base::sql::Params params;
    EXPECT_THROW(params.add(std::string("a\0b", 3)), base::sql::Error);
}

}  // namespace
