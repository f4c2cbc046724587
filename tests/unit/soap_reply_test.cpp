// The client's side: requests that we send, and what may come back.
#include "tests/unit/soap_support.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace soap_test;

class SoapReply : public SoapTest {
  protected:
    soap::Reply reply(std::string_view bytes) { return decoder.decode_reply(bytes, endpoint, operation); }
    soap::Fault fault(std::string_view bytes) {
        auto reply = this->reply(bytes);
        if (auto* fault = std::get_if<soap::Fault>(&reply)) return *fault;
        ADD_FAILURE() << "no fault: " << bytes;
        return {};
    }
    std::string unintelligible(std::string_view bytes) {
        auto reply = this->reply(bytes);
        const auto* text = std::get_if<soap::Unintelligible>(&reply);
        return text ? text->reason : "intelligible";
    }
    const soap::Endpoint endpoint = *catalogue.find("v2_1", "AmountCharging");
    const soap::OperationTable& operation = *endpoint.interface->find(*endpoint.version, "chargeAmount");
};

TEST_F(SoapReply, WhatIsNoReplyIsQuotedInPart) {
    const auto name = std::string(900, 'n') + "\xC3\x87";
    const auto reason = unintelligible("<" + name + "></other>");
    EXPECT_LT(reason.size(), 500U);
    EXPECT_TRUE(std::ranges::all_of(reason, [](char c) { return c >= ' ' && c < 0x7F; })) << reason;
}

TEST_F(SoapReply, ARequestThatTheServerReads) {
    const payment::ChargeAmount message{.end_user = "tel:+15550001",
                                        .charge = {"a < b", "EUR", base::Decimal{15, 1}, {}},
                                        .reference_code = "r",
                                        .balance_type = "bonus"};
    for (const auto soap : {soap::SoapVersion::v1_1, soap::SoapVersion::v1_2}) {
        const auto request = this->request(
            soap::encode_request(soap, endpoint, operation, soap::Message::of(message)), endpoint);
        EXPECT_EQ(request.soap, soap);
        EXPECT_EQ(request.message.as<payment::ChargeAmount>(), message);
    }
}

TEST_F(SoapReply, TheResponse) {
    const auto request = this->request(charge(good_children));
    auto reply = this->reply(soap::encode_response(request, soap::Message::of(soap::Empty{})));
    ASSERT_TRUE(std::holds_alternative<soap::Message>(reply));
    EXPECT_TRUE(std::get<soap::Message>(reply).is<soap::Empty>());
    EXPECT_TRUE(std::holds_alternative<soap::Message>(this->reply(envelope("<chargeAmountResponse/>"))))
        << "servers are not always right about namespaces";
    const std::string edition = "http://www.csapi.org/schema/parlayx/payment/amount_charging/";
    const auto in = [&](const std::string& version) {
        return envelope("<x:chargeAmountResponse xmlns:x='" + edition + version + "/local'/>");
    };
    EXPECT_TRUE(std::holds_alternative<soap::Message>(this->reply(in("v2_0"))));
    EXPECT_NE(unintelligible(in("v3_1")).find("v3_1"), std::string::npos) << "another edition's answer";
    EXPECT_TRUE(std::holds_alternative<soap::Message>(this->reply(
        envelope("<l:chargeAmountResponse/>", "<x:y xmlns:x='urn:x' s:mustUnderstand='1'/>", soap12))));
}

TEST_F(SoapReply, OurOwnFaultsReadBack) {
    soap::Fault must_understand;
    must_understand.kind = soap::Fault::Kind::must_understand;
    must_understand.text = "header?";
    must_understand.header_name = "x";
    for (const auto& sent :
         {soap::Fault::service("SVC0003", {"criteria", "Busy & NoAnswer"}), soap::Fault::policy("POL0008"),
          soap::Fault::client("bad"), soap::Fault::server("down"), must_understand})
        for (const auto soap : {soap::SoapVersion::v1_1, soap::SoapVersion::v1_2}) {
            const auto read = fault(soap::encode_fault(soap, endpoint.version, sent));
            EXPECT_EQ(read.kind, sent.kind);
            EXPECT_EQ(read.id, sent.id);
            EXPECT_EQ(read.text, sent.text);
            EXPECT_EQ(read.variables, sent.variables);
        }
}

TEST_F(SoapReply, FaultsOfOtherServers) {
    const auto huawei = fault(envelope(
        "<s:Fault><faultcode>SVC0905</faultcode><faultstring>OA 8 is invaild!</faultstring><detail>"
        "<n:ServiceException "
        "xmlns:n='http://www.csapi.org/schema/parlayx/common/v2_1'><messageId>SVC0905</messageId>"
        "<text>OA %1 is invaild!</text><variables>8</variables></n:ServiceException></detail></s:Fault>"));
    EXPECT_EQ(huawei.kind, soap::Fault::Kind::service);
    EXPECT_EQ(huawei.faultstring(), "SVC0905: OA 8 is invaild!");

    const auto without_detail = fault(
        envelope("<s:Fault><faultcode>POL0904</faultcode><faultstring>too fast</faultstring></s:Fault>"));
    EXPECT_EQ(without_detail.kind, soap::Fault::Kind::policy);
    EXPECT_EQ(without_detail.id, "POL0904");
    EXPECT_EQ(without_detail.text, "too fast");

    const auto qualified = fault(envelope(
        "<s:Fault><s:faultcode>s:Server</s:faultcode><s:faultstring>x</"
        "s:faultstring><s:detail><c:PolicyException "
        "xmlns:c='urn:c'><c:messageId> POL0001 </c:messageId><c:text>t "
        "%1</c:text><c:variables>v</c:variables>"
        "<c:more><c:messageId>SVC0001</c:messageId></c:more></c:PolicyException></s:detail></s:Fault>"));
    EXPECT_EQ(qualified.kind, soap::Fault::Kind::policy);
    EXPECT_EQ(qualified.id, "POL0001");

    const auto plain =
        fault(envelope("<s:Fault><faultcode>Client.Auth</faultcode><faultstring>who?</faultstring>"
                       "<detail><stack>at com.example</stack></detail></s:Fault>"));
    EXPECT_EQ(plain.kind, soap::Fault::Kind::client);
    EXPECT_EQ(plain.text, "who?");

    EXPECT_EQ(fault(envelope("<s:Fault/>")).kind, soap::Fault::Kind::server);
}

TEST_F(SoapReply, WhatIsNeither) {
    EXPECT_TRUE(unintelligible("").starts_with("the message is empty"));
    EXPECT_TRUE(unintelligible("<html><body>502 Bad Gateway</body></html>")
                    .ends_with("<html><body>502 Bad Gateway</body></html>"));
    EXPECT_LT(unintelligible("<html>" + std::string(100000, 'x')).size(), 1000U) << "bounded";
    EXPECT_EQ(unintelligible("a\nb\x1B").find_first_of("\n\x1B"), std::string::npos) << "printable";
    EXPECT_TRUE(unintelligible(envelope("<l:refundAmountResponse/>"))
                    .starts_with("the Body has refundAmountResponse instead of chargeAmountResponse"));
    EXPECT_TRUE(unintelligible(envelope("")).starts_with("the Body is empty"));
    EXPECT_TRUE(unintelligible(envelope("<l:chargeAmountResponse><x/></l:chargeAmountResponse>"))
                    .starts_with("SVC0002: Invalid input value for message part x"));
    EXPECT_TRUE(
        unintelligible("<!DOCTYPE html><html/>").starts_with("document type declarations are refused"));
}

}  // namespace
