// The fault table, and faults as envelopes in both SOAP versions.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/fault.hpp"
#include "payment/amount_messages.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace {

using soap::Fault;
using soap::SoapVersion;

TEST(SoapFault, TextsAreTheStandards) {
    // ES 202 391-1 clause 10, word for word.
    const std::map<std::string, std::string> texts{
        {"SVC0001", "A service error occurred. Error code is %1"},
        {"SVC0002", "Invalid input value for message part %1"},
        {"SVC0003", "Invalid input value for message part %1, valid values are %2"},
        {"SVC0004", "No valid addresses provided in message part %1"},
        {"SVC0005", "Correlator %1 specified in message part %2 is a duplicate"},
        {"SVC0006", "Group %1 in message part %2 is not a valid group"},
        {"SVC0007", "Invalid charging information"},
        {"SVC0008", "Overlapped Criteria %1"},
        {"POL0001", "A policy error occurred. Error code is %1"},
        {"POL0002", "Privacy verification failed for address %1, request is refused"},
        {"POL0003", "Too many addresses specified in message part %1"},
        {"POL0004", "Unlimited notification request not supported"},
        {"POL0005", "Too many notifications requested"},
        {"POL0006", "Group specified in message part %1 not allowed"},
        {"POL0007", "Nested group specified in message part %1 not allowed"},
        {"POL0008", "Charging is not supported"},
        {"POL0009", "Invalid frequency requested"},
        {"SVC0250", "End user authentication failed."},
        {"SVC0251", "Voucher %1 is not valid."},
        {"POL0220", "Vouchers not accepted."},
        {"SVC0270", "Charging operation failed, the charge was not applied"},
    };
    for (const auto& [id, text] : texts) {
        const auto* row = soap::find_message_id(id);
        ASSERT_TRUE(row) << id;
        EXPECT_EQ(row->text, text);
    }
}

TEST(SoapFault, TableIsConsistent) {
    std::set<std::string_view> ids;
    for (const auto& row : soap::message_ids()) {
        EXPECT_TRUE(ids.insert(row.id).second) << row.id << " twice";
        EXPECT_EQ(row.id.size(), 7U);
        std::size_t variables = 0;
        while (row.text.find("%" + std::to_string(variables + 1)) != std::string_view::npos) ++variables;
        EXPECT_EQ(variables, row.variables) << row.id;
    }
}

TEST(SoapFault, IdsAndVariablesAreChecked) {
    EXPECT_THROW((void)Fault::service("SVC9999"), std::logic_error);
    EXPECT_THROW((void)Fault::service("POL0001", {"x"}), std::logic_error);
    EXPECT_THROW((void)Fault::policy("SVC0001", {"x"}), std::logic_error);
    EXPECT_THROW((void)Fault::service("SVC0002"), std::logic_error);
    EXPECT_THROW((void)Fault::service("SVC0007", {"x"}), std::logic_error);
}

TEST(SoapFault, FaultstringHasIdAndFilledInText) {
    EXPECT_EQ(Fault::service("SVC0002", {"amount"}).faultstring(),
              "SVC0002: Invalid input value for message part amount");
    EXPECT_EQ(Fault::service("SVC0003", {"criteria", "Busy, NoAnswer"}).faultstring(),
              "SVC0003: Invalid input value for message part criteria, valid values are Busy, NoAnswer");
    EXPECT_EQ(Fault::policy("POL0008").faultstring(), "POL0008: Charging is not supported");
    EXPECT_EQ(Fault::client("no such thing").faultstring(), "no such thing");
    EXPECT_EQ(Fault::service("SVC0002", {"%1 of %1"}).faultstring(),
              "SVC0002: Invalid input value for message part %1 of %1");
}

TEST(SoapFault, HttpStatus) {
    const Fault mine = Fault::service("SVC0001", {"internal"});
    const Fault yours = Fault::service("SVC0002", {"amount"});
    Fault mismatch;
    mismatch.kind = Fault::Kind::version_mismatch;
    for (const auto& fault : {mine, yours, mismatch, Fault::client("x"), Fault::server("x")})
        EXPECT_EQ(soap::http_status(SoapVersion::v1_1, fault), 500);
    EXPECT_EQ(soap::http_status(SoapVersion::v1_2, mine), 500);
    EXPECT_EQ(soap::http_status(SoapVersion::v1_2, yours), 400);
    EXPECT_EQ(soap::http_status(SoapVersion::v1_2, Fault::client("x")), 400);
    EXPECT_EQ(soap::http_status(SoapVersion::v1_2, Fault::server("x")), 500);
    EXPECT_EQ(soap::http_status(SoapVersion::v1_2, mismatch), 500);
}

TEST(SoapFault, ServiceExceptionInSoap11) {
    const auto& version = payment::amount_charging_versions[2];
    EXPECT_EQ(
        soap::encode_fault(SoapVersion::v1_1, &version, Fault::service("SVC0002", {"charge.amount"})),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>"
        "<soapenv:Fault><faultcode>soapenv:Client</faultcode>"
        "<faultstring>SVC0002: Invalid input value for message part charge.amount</faultstring>"
        "<detail><common:ServiceException xmlns:common=\"http://www.csapi.org/schema/parlayx/common/v3_1\">"
        "<messageId>SVC0002</messageId><text>Invalid input value for message part %1</text>"
        "<variables>charge.amount</variables></common:ServiceException></detail></soapenv:Fault>"
        "</soapenv:Body></soapenv:Envelope>");
}

TEST(SoapFault, PolicyExceptionInSoap12) {
    const auto& version = payment::amount_charging_versions[0];
    EXPECT_EQ(soap::encode_fault(SoapVersion::v1_2, &version, Fault::policy("POL0001", {"over_limit"})),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<soapenv:Envelope xmlns:soapenv=\"http://www.w3.org/2003/05/soap-envelope\"><soapenv:Body>"
              "<soapenv:Fault><soapenv:Code><soapenv:Value>soapenv:Receiver</soapenv:Value></soapenv:Code>"
              "<soapenv:Reason><soapenv:Text xml:lang=\"en\">POL0001: A policy error occurred. Error code is "
              "over_limit</soapenv:Text></soapenv:Reason><soapenv:Detail>"
              "<common:PolicyException xmlns:common=\"http://www.csapi.org/schema/parlayx/common/v2_0\">"
              "<messageId>POL0001</messageId><text>A policy error occurred. Error code is %1</text>"
              "<variables>over_limit</variables></common:PolicyException></soapenv:Detail></soapenv:Fault>"
              "</soapenv:Body></soapenv:Envelope>");
}

TEST(SoapFault, PlainFaultsHaveNoDetail) {
    const std::string fault =
        soap::encode_fault(SoapVersion::v1_1, nullptr, Fault::client("a < b & \"c\"\x01"));
    EXPECT_NE(fault.find("<faultcode>soapenv:Client</faultcode>"), std::string::npos) << fault;
    EXPECT_NE(fault.find("<faultstring>a &lt; b &amp; \"c\"\xEF\xBF\xBD</faultstring>"), std::string::npos)
        << fault;
    EXPECT_EQ(fault.find("detail"), std::string::npos) << fault;
}

TEST(SoapFault, WithoutAVersionItIsParlayX21) {
    const std::string fault =
        soap::encode_fault(SoapVersion::v1_1, nullptr, Fault::policy("POL0001", {"not_authenticated"}));
    EXPECT_NE(fault.find("PolicyException xmlns:common=\"http://www.csapi.org/schema/parlayx/common/v2_1\""),
              std::string::npos)
        << fault;
}

TEST(SoapFault, Soap12NamesTheHeaderThatWasNotUnderstood) {
    Fault fault;
    fault.kind = Fault::Kind::must_understand;
    fault.text = "no";
    fault.header_name = "Transaction";
    fault.header_namespace = "urn:a&b";
    const std::string text = soap::encode_fault(SoapVersion::v1_2, nullptr, fault);
    EXPECT_NE(
        text.find("<soapenv:Header><soapenv:NotUnderstood qname=\"ns:Transaction\" xmlns:ns=\"urn:a&amp;b\"/>"
                  "</soapenv:Header><soapenv:Body>"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("soapenv:MustUnderstand"), std::string::npos);
    EXPECT_EQ(soap::encode_fault(SoapVersion::v1_1, nullptr, fault).find("Header>"), std::string::npos);
}

}  // namespace
