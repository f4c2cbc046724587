// Response heads as they go out.
#include "frontend/http/connection.hpp"

#include <gtest/gtest.h>

namespace {

std::string head(const http::Response& response, int version, bool keep_alive) {
    std::string out;
    http::append_head(out, response, "Date: x\r\n", version, keep_alive);
    return out;
}

TEST(ResponseHead, says_what_the_client_needs) {
    http::Response response;
    response.content_type = "text/xml; charset=utf-8";
    response.body = "hello";
    response.add_header("X-Request-Id", "1");
    EXPECT_EQ(head(response, 11, true),
              "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: 5\r\n"
              "X-Request-Id: 1\r\n\r\n");
    EXPECT_EQ(head(response, 10, true),
              "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: 5\r\n"
              "X-Request-Id: 1\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, says_that_the_connection_ends) {
    http::Response response;
    response.status = 503;
    EXPECT_EQ(
        head(response, 11, false),
        "HTTP/1.1 503 Service Unavailable\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseHead, names_every_status_that_is_sent) {
    for (const auto status : {200, 400, 401, 404, 405, 408, 413, 415, 421, 429, 431, 500, 501, 503, 505})
        EXPECT_NE(http::reason_phrase(static_cast<unsigned>(status)), "Status") << status;
}

TEST(ResponseHead, a_value_cannot_end_its_line) {
    http::Response response;
    response.add_header("Name", "a\r\nSet-Cookie: b");
    EXPECT_EQ(response.headers, "Name: a  Set-Cookie: b\r\n");
}

TEST(Header, names_compare_without_case) {
    http::Request request;
    request.fields = {{"SOAPAction", "\"a\""}, {"soapaction", "b"}};
    EXPECT_EQ(request.header("soapaction"), "\"a\"");
    EXPECT_TRUE(http::equal_no_case("chunked", "ChunkeD"));
    EXPECT_FALSE(http::equal_no_case("chunked", "chunkec"));
    EXPECT_FALSE(http::equal_no_case("a", "ab"));
}

}  // namespace
