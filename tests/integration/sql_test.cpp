// base::sql against a real PostgreSQL: values there and back, failures by kind, transactions.
#include "base/sql.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace base::sql;

class Sql : public testing::Test {
  protected:
    static void SetUpTestSuite() { database_.emplace(false); }
    static void TearDownTestSuite() { database_.reset(); }

    void SetUp() override {
        session_.exec_script("DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, text text)");
    }

    /// The failure that `statement` raises.
    Failure failure_of(const std::string& statement, const Params& parameters = {}) {
        try {
            session_.exec(statement, parameters);
        } catch (const Error& error) {
            return error.failure();
        }
        throw std::logic_error("no error");
    }

    std::int64_t count() { return session_.exec("SELECT count(*) FROM item").integer(0, 0); }

    void kill(Session& victim) {
        const auto pid = victim.exec("SELECT pg_backend_pid()").integer(0, 0);
        session_.exec("SELECT pg_terminate_backend($1, 10000)", params(pid));
    }

    static inline std::optional<tests::TestDatabase> database_;
    Session session_ = database_->session();
};

TEST_F(Sql, values_go_there_and_back) {
    ArrayText array;
    array.add("a\"b\\c,{}\n");
    array.add_null();
    array.add("NULL");
    const auto rows = session_.exec(
        "SELECT $1::text, $2::bigint, $3::boolean, $4::text, ($5::text[])[1], "
        "($5::text[])[2] IS NULL, ($5::text[])[3], array[1, NULL, 3], '{}'::int[]",
        params("it's \xC3\xA9", std::numeric_limits<std::int64_t>::min(), true, std::optional<std::string>(),
               array));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.text(0, 0), "it's \xC3\xA9");
    EXPECT_EQ(rows.integer(0, 1), std::numeric_limits<std::int64_t>::min());
    EXPECT_TRUE(rows.boolean(0, 2));
    EXPECT_TRUE(rows.is_null(0, 3));
    EXPECT_EQ(rows.optional_text(0, 3), std::nullopt);
    EXPECT_EQ(rows.text(0, 4), "a\"b\\c,{}\n");
    EXPECT_TRUE(rows.boolean(0, 5));
    EXPECT_EQ(rows.text(0, 6), "NULL");
    EXPECT_EQ(rows.plain_array(0, 7), (std::vector<std::string_view>{"1", "", "3"}));
    EXPECT_TRUE(rows.plain_array(0, 8).empty());
    EXPECT_THROW(static_cast<void>(rows.text(0, 3)), std::logic_error);
    EXPECT_THROW(static_cast<void>(rows.text(1, 0)), std::out_of_range);
}

TEST_F(Sql, binary_arrays_are_what_they_say) {
    using Element = BinaryArray::Element;
    constexpr std::array<std::uint8_t, 16> id{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    BinaryArray small(Element::smallint), middle(Element::integer), large(Element::bigint),
        text(Element::text);
    BinaryArray flags(Element::boolean), ids(Element::uuid), nulls(Element::text);
    const BinaryArray none(Element::text);
    small.add(std::int64_t{std::numeric_limits<std::int16_t>::min()});
    small.add_null();
    middle.add(std::int64_t{std::numeric_limits<std::int32_t>::max()});
    large.add(std::numeric_limits<std::int64_t>::min());
    large.add(std::int64_t{258});
    text.add(std::string_view("a\"b\\c,{}\n \xC3\xA9"));
    text.add(std::string_view());
    flags.add(true);
    flags.add(false);
    ids.add(std::span(id));
    nulls.add_null();
    const auto rows = session_.exec(
        "SELECT $1::text, $2::smallint[], $3::integer[], $4::bigint[], ($5::text[])[1], ($5::text[])[2] = "
        "'', "
        "$6::boolean[], $7::uuid[], $8::text[], $9::text[], ($9::text[])[1], $10::integer",
        params("before", small, middle, large, text, flags, ids, nulls, none, 7));
    const std::vector<std::string> expected{"before",
                                            "{-32768,NULL}",
                                            "{2147483647}",
                                            "{-9223372036854775808,258}",
                                            "a\"b\\c,{}\n \xC3\xA9",
                                            "t",
                                            "{t,f}",
                                            "{00010203-0405-0607-0809-0a0b0c0d0eff}",
                                            "{NULL}",
                                            "{}"};
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(rows.text(0, i), expected[i]);
    EXPECT_TRUE(rows.is_null(0, 10));
    EXPECT_EQ(rows.integer(0, 11), 7);
}

TEST_F(Sql, text_in_binary_arrays_is_checked) {
    for (const std::string& wrong : {std::string("a\0b", 3), std::string("\xC3(")}) {
        BinaryArray text(BinaryArray::Element::text);
        text.add(std::string_view(wrong));
        try {
            session_.exec("SELECT $1::text[]", params(text));
            ADD_FAILURE() << "was taken";
        } catch (const Error& error) {
            EXPECT_EQ(error.failure(), Failure::data);
            EXPECT_EQ(error.sqlstate(), "22021");
        }
    }
}

TEST_F(Sql, statements_are_prepared_once) {
    for (int i = 0; i < 3; ++i) session_.exec("SELECT $1::int + 1", params(i));
    session_.exec("SELECT $1::int + 2", params(1));
    EXPECT_EQ(session_.exec("SELECT count(*) FROM pg_prepared_statements").integer(0, 0), 2);
}

TEST_F(Sql, failures_are_classified) {
    session_.exec("INSERT INTO item VALUES (1, 'one')");
    EXPECT_EQ(failure_of("INSERT INTO item VALUES ($1, 'again')", params(1)), Failure::data);
    EXPECT_EQ(failure_of("SELEC"), Failure::data);
    EXPECT_EQ(failure_of("SELECT 1 / 0"), Failure::data);
    EXPECT_EQ(failure_of("SELECT $1::text", params("\xFF")), Failure::data);
    EXPECT_EQ(failure_of("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$"), Failure::data);
    EXPECT_EQ(failure_of("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$"),
              Failure::conflict);
    EXPECT_EQ(failure_of("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END $$"),
              Failure::conflict);
    EXPECT_EQ(failure_of("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$"),
              Failure::connection);
    session_.exec("SET statement_timeout = 10");
    EXPECT_EQ(failure_of("SELECT pg_sleep(10)"), Failure::timeout);
    EXPECT_FALSE(session_.broken());
}

TEST_F(Sql, a_failure_in_a_function_names_it_and_quotes_none_of_its_statements) {
    session_.exec_script(
        "create or replace function pg_temp.fails() returns void language plpgsql as $$ begin\n"
        "insert into item\n  values (1, 'x'),\n (1, 'y'); end $$");
    const auto said = [&] {
        try {
            session_.exec("select pg_temp.fails()");
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    const auto duplicate = said();
    EXPECT_EQ(duplicate.find("insert"), std::string::npos) << duplicate;
    EXPECT_TRUE(duplicate.starts_with("ERROR:  duplicate key")) << duplicate;
    EXPECT_NE(duplicate.find("DETAIL:  Key (id)=(1)"), std::string::npos) << duplicate;
    EXPECT_TRUE(duplicate.ends_with("line 2 at SQL statement")) << duplicate;
    session_.exec("drop table item");
    const auto missing = said();
    EXPECT_EQ(missing.find("values"), std::string::npos) << missing;
    EXPECT_TRUE(missing.ends_with("line 2 at SQL statement")) << missing;
}

TEST_F(Sql, a_lost_connection_stays_lost) {
    auto victim = database_->session();
    EXPECT_TRUE(victim.alive());
    kill(victim);
    EXPECT_FALSE(victim.alive());
    EXPECT_TRUE(victim.broken());
    for (int i = 0; i < 2; ++i) {
        try {
            victim.exec("SELECT 1");
            FAIL() << "the session came back by itself";
        } catch (const Error& error) {
            EXPECT_EQ(error.failure(), Failure::connection);
        }
    }
}

TEST_F(Sql, a_database_that_is_not_there_is_a_connection_failure) {
    SessionOptions options;
    for (const auto* url : {"postgresql://localhost:1/x", "host=/nowhere dbname=x", "nonsense"}) {
        options.url = url;
        try {
            Session session(options);
            FAIL() << url;
        } catch (const Error& error) {
            EXPECT_EQ(error.failure(), Failure::connection) << url;
        }
    }
}

TEST_F(Sql, transactions_commit_and_roll_back) {
    {
        Transaction transaction(session_);
        session_.exec("INSERT INTO item VALUES ($1, $2)", params(1, "one"));
        transaction.commit();
    }
    EXPECT_EQ(count(), 1);
    {
        const Transaction transaction(session_);
        session_.exec("INSERT INTO item VALUES ($1, $2)", params(2, "two"));
    }
    EXPECT_EQ(count(), 1);
    {
        Transaction transaction(session_);
        EXPECT_THROW(session_.exec("SELECT 1 / 0"), Error);
        EXPECT_THROW(transaction.commit(), Error);  // PostgreSQL would answer ROLLBACK and call it success
    }
    EXPECT_EQ(count(), 1);
    Transaction usable_again(session_);
    session_.exec("INSERT INTO item VALUES ($1, $2)", params(3, "three"));
    usable_again.commit();
    EXPECT_EQ(count(), 2);
}

TEST_F(Sql, a_transaction_within_another_is_a_part_of_it) {
    Transaction whole(session_);
    session_.exec("INSERT INTO item VALUES ($1, $2)", params(1, "one"));
    {
        const Transaction part(session_);
        session_.exec("INSERT INTO item VALUES ($1, $2)", params(2, "two"));
        EXPECT_THROW(session_.exec("SELECT 1 / 0"), Error);
    }
    {
        Transaction part(session_);
        session_.exec("INSERT INTO item VALUES ($1, $2)", params(3, "three"));
        part.commit();
    }
    whole.commit();
    EXPECT_EQ(session_.exec("SELECT string_agg(text, ' ' ORDER BY id) FROM item").text(0, 0), "one three");
}

TEST_F(Sql, a_commit_on_a_lost_connection_is_in_doubt) {
    auto victim = database_->session();
    Transaction transaction(victim);
    victim.exec("INSERT INTO item VALUES ($1, $2)", params(1, "one"));
    kill(victim);
    try {
        transaction.commit();
        FAIL() << "committed without a connection";
    } catch (const Error& error) {
        EXPECT_EQ(error.failure(), Failure::connection);
    }
}

TEST_F(Sql, sessions_have_the_role_and_name_that_were_asked_for) {
    session_.exec("DO $$ BEGIN CREATE ROLE sql_test_reader; EXCEPTION WHEN duplicate_object THEN END $$");
    SessionOptions options;
    options.url = database_->url("postgres");
    options.role = "sql_test_reader";
    options.application_name = "it's me";
    options.statement_timeout = std::chrono::milliseconds(1234);
    Session session(options);
    EXPECT_EQ(session.exec("SELECT current_user").text(0, 0), "sql_test_reader");
    EXPECT_EQ(session.exec("SHOW application_name").text(0, 0), "it's me");
    EXPECT_EQ(session.exec("SHOW statement_timeout").text(0, 0), "1234ms");
    EXPECT_EQ(session.exec("SHOW TimeZone").text(0, 0), "UTC");
}

}  // namespace
