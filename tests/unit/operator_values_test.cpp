// What people type as times: what PostgreSQL gets, or a refusal in words before it is asked.
#include "app/data_dir.hpp"
#include "app/operator/values.hpp"

#include <gtest/gtest.h>

TEST(OperatorValues, TimesForPostgreSql) {
    EXPECT_EQ(app::time_of(""), std::nullopt);
    EXPECT_EQ(app::time_of("2026-12-31"), "2026-12-31 00:00Z");
    EXPECT_EQ(app::time_of("2028-02-29T23:59"), "2028-02-29 23:59Z");
    EXPECT_EQ(app::time_of("2026-12-31 12:00:30.5+01"), "2026-12-31 12:00:30.5+01");
    EXPECT_EQ(app::time_of("2026-12-31T12:00-0330"), "2026-12-31 12:00-0330");
    EXPECT_EQ(app::time_of("2026-12-31T12:00", ""), "2026-12-31 12:00");
    EXPECT_EQ(app::first_day("2026-12"), "2026-12-01");
}

TEST(OperatorValues, TimesThatThereAreNone) {
    for (const auto* text :
         {"yesterday", "2026-13-01", "2026-00-10", "2026-02-29", "2026-04-31", "2026-01-00", "0000-01-01",
          "2026-01-01T24:00", "2026-01-01T23:60", "2026-01-01T12:00:60", "2026-01-01T12:00+15",
          "2026-01-01T12:00+01:60", "2026-1-1", "20260101", "2026-01-01 ", "2026-01-01T12"})
        EXPECT_THROW((void)app::time_of(text), app::PlainError) << text;
    for (const auto* text : {"2026-13", "2026-00", "0000-01", "2026-1", "2026-01-01"})
        EXPECT_THROW((void)app::first_day(text), app::PlainError) << text;
}
