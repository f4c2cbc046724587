// Decoding chargeAmount and refundAmount: what is accepted as what, and which fault names which part.
#include "tests/unit/soap_support.hpp"

#include <string>
#include <vector>

namespace {

using namespace soap_test;

class SoapDecode : public SoapTest {};

TEST_F(SoapDecode, ChargeAmount) {
    auto request = this->request(charge(good_children));
    EXPECT_EQ(request.soap, soap::SoapVersion::v1_1);
    EXPECT_EQ(request.interface, &payment::amount_charging);
    EXPECT_EQ(request.version->name, "v2_1");
    EXPECT_EQ(request.operation->name, "chargeAmount");
    EXPECT_EQ(request.element, "chargeAmount");
    EXPECT_EQ(request.local_namespace, local21);
    const payment::ChargeAmount expected{.end_user = "tel:+15550001",
                                         .charge = {"song", "EUR", base::Decimal{15, 1}, "M"},
                                         .reference_code = "r-1",
                                         .balance_type = {}};
    EXPECT_EQ(request.message.as<payment::ChargeAmount>(), expected);
}

TEST_F(SoapDecode, RefundAmountWithOurElements) {
    const auto refund =
        request(envelope("<l:refundAmount>" + std::string(good_children) +
                         "<l:balanceType>bonus</l:balanceType>"
                         "<l:originalReferenceCode>r-0</l:originalReferenceCode></l:refundAmount>"))
            .message.as<payment::RefundAmount>();
    EXPECT_EQ(refund.balance_type, "bonus");
    EXPECT_EQ(refund.original_reference_code, "r-0");
}

TEST_F(SoapDecode, AnyPrefixOrderAndQualification) {
    const std::vector<std::string> same{
        // default namespace on everything
        "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body><chargeAmount xmlns='" +
            std::string(local21) +
            "'><endUserIdentifier>tel:+15550001</endUserIdentifier><charge><description>song</description>"
            "<currency>EUR</currency><amount>1.5</amount><code>M</code></charge><referenceCode>r-1</"
            "referenceCode>"
            "</chargeAmount></Body></Envelope>",
        // children in none, members in the common namespace, another order, own element in the middle
        envelope("<l:chargeAmount><referenceCode>r-1</referenceCode><balanceType/><charge "
                 "xmlns:c='http://www.csapi.org/schema/parlayx/common/v2_1'><c:code>M</"
                 "c:code><c:amount>1.500</c:amount>"
                 "<c:currency>EUR</c:currency><c:description>song</c:description></charge>"
                 "<endUserIdentifier>tel:+15550001</endUserIdentifier></l:chargeAmount>"),
        // members in the types namespace
        charge(
            with("<currency>EUR</currency>",
                 "<p:currency xmlns:p='http://www.csapi.org/schema/parlayx/payment/v2_1'>EUR</p:currency>")),
        // comments, processing instructions, CDATA, entities, white space around what collapses
        charge(with("song", "<!-- a -->s<![CDATA[on]]><!-- b -->&#103;<?x y?>")),
        charge(with("tel:+15550001", "\n  tel:+15550001\t")),
        charge(with("1.50", " 1.5 ")),
        // a client's decorations
        charge(with("<amount>",
                    "<amount xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
                    "xmlns:x='http://www.w3.org/2001/XMLSchema' i:type='x:float'>")),
        charge("\n   " + std::string(good_children) + "\n"),
    };
    const auto expected = charge_of(charge(good_children));
    for (const auto& bytes : same) EXPECT_EQ(charge_of(bytes), expected) << bytes;
}

TEST_F(SoapDecode, OptionalElementsAreAbsentWhenNilOrEmptyOrBlank) {
    const std::string xsi = " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil=";
    for (const std::string code : {"", "<code/>", "<code></code>", "<code>  \n </code>"})
        EXPECT_EQ(charge_of(charge(with("<code>M</code>", code))).charge.code, std::nullopt) << code;
    for (const std::string nil : {"'true'", "'1'", "' true '"})
        EXPECT_EQ(charge_of(charge(with("<code>M</code>", "<code" + xsi + nil + "/>"))).charge.code,
                  std::nullopt);
    for (const std::string nil : {"'false'", "'0'"})
        EXPECT_EQ(charge_of(charge(with("<code>", "<code" + xsi + nil + ">"))).charge.code, "M");
    EXPECT_EQ(charge_of(charge(with("1.50", ""))).charge.amount, std::nullopt);
    EXPECT_EQ(charge_of(charge(with("EUR", ""))).charge.currency, std::nullopt);
    EXPECT_EQ(charge_of(charge(std::string(good_children) + "<l:balanceType/>")).balance_type, std::nullopt);
    // Nil does not count as an occurrence.
    EXPECT_EQ(charge_of(charge(with("<code>M", "<code" + xsi + "'1'/><code>M"))).charge.code, "M");
}

TEST_F(SoapDecode, StringsKeepTheirSpaceAndMayBeEmpty) {
    EXPECT_EQ(charge_of(charge(with("song", " a \n b "))).charge.description, " a \n b ");
    EXPECT_EQ(charge_of(charge(with("song", ""))).charge.description, "");
    for (const std::string blank : {"><", ">  <", ">\n  <"})
        EXPECT_EQ(charge_of(charge(with(">r-1<", blank))).reference_code, "") << blank;
}

TEST_F(SoapDecode, RepeatedDescriptionsAreJoined) {
    EXPECT_EQ(charge_of(charge(with(
                            "<description>song</description>",
                            "<description>song</description><description/><description>op-7</description>")))
                  .charge.description,
              "song; op-7");
}

TEST_F(SoapDecode, CharactersBeyondTheFirstPlaneAndEntities) {
    EXPECT_EQ(
        charge_of(charge(with("song", "\xF0\x9F\x8E\xB5 &#x1F3B5; &#127925; &lt;&amp;&gt;&quot;&apos;")))
            .charge.description,
        "\xF0\x9F\x8E\xB5 \xF0\x9F\x8E\xB5 \xF0\x9F\x8E\xB5 <&>\"'");
    // A pair cut by the parser's buffers: at every offset around their size.
    for (std::size_t length = 16300; length < 16420; ++length) {
        const std::string text = std::string(length, 'x') + "\xF0\x9F\x8E\xB5" + "y";
        ASSERT_EQ(charge_of(charge(with("song", text))).charge.description, text) << length;
    }
}

TEST_F(SoapDecode, FaultsNameThePath) {
    const std::string nil = " xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'";
    const std::vector<std::pair<std::string, std::string>> cases{
        // missing
        {with("<l:referenceCode>r-1</l:referenceCode>", ""), "referenceCode"},
        {with("<l:endUserIdentifier>tel:+15550001</l:endUserIdentifier>", ""), "endUserIdentifier"},
        {with("<description>song</description>", ""), "charge.description"},
        {"<l:endUserIdentifier>tel:1</l:endUserIdentifier><l:referenceCode>r</l:referenceCode>", "charge"},
        {with("<l:referenceCode>r-1</l:referenceCode>", "<l:referenceCode" + nil + "/>"), "referenceCode"},
        // an empty structure is present, and lacks its members
        {"<l:endUserIdentifier>tel:1</l:endUserIdentifier><l:charge/><l:referenceCode>r</l:referenceCode>",
         "charge.description"},
        // bad values
        {with("1.50", "1,50"), "charge.amount"},
        {with("1.50", "1e3"), "charge.amount"},
        {with("1.50", "EUR 1"), "charge.amount"},
        {with("1.50", "NaN"), "charge.amount"},
        // repeated
        {with("<currency>", "<currency>USD</currency><currency>"), "charge.currency"},
        {with("<code>", "<code/><code>"), "charge.code"},
        {std::string(good_children) + "<l:referenceCode>r-2</l:referenceCode>", "referenceCode"},
        {std::string(good_children) + "<referenceCode>r-2</referenceCode>", "referenceCode"},
        {std::string(good_children) + "<l:charge><description>x</description></l:charge>", "charge"},
        // unknown
        {std::string(good_children) + "<l:tip>1</l:tip>", "tip"},
        {with("<amount>", "<vat>1</vat><amount>"), "charge.vat"},
        {with("<amount>1.50</amount>", "<amount>1.50<b/></amount>"), "charge.amount.b"},
        {std::string(good_children) + "<l:originalReferenceCode>r</l:originalReferenceCode>",
         "originalReferenceCode"},
        // known names in unknown namespaces
        {with("<amount>1.50</amount>", "<x:amount xmlns:x='urn:x'>1.50</x:amount>"), "charge.amount"},
        {with("<currency>EUR</currency>",
              "<x:currency xmlns:x='http://www.csapi.org/schema/parlayx/common/v3_1'>EUR</x:currency>"),
         "charge.currency"},
        // names are case-sensitive
        {with("<code>M</code>", "<Code>M</Code>"), "charge.Code"},
        // text where elements belong
        {with("<currency>", "EUR<currency>"), "charge"},
        {"hello" + std::string(good_children), "chargeAmount"},
        // nil with content
        {with("<code>M", "<code" + nil + ">M"), "charge.code"},
        {with("<code>M", "<code" + nil + "><b/>"), "charge.code"},
    };
    for (const auto& [children, part] : cases) {
        const auto failure = this->failure(charge(children));
        EXPECT_EQ(failure.fault.id, "SVC0002") << children;
        EXPECT_EQ(failure.fault.variables, std::vector{part}) << children;
        EXPECT_EQ(failure.version->name, "v2_1");
    }
}

TEST_F(SoapDecode, NumbersOfAnySizeAreNumbers) {
    // Whether money can be that much is the ledger's question.
    EXPECT_TRUE(charge_of(charge(with("1.50", "99999999999999999999999"))).charge.amount->overflow);
    EXPECT_EQ(charge_of(charge(with("1.50", "-1"))).charge.amount, (base::Decimal{-1, 0}));
    EXPECT_EQ(charge_of(charge(with("1.50", ".5"))).charge.amount, (base::Decimal{5, 1}));
}

TEST_F(SoapDecode, Version20CarriesAmountAndBillingText) {
    const std::string ns = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_0/local";
    const auto v20 = [&](const std::string& children) {
        return envelope("<o:chargeAmount xmlns:o='" + ns + "'>" + children + "</o:chargeAmount>");
    };
    const std::string good =
        "<o:endUserIdentifier>tel:1</o:endUserIdentifier><o:amount>2</o:amount><o:billingText>song</"
        "o:billingText>"
        "<o:referenceCode>r</o:referenceCode>";
    auto request = this->request(v20(good));
    EXPECT_EQ(request.version->name, "v2_0");
    const auto& old = request.message.as<payment::ChargeAmountV20>();
    const payment::ChargeAmount current{old.end_user,
                                        payment::charging_information(old.amount, old.billing_text),
                                        old.reference_code, old.balance_type};
    EXPECT_EQ(current.charge.description, "song");
    EXPECT_EQ(current.charge.amount, (base::Decimal{2, 0}));
    EXPECT_EQ(current.charge.currency, std::nullopt);
    EXPECT_EQ(failure(v20(good + "<o:charge/>")).fault.variables, std::vector<std::string>{"charge"});
    EXPECT_EQ(failure(v20("<o:amount/>")).fault.variables, std::vector<std::string>{"amount"});
}

TEST_F(SoapDecode, AnswersInTheNamespaceOfTheRequest) {
    for (const auto& [asked, served] : {std::pair{"v2_0", "v2_0"},
                                        {"v2_1", "v2_1"},
                                        {"v2_7", "v2_1"},
                                        {"v3_0", "v3_1"},
                                        {"v3_1", "v3_1"},
                                        {"v3_9", "v3_1"}}) {
        const std::string ns =
            "http://www.csapi.org/schema/parlayx/payment/amount_charging/" + std::string(asked) + "/local";
        const bool old = std::string_view(asked) == "v2_0";
        std::string body =
            "<c:refundAmount xmlns:c='" + ns + "'><c:endUserIdentifier>tel:1</c:endUserIdentifier>";
        body += old ? "<c:amount>1</c:amount><c:billingText>b</c:billingText>"
                    : "<c:charge><description>d</description><c:amount>1</c:amount></c:charge>";
        body += "<c:referenceCode>r</c:referenceCode></c:refundAmount>";
        const auto request = this->request(envelope(body));
        EXPECT_EQ(request.version->name, served);
        EXPECT_EQ(soap::encode_response(request, soap::Message::of(soap::Empty{})),
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope "
                  "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>"
                  "<loc:refundAmountResponse xmlns:loc=\"" +
                      ns + "\"/></soapenv:Body></soapenv:Envelope>");
    }
}

/// Its client was made from a WSDL of that version, whose structures have its number in their namespace.
TEST_F(SoapDecode, StructuresOfAVersionThatIsNotListedHaveItsNamespace) {
    const auto refund = [](std::string_view types) {
        const std::string ns = "http://www.csapi.org/schema/parlayx/payment/";
        return envelope("<c:refundAmount xmlns:c='" + ns + "amount_charging/v2_7/local' xmlns:t='" + ns +
                        std::string(types) +
                        "'><c:endUserIdentifier>tel:1</c:endUserIdentifier><c:charge><t:description>d</"
                        "t:description></c:charge><c:referenceCode>r</c:referenceCode></c:refundAmount>");
    };
    for (const auto* types : {"v2_7", "v2_1"})
        EXPECT_EQ(request(refund(types)).message.as<payment::RefundAmount>().charge.description, "d")
            << types;
    EXPECT_EQ(failure(refund("v2_6")).fault.variables, std::vector<std::string>{"charge.description"});
}

TEST_F(SoapDecode, AResponseMustBeOfTheOperationsType) {
    const auto request = this->request(charge(good_children));
    EXPECT_THROW((void)soap::encode_response(request, soap::Message::of(payment::ChargeAmount{})),
                 std::logic_error);
}

TEST_F(SoapDecode, PlainFaults) {
    const std::string good = "<l:chargeAmount>" + std::string(good_children) + "</l:chargeAmount>";
    const std::string ns = std::string(local21);
    const std::vector<std::pair<std::string, std::string>> cases{
        {envelope(""), "the Body is empty"},
        {envelope("  <!-- nothing -->  "), "the Body is empty"},
        {envelope(good + good), "more than one element in the Body"},
        {envelope(good + "<x/>"), "more than one element in the Body"},
        {envelope("text" + good), "text outside of the message"},
        {envelope(good + "text"), "text outside of the message"},
        {envelope("<l:payMe/>"), "AmountCharging v2_1 has no operation {" + ns + "}payMe"},
        {envelope("<l:chargeAmountResponse/>"),
         "AmountCharging v2_1 has no operation {" + ns + "}chargeAmountResponse"},
        {envelope("<l:ChargeAmount/>"), "AmountCharging v2_1 has no operation {" + ns + "}ChargeAmount"},
        {envelope("<chargeAmount/>"), "no service has an operation {}chargeAmount"},
        {envelope("<chargeAmount xmlns='urn:x'/>"), "no service has an operation {urn:x}chargeAmount"},
        {envelope("<chargeAmount "
                  "xmlns='http://www.csapi.org/schema/parlayx/payment/amount_charging/v4_0/local'/>"),
         "no service has an operation "
         "{http://www.csapi.org/schema/parlayx/payment/amount_charging/v4_0/local}"
         "chargeAmount; AmountCharging has the versions v2_0, v2_1, v3_1"},
        {envelope("<s:Fault/>"),
         "no service has an operation {http://schemas.xmlsoap.org/soap/envelope/}Fault"},
        {"<x/>", "the document is no SOAP envelope but {}x"},
        {"<s:Envelope xmlns:s='" + std::string(soap11) + "'/>", "the Envelope has no Body"},
        {"<s:Envelope xmlns:s='" + std::string(soap11) + "'><s:Header/></s:Envelope>",
         "the Envelope has no Body"},
    };
    for (const auto& [bytes, reason] : cases) {
        const auto failure = this->failure(bytes);
        EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::client) << bytes;
        EXPECT_EQ(failure.fault.text, reason) << bytes;
    }
}

TEST_F(SoapDecode, TheFrameIsStrict) {
    const std::string open =
        "<s:Envelope xmlns:s='" + std::string(soap11) + "' xmlns:l='" + std::string(local21) + "'>";
    const std::string body =
        "<s:Body><l:chargeAmount>" + std::string(good_children) + "</l:chargeAmount></s:Body>";
    for (const std::string& inside :
         {body + body, body + "<s:Header/>", "<s:Header/><s:Header/>" + body, std::string("<Body/>"),
          "<x/>" + body, body + "<x/>", "<s:Body xmlns:s='" + std::string(soap12) + "'/>"})
        EXPECT_TRUE(faultstring(open + inside + "</s:Envelope>").starts_with("unexpected {")) << inside;
    EXPECT_EQ(faultstring(open + "text" + body + "</s:Envelope>"), "text outside of the message");
    (void)request(open + "<s:Header/>" + body + "</s:Envelope>");
}

TEST_F(SoapDecode, AMessageInTheHeaderIsNoMessage) {
    const std::string charge = "<l:chargeAmount>" + std::string(good_children) + "</l:chargeAmount>";
    EXPECT_EQ(faultstring(envelope("", charge)), "the Body is empty");
    const auto request = this->request(envelope(charge, "<l:refundAmount><l:charge/></l:refundAmount>"));
    EXPECT_EQ(request.operation->name, "chargeAmount");
}

TEST_F(SoapDecode, EnvelopesOfOtherVersions) {
    const auto failure = this->failure(envelope("", "", "http://schemas.xmlsoap.org/soap/envelope/1.3"));
    EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::version_mismatch);
    EXPECT_EQ(failure.soap, soap::SoapVersion::v1_1);
    EXPECT_EQ(this->failure("<Envelope/>").fault.kind, soap::Fault::Kind::version_mismatch);
}

TEST_F(SoapDecode, Soap12IsAnsweredInSoap12) {
    const auto request = this->request(
        envelope("<l:chargeAmount>" + std::string(good_children) + "</l:chargeAmount>", "", soap12));
    EXPECT_EQ(request.soap, soap::SoapVersion::v1_2);
    EXPECT_NE(soap::encode_response(request, soap::Message::of(soap::Empty{})).find(soap12),
              std::string::npos);
    EXPECT_EQ(failure(envelope("", "", soap12)).soap, soap::SoapVersion::v1_2);
    EXPECT_EQ(failure("<e:Envelope xmlns:e=\"" + std::string(soap12)).soap, std::nullopt);
    EXPECT_EQ(soap::content_type(request.soap), "application/soap+xml; charset=utf-8");
}

TEST_F(SoapDecode, OneEndpointServesOneVersionOfOneInterface) {
    const auto v21 = catalogue.find("v2_1", "AmountCharging");
    const auto v31 = catalogue.find("v3_1", "AmountCharging");
    (void)request(charge(good_children), v21);
    const auto failure = this->failure(charge(good_children), v31);
    EXPECT_EQ(failure.fault.text, "{" + std::string(local21) +
                                      "}chargeAmount belongs to AmountCharging v2_1; this address serves "
                                      "AmountCharging v3_1");
    EXPECT_EQ(this->failure("nonsense", v31).version->name, "v3_1") << "the address tells the version";
}

TEST_F(SoapDecode, AParserIsFitForUseAfterAnyError) {
    for (int i = 0; i < 3; ++i) {
        for (const std::string& bad :
             {std::string("<a><b></a>"), charge(with("1.50", "x")), envelope("<q:x/>"),
              std::string("<s:Envelope xmlns:s='urn:x'><s:Header><a><b>")})
            (void)failure(bad);
        (void)request(charge(good_children));
    }
}

}  // namespace
