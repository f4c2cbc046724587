// The SOAP header: what is kept of it, and what must be understood.
#include "tests/unit/soap_support.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace soap_test;

constexpr std::string_view wsse =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
constexpr std::string_view wsu =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
constexpr std::string_view digest =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";

class SoapHeader : public SoapTest {
  protected:
    static std::string message(std::string_view header, std::string_view ns = soap11) {
        return envelope("<l:chargeAmount>" + std::string(good_children) + "</l:chargeAmount>", header, ns);
    }
    soap::Headers headers(std::string_view header, std::string_view ns = soap11) {
        return request(message(header, ns)).headers;
    }
    soap::Fault fault(std::string_view header, std::string_view ns = soap11) {
        return failure(message(header, ns)).fault;
    }
    static std::string security(std::string_view inside, std::string_view attributes = "") {
        return "<w:Security xmlns:w='" + std::string(wsse) + "' xmlns:u='" + std::string(wsu) + "' " +
               std::string(attributes) + ">" + std::string(inside) + "</w:Security>";
    }
};

TEST_F(SoapHeader, None) {
    for (const char* header : {"", " ", "<x:unknown xmlns:x='urn:x'><y>1</y></x:unknown>"}) {
        const auto headers = this->headers(header);
        EXPECT_FALSE(headers.username_token);
        EXPECT_FALSE(headers.request_soap_header);
        EXPECT_EQ(headers.message_id, "");
    }
}

TEST_F(SoapHeader, UsernameTokenAsItsText) {
    const auto headers = this->headers(security(
        "<u:Timestamp><u:Created>2026-11-24T11:07:00Z</u:Created><u:Expires>2026-11-24T11:17:00Z</u:Expires>"
        "</u:Timestamp><w:UsernameToken u:Id='a:b'><w:Username> alice </w:Username><w:Password Type='" +
            std::string(digest) +
            "'>quR/EWLAV4xLf9Zqyw4pDmfV9OY=</w:Password><w:Nonce "
            "EncodingType='urn:base64'>d36e316282959a9e</w:Nonce>"
            "<u:Created>2026-11-24T11:07:11+00:00</u:Created></w:UsernameToken>",
        "s:mustUnderstand='1'"));
    ASSERT_TRUE(headers.username_token);
    EXPECT_EQ(headers.username_token->username, "alice");
    EXPECT_EQ(headers.username_token->password, "quR/EWLAV4xLf9Zqyw4pDmfV9OY=");
    EXPECT_EQ(headers.username_token->password_type, digest);
    EXPECT_EQ(headers.username_token->nonce, "d36e316282959a9e");
    EXPECT_EQ(headers.username_token->nonce_encoding, "urn:base64");
    EXPECT_EQ(headers.username_token->created, "2026-11-24T11:07:11+00:00")
        << "literally: the digest is over it";
    EXPECT_EQ(headers.security_expires, "2026-11-24T11:17:00Z");
}

TEST_F(SoapHeader, PasswordsKeepTheirSpace) {
    const auto headers =
        this->headers(security("<w:UsernameToken><w:Username>a</w:Username><w:Password> p&lt;w "
                               "</w:Password></w:UsernameToken>"));
    EXPECT_EQ(headers.username_token->password, " p<w ");
    EXPECT_EQ(headers.username_token->password_type, "");
}

TEST_F(SoapHeader, DraftsOfWsSecurity) {
    const auto headers = this->headers(
        "<w:Security xmlns:w='http://schemas.xmlsoap.org/ws/2002/07/secext'><w:UsernameToken>"
        "<w:Username>a</w:Username></w:UsernameToken></w:Security>");
    EXPECT_EQ(headers.username_token->username, "a");
    EXPECT_FALSE(this->headers("<w:Security xmlns:w='urn:x'><w:UsernameToken/></w:Security>").username_token);
}

TEST_F(SoapHeader, TwoIdentitiesAreRefused) {
    const std::string token = "<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>";
    EXPECT_EQ(fault(security(token + token)).text, "more than one UsernameToken");
    EXPECT_EQ(fault(security(token) + security(token)).text, "more than one UsernameToken");
    EXPECT_EQ(fault(security("<w:UsernameToken><w:Username>a</w:Username><w:Username>b</w:Username>"
                             "</w:UsernameToken>"))
                  .text,
              "more than one Username in a UsernameToken");
    const std::string sp = "<RequestSOAPHeader xmlns='urn:x'><spId>1</spId></RequestSOAPHeader>";
    EXPECT_EQ(fault(sp + sp).text, "more than one RequestSOAPHeader");
}

TEST_F(SoapHeader, RequestSoapHeaderOfAnyGateway) {
    for (const char* ns :
         {"http://www.huawei.com.cn/schema/common/v2_1", "http://www.huawei.com.cn/schema/osg/common/v2_1",
          "http://www.csapi.org/schema/parlayx/common/v3_1"}) {
        const std::string parts =
            "<t:spId>35000001</t:spId><t:spPassword>AB12</t:spPassword><t:timeStamp>20261124110711</"
            "t:timeStamp>"
            "<t:serviceId>35000001000001</t:serviceId><t:OA>tel:1</t:OA><t:FA>tel:2</t:FA><t:linkid/>";
        std::string unqualified = parts;
        for (std::size_t at = unqualified.find("t:"); at != std::string::npos;
             at = unqualified.find("t:", at))
            if (unqualified[at - 1] == '<' || unqualified[at - 1] == '/')
                unqualified.erase(at, 2);
            else
                ++at;
        for (const std::string& inside : {parts, unqualified}) {
            const auto headers = this->headers("<t:RequestSOAPHeader xmlns:t='" + std::string(ns) +
                                               "' s:mustUnderstand='1'>" + inside + "</t:RequestSOAPHeader>");
            ASSERT_TRUE(headers.request_soap_header);
            EXPECT_EQ(headers.request_soap_header->sp_id, "35000001");
            EXPECT_EQ(headers.request_soap_header->sp_password, "AB12");
            EXPECT_EQ(headers.request_soap_header->time_stamp, "20261124110711");
            EXPECT_EQ(headers.request_soap_header->service_id, "35000001000001");
            EXPECT_EQ(headers.request_soap_header->oa, "tel:1");
            EXPECT_EQ(headers.request_soap_header->fa, "tel:2");
        }
    }
}

TEST_F(SoapHeader, WsAddressing) {
    const std::string a = " xmlns:a='http://www.w3.org/2005/08/addressing' s:mustUnderstand='1'";
    EXPECT_EQ(headers("<a:MessageID" + a + "> urn:uuid:1\n</a:MessageID><a:To" + a +
                      ">http://x</a:To><a:Action" + a + ">urn:y</a:Action>")
                  .message_id,
              "urn:uuid:1");
    const auto reply_to = [&](std::string_view address) {
        return "<a:ReplyTo" + a + "><a:Address>" + std::string(address) + "</a:Address></a:ReplyTo>";
    };
    (void)headers(reply_to(" http://www.w3.org/2005/08/addressing/anonymous "));
    const auto fault = this->fault(reply_to("http://elsewhere/"));
    EXPECT_EQ(fault.kind, soap::Fault::Kind::must_understand) << "we would answer to the wrong place";
    EXPECT_EQ(fault.header_name, "ReplyTo");
}

TEST_F(SoapHeader, WhatMustBeUnderstood) {
    const auto block = [](std::string_view attributes) {
        return "<x:Transaction xmlns:x='urn:x' " + std::string(attributes) + "/>";
    };
    for (const char* yes :
         {"s:mustUnderstand='1'", "s:mustUnderstand='true'", "s:mustUnderstand='1' s:actor=''",
          "s:mustUnderstand='1' s:actor='http://schemas.xmlsoap.org/soap/actor/next'"}) {
        const auto failure = this->failure(message(block(yes)));
        EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::must_understand) << yes;
        EXPECT_EQ(failure.fault.text, "the header Transaction of namespace urn:x is not understood");
        EXPECT_EQ(failure.fault.header_namespace, "urn:x");
    }
    for (const char* no :
         {"", "s:mustUnderstand='0'", "mustUnderstand='1'", "s:mustUnderstand='1' s:actor='urn:other'",
          "s:mustUnderstand='1' s:role='x' s:actor='urn:other'"})
        (void)headers(block(no));
    const std::string next =
        "s:mustUnderstand='true' s:role='http://www.w3.org/2003/05/soap-envelope/role/next'";
    EXPECT_EQ(fault(block(next), soap12).kind, soap::Fault::Kind::must_understand);
    (void)headers(block("s:mustUnderstand='true' s:role='http://www.w3.org/2003/05/soap-envelope/role/none'"),
                  soap12);
}

TEST_F(SoapHeader, WhatNobodyVerifiesIsNotUnderstood) {
    const std::string token = "<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>";
    const std::string signature = "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'/>";
    for (const std::string& unverified :
         {signature, "<w:BinarySecurityToken>AA==</w:BinarySecurityToken>" + signature,
          std::string("<e:EncryptedKey xmlns:e='http://www.w3.org/2001/04/xmlenc#'/>")}) {
        (void)headers(security(token + unverified));
        (void)headers(security(token + unverified, "s:mustUnderstand='0'"));
        (void)headers(security(token + unverified, "s:mustUnderstand='1' s:actor='urn:somebody'"));
        const auto failure = this->failure(message(security(unverified + token, "s:mustUnderstand='1'")));
        EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::must_understand) << unverified;
        EXPECT_EQ(failure.fault.header_name, "Security");
        ASSERT_TRUE(failure.headers.username_token) << "who is told";
    }
    EXPECT_EQ(fault(security(signature, "s:mustUnderstand='1'")).text,
              "the header Security of namespace " + std::string(wsse) +
                  " is not understood; nothing here verifies its Signature");
}

TEST_F(SoapHeader, CredentialsForAnotherRoleAreNotOurs) {
    EXPECT_FALSE(headers(security("<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>",
                                  "s:actor='urn:somebody' s:mustUnderstand='1'"))
                     .username_token);
}

TEST_F(SoapHeader, AFailureKnowsTheCredentialsThatWereRead) {
    const auto failure = this->failure(envelope(
        "<l:chargeAmount/>", security("<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>")));
    EXPECT_EQ(failure.fault.id, "SVC0002");
    ASSERT_TRUE(failure.headers.username_token);
    EXPECT_EQ(failure.headers.username_token->username, "a");
}

TEST_F(SoapHeader, CredentialsBehindWhatIsNotUnderstoodAreRead) {
    const auto failure =
        this->failure(message("<x:Transaction xmlns:x='urn:x' s:mustUnderstand='1'/>" +
                              security("<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>")));
    EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::must_understand);
    ASSERT_TRUE(failure.headers.username_token);
    EXPECT_EQ(failure.headers.username_token->username, "a");
}

TEST_F(SoapHeader, CredentialsOfTextInAnotherEncodingAreRead) {
    const auto text = envelope("<l:chargeAmount>" + with("song", "caf\xE9") + "</l:chargeAmount>",
                               security("<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>"));
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "not valid UTF-8"},
        {"<?xml version='1.0' encoding='windows-1252'?>", "the encoding is none of"}};
    for (const auto& [declared, reason] : cases) {
        const auto failure = this->failure(declared + text);
        EXPECT_NE(failure.fault.text.find(reason), std::string::npos) << failure.fault.text;
        ASSERT_TRUE(failure.headers.username_token);
        EXPECT_EQ(failure.headers.username_token->username, "a");
    }
}

TEST_F(SoapHeader, NothingIsLeftOverFromThePreviousMessage) {
    (void)headers(security("<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>"));
    EXPECT_FALSE(headers("").username_token);
    EXPECT_FALSE(request(charge(good_children)).headers.username_token);
    EXPECT_FALSE(failure("<x").headers.username_token);
}

}  // namespace
