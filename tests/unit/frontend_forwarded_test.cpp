// What proxies say, and who is believed.
#include "frontend/forwarded.hpp"

#include <gtest/gtest.h>

namespace {

const auto proxies = http::Networks::parse("10.0.0.0/8, ::1").value();

http::Request request(std::string_view peer, std::vector<http::Request::Field> fields) {
    http::Request result;
    result.peer = peer;
    result.fields = std::move(fields);
    return result;
}

TEST(Forwarded, finds_the_client_behind_trusted_proxies) {
    const auto client = [](std::string_view peer, std::vector<http::Request::Field> fields) {
        const auto from = request(peer, std::move(fields));
        return std::string(frontend::client_address(from, proxies));
    };
    EXPECT_EQ(client("8.8.8.8", {{"X-Forwarded-For", "1.2.3.4"}}), "8.8.8.8");  // a stranger may say anything
    EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "1.2.3.4"}}), "1.2.3.4");
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.2"}}), "1.2.3.4");
    EXPECT_EQ(
        client("::1", {{"x-forwarded-for", "6.6.6.6"}, {"X-Forwarded-For", "[2001:db8::1]:80 , 10.0.0.2:5"}}),
        "2001:db8::1");
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "1.2.3.4, unknown"}}), "10.0.0.1");
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", ""}}), "10.0.0.1");
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", ",[,"}}), "10.0.0.1");
}

TEST(Forwarded, tells_the_url_that_the_client_called) {
    const auto url = [](std::string_view peer, std::vector<http::Request::Field> fields) {
        return frontend::called_url(request(peer, std::move(fields)), proxies);
    };
    EXPECT_EQ(url("8.8.8.8", {{"Host", "a:81"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "b"}}),
              "http://a:81");
    EXPECT_EQ(url("10.0.0.1",
                  {{"Host", "a"}, {"X-Forwarded-Proto", "HTTPS, http"}, {"X-Forwarded-Host", "b:8, c"}}),
              "https://b:8");
    EXPECT_EQ(url("10.0.0.1", {{"Host", "a"}, {"X-Forwarded-Host", "<script>"}}), "http://a");
    EXPECT_EQ(url("10.0.0.1", {}), "http://localhost");
}

}  // namespace
