// The catalogue: interfaces by URL, operations by namespace, versions that are not listed.
#include "frontend/soap/interface.hpp"
#include "payment/amount_messages.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using soap::VersionNumber;
using soap::VersionRange;

constexpr soap::Version call_versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/third_party_call/v2_0/local",
     .types = {},
     .common = {},
     .wsdl_interface = {},
     .wsdl_service = {},
     .faults = {}},
    {.name = "v2_3",
     .number = {2, 3},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local",
     .types = {},
     .common = {},
     .wsdl_interface = {},
     .wsdl_service = {},
     .faults = {}},
};
constexpr std::string_view cancel_aliases[]{"cancelCall"};
constexpr soap::OperationTable call_operations[]{
    soap::operation<soap::Empty>("cancelCallRequest", {}, soap::Role::served, cancel_aliases),
    soap::operation<soap::Empty>("makeCallSession", {.since = {3, 0}}),
};
constexpr soap::Interface calls{.name = "ThirdPartyCall",
                                .file_base = "parlayx_third_party_call",
                                .versions = call_versions,
                                .operations = call_operations};

class SoapInterface : public testing::Test {
  protected:
    /// The name of the version that serves this namespace; empty: none does.
    std::string served(const std::string& local) {
        const auto endpoint = catalogue.resolve(local);
        return endpoint ? std::string(endpoint->interface->name) + " " + std::string(endpoint->version->name)
                        : "";
    }
    std::string call(const std::string& version) {
        return served("http://www.csapi.org/schema/parlayx/third_party_call/" + version + "/local");
    }
    soap::Catalogue catalogue{{&payment::amount_charging, &calls}};
};

TEST_F(SoapInterface, VersionRangesHoldBothEnds) {
    constexpr VersionRange range{.since = {2, 1}, .until = {3, 0}};
    EXPECT_FALSE(range.contains(VersionNumber{2, 0}));
    EXPECT_TRUE(range.contains(VersionNumber{2, 1}));
    EXPECT_TRUE(range.contains(VersionNumber{2, 99}));
    EXPECT_TRUE(range.contains(VersionNumber{3, 0}));
    EXPECT_FALSE(range.contains(VersionNumber{3, 1}));
    EXPECT_TRUE(VersionRange{}.contains(VersionNumber{}));
    EXPECT_TRUE(VersionRange{}.contains(VersionNumber{99, 99}));
}

TEST_F(SoapInterface, ByUrl) {
    const auto found = catalogue.find("v2_1", "AmountCharging");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->interface, &payment::amount_charging);
    EXPECT_EQ(found->version->name, "v2_1");
    EXPECT_EQ(catalogue.find("v2_2", "AmountCharging")->version->name, "v2_1")
        << "the nearest of the same major";
    EXPECT_EQ(catalogue.find("v2_1", "ThirdPartyCall")->version->name, "v2_3");
    EXPECT_FALSE(catalogue.find("v4_0", "AmountCharging"));
    EXPECT_FALSE(catalogue.find("2_1", "AmountCharging"));
    EXPECT_FALSE(catalogue.find("v2_1", "amountcharging"));
    EXPECT_FALSE(catalogue.find("", ""));
}

TEST_F(SoapInterface, UnlistedVersionsAreServedByTheNearest) {
    EXPECT_EQ(call("v2_0"), "ThirdPartyCall v2_0");
    EXPECT_EQ(call("v2_1"), "ThirdPartyCall v2_3") << "the next higher";
    EXPECT_EQ(call("v2_2"), "ThirdPartyCall v2_3");
    EXPECT_EQ(call("v2_3"), "ThirdPartyCall v2_3");
    EXPECT_EQ(call("v2_17"), "ThirdPartyCall v2_3") << "the highest below";
    EXPECT_EQ(call("v3_0"), "") << "no listed version has this major number";
    EXPECT_EQ(call("v1_0"), "");
}

TEST_F(SoapInterface, WhatIsNoNamespaceOfOurs) {
    for (const char* other :
         {"", "/", "/v2_1/", "urn:x", "http://www.csapi.org/schema/parlayx/third_party_call/v2_3",
          "http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local/",
          "http://www.csapi.org/schema/parlayx/third_party_call/v2_/local",
          "http://www.csapi.org/schema/parlayx/third_party_call/v2_3x/local",
          "http://www.csapi.org/schema/parlayx/third_party_call/v_3/local",
          "http://www.csapi.org/schema/parlayx/third_party_call/v2_-1/local",
          "http://www.csapi.org/schema/parlayx/third_party_call/v2_99999999999/local",
          "http://www.csapi.org/schema/parlayx/third_party_call/local",
          "http://www.csapi.org/schema/parlayx/another_call/v2_3/local"})
        EXPECT_EQ(served(other), "") << other;
}

TEST_F(SoapInterface, NamespacesMustDiffer) {
    EXPECT_THROW(soap::Catalogue({&calls, &calls}), std::invalid_argument);
}

TEST_F(SoapInterface, OperationsByNameAndAlias) {
    const auto& v2 = call_versions[1];
    ASSERT_TRUE(calls.find(v2, "cancelCallRequest"));
    EXPECT_EQ(calls.find(v2, "cancelCall"), calls.find(v2, "cancelCallRequest"));
    EXPECT_FALSE(calls.find(v2, "makeCallSession")) << "not in this version";
    EXPECT_FALSE(calls.find(v2, "endCall"));
    const auto* old = payment::amount_charging.find(payment::amount_charging_versions[0], "chargeAmount");
    const auto* current = payment::amount_charging.find(payment::amount_charging_versions[2], "chargeAmount");
    EXPECT_EQ(old->request, &soap::Describe<payment::ChargeAmountV20>::type);
    EXPECT_EQ(current->request, &soap::Describe<payment::ChargeAmount>::type);
}

}  // namespace
