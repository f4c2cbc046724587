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
    for (const auto* target : {"", "/", "*", "/ParlayXY", "/parlayx", "//ParlayX", "/metrics/x",
                               "http://host", "ParlayX/", "/../ParlayX/"}) {
        EXPECT_EQ(find_route(target).kind, Kind::nothing) << target;
    }
}

}  // namespace
