// Log lines: valid JSON whatever the values hold.
#include "base/log.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace {

using base::LogFormat;

TEST(Log, json_lines_keep_every_value) {
    const std::string nasty = "a\"b\\c\nd\te\x01\x7F\xC3\xA9";
    const auto line =
        "{" + base::log_text(LogFormat::json, nasty, "", {{"text", nasty}, {"n", -5}, {"flag", true}}) + "}";
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto parsed = boost::json::parse(line).as_object();
    EXPECT_EQ(parsed.at("msg").as_string(), nasty);
    EXPECT_EQ(parsed.at("text").as_string(), nasty);
    EXPECT_EQ(parsed.at("n").as_int64(), -5);
    EXPECT_TRUE(parsed.at("flag").as_bool());
}

TEST(Log, bytes_that_are_no_utf8_are_replaced) {
    for (const auto* bytes :
         {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80"}) {
        const auto quoted = base::json_quoted(bytes);
        EXPECT_NE(quoted.find("\xEF\xBF\xBD"), std::string::npos);
        EXPECT_NO_THROW(static_cast<void>(boost::json::parse(quoted)));
    }
    EXPECT_EQ(base::json_quoted("\xF0\x9F\x92\xB6"), "\"\xF0\x9F\x92\xB6\"");
}

TEST(Log, text_lines_quote_only_where_needed) {
    EXPECT_EQ(
        base::log_text(LogFormat::text, "started", "", {{"port", 8080}, {"name", "a b"}, {"empty", ""}}),
        "started port=8080 name=\"a b\" empty=\"\"");
    EXPECT_EQ(base::log_text(LogFormat::text, "two\nlines", "", {}), "two\\nlines");
}

}  // namespace
