// Which target means what.
#include "frontend/route.hpp"

#include <gtest/gtest.h>

namespace {

using frontend::find_route;
using Kind = frontend::Route::Kind;

TEST(Route, finds_services) {
    for (const auto* target :
         {"/ParlayX", "/ParlayX/", "/ParlayX/?x", "http://host:8080/ParlayX/", "HTTP://host/ParlayX"}) {
        EXPECT_EQ(find_route(target).kind, Kind::any_service) << target;
    }
    for (const auto* target : {"/ParlayX/v2_1/AmountCharging", "/ParlayX/v2_1/AmountCharging/",
                               "https://host/ParlayX/v2_1/AmountCharging?wsdl"}) {
        const auto route = find_route(target);
        EXPECT_EQ(route.kind, Kind::one_service) << target;
        EXPECT_EQ(route.version, "v2_1");
        EXPECT_EQ(route.interface, "AmountCharging");
    }
    EXPECT_EQ(find_route("/ParlayX/v2_1/AmountCharging?xsd=types").query, "xsd=types");
    EXPECT_EQ(find_route("/ParlayX/v2_1/AmountCharging?wsdl").path, "/ParlayX/v2_1/AmountCharging");
}

TEST(Route, everything_under_ParlayX_is_answered_in_SOAP) {
    for (const auto* target :
         {"/ParlayX/v2_1", "/ParlayX/v2_1/A/B", "/ParlayX//", "/ParlayX//A", "/ParlayX/a//b"}) {
        const auto route = find_route(target);
        EXPECT_EQ(route.kind, Kind::astray) << target;
        EXPECT_TRUE(route.speaks_soap());
    }
}

TEST(Route, finds_the_rest) {
    EXPECT_EQ(find_route("/healthz").kind, Kind::health);
    EXPECT_EQ(find_route("/readyz?x").kind, Kind::readiness);
    EXPECT_EQ(find_route("/metrics/").kind, Kind::metrics);
    EXPECT_EQ(find_route("/nodes").kind, Kind::nodes);
    for (const auto* target : {"", "/", "*", "/ParlayXY", "/parlayx", "//ParlayX", "/metrics/x",
                               "http://host", "ParlayX/", "/../ParlayX/"}) {
        EXPECT_EQ(find_route(target).kind, Kind::nothing) << target;
    }
}

TEST(Route, finds_what_became_of_a_request) {
    const auto route = find_route("/ParlayX/requests/a%2Fb%20c?endUserIdentifier=tel:+1555");
    EXPECT_EQ(route.kind, Kind::request_status);
    EXPECT_EQ(frontend::percent_decoded(route.reference), "a/b c");
    EXPECT_EQ(frontend::query_value(route.query, "endUserIdentifier"), "tel:+1555");
    EXPECT_EQ(find_route("/ParlayX/requests/").kind, Kind::astray);
    EXPECT_EQ(find_route("/ParlayX/requests/a/b").kind, Kind::astray);
}

TEST(Route, decodes_what_is_percent_encoded) {
    EXPECT_EQ(frontend::percent_decoded(""), "");
    EXPECT_EQ(frontend::percent_decoded("%C3%a4+%2B"), "\xC3\xA4++");
    for (const auto* broken : {"%", "%4", "%4g", "%-1", "% 1", "a%zz"})
        EXPECT_EQ(frontend::percent_decoded(broken), std::nullopt) << broken;
    EXPECT_EQ(frontend::query_value("a=1&b=%41=&c", "b"), "A=");
    EXPECT_EQ(frontend::query_value("a=1&b=%41=&c", "c"), "");
    EXPECT_EQ(frontend::query_value("ab=1", "a"), std::nullopt);
    EXPECT_EQ(frontend::query_value("a=%", "a"), std::nullopt);
}

}  // namespace
