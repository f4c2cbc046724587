// What tables can say beyond what AmountCharging needs: every wire type, lists, enumerations, names and
// cardinalities per version, structures of the service, aliases, operations that we call.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/wsdl.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace {

enum class Event : std::uint8_t { busy, no_answer, answer };

struct Media {
    std::string kind;
    std::optional<bool> two_way;
};
/// Of the service's own schema.
struct Action {
    Event what = Event::busy;
    std::optional<std::string> to;
    std::vector<Media> media;
};
struct Start {
    std::string party;
    std::vector<std::string> addresses;
    std::vector<Event> events;
    std::int32_t count = 0;
    std::optional<std::int64_t> volume;
    std::optional<soap::TimePoint> since;
    std::optional<Action> action;
    std::optional<std::string> note;
};
struct Started {
    std::vector<std::string> result;
};
struct Loose {
    std::string name;
};

}  // namespace

template <>
struct soap::Describe<Event> {
    static constexpr std::string_view literals[]{"Busy", "NoAnswer", "Answer"};
    static constexpr Type type = enumeration_type<Event>("CallEvents", Home::types, literals);
};
template <>
struct soap::Describe<Media> {
    static constexpr Field fields[]{
        field<&Media::kind>("media"),
        field<&Media::two_way>("twoWay", {.versions = {.since = {3, 1}}}),
    };
    static constexpr Type type = complex_type<Media>("MediaInfo", Home::common, fields);
};
template <>
struct soap::Describe<Action> {
    static constexpr Field fields[]{
        field<&Action::what>("actionToPerform"),
        field<&Action::to>("routingAddress", {.type = &xsd::any_uri}),
        field<&Action::media>("mediaInfo"),
    };
    static constexpr Type type = complex_type<Action>("Action", Home::types, fields);
};
template <>
struct soap::Describe<Start> {
    static constexpr VersionRange v2{.until = {2, 99}};
    static constexpr VersionRange v3{.since = {3, 0}};
    static constexpr Field fields[]{
        field<&Start::party>("callingParty", {.type = &xsd::any_uri, .versions = v2}),
        field<&Start::party>("callingParticipant", {.type = &xsd::any_uri, .versions = v3}),
        field<&Start::addresses>("addresses", {.type = &xsd::any_uri, .min = 1, .max = 2}),
        field<&Start::events>("criteria"),
        field<&Start::count>("count"),
        field<&Start::volume>("volume"),
        field<&Start::since>("since", {.min = 1, .versions = v2}),
        field<&Start::since>("since", {.versions = v3}),
        field<&Start::action>("action"),
        field<&Start::note>("note", {.join = true}),
    };
    static constexpr Type type = complex_type<Start>("Start", Home::local, fields);
};
template <>
struct soap::Describe<Started> {
    static constexpr Field fields[]{field<&Started::result>("result", {.min = 1})};
    static constexpr Type type = complex_type<Started>("Started", Home::local, fields);
};
template <>
struct soap::Describe<Loose> {
    static constexpr Field fields[]{field<&Loose::name>("name")};
    static constexpr Type type = complex_type<Loose>("Loose", Home::local, fields, UnknownChildren::skipped);
};

namespace {

constexpr soap::Version versions[]{
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "urn:sample/v2_1/local",
     .types = "urn:sample/v2_1",
     .common = "urn:common/v2_1",
     .wsdl_interface = "urn:sample/v2_1/interface",
     .wsdl_service = "urn:sample/v2_1/service",
     .faults = "urn:common/v2_0/faults"},
    {.name = "v3_0",
     .number = {3, 0},
     .common_number = {3, 1},
     .local = "urn:sample/v3_0/local",
     .types = "urn:sample/v3_0",
     .common = "urn:common/v3_1",
     .wsdl_interface = "urn:sample/v3_0/interface",
     .wsdl_service = "urn:sample/v3_0/service",
     .faults = "urn:common/v3_0/faults"},
};
constexpr std::string_view aliases[]{"begin"};
constexpr soap::OperationTable operations[]{
    soap::operation<Start, Started>("start", {}, soap::Role::served, aliases),
    soap::operation<Loose>("loose"),
    soap::operation<Loose, Started>("notify", {}, soap::Role::called),
};
constexpr soap::Interface sample{
    .name = "Sample", .file_base = "sample", .versions = versions, .operations = operations};

class SoapTables : public testing::Test {
  protected:
    soap::Decoded decode(int major, std::string_view children, std::string_view element = "start") {
        const auto& version = versions[major - 2];
        std::string body = "<l:" + std::string(element) + " xmlns:l='" + std::string(version.local) + "'>";
        body.append(children).append("</l:").append(element).append(">");
        return decoder.decode("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>" +
                              body + "</s:Body></s:Envelope>");
    }
    soap::Request request(int major, std::string_view children, std::string_view element = "start") {
        auto decoded = decode(major, children, element);
        if (auto* failure = std::get_if<soap::Failure>(&decoded))
            throw std::runtime_error(failure->fault.faultstring() + " for " + std::string(children));
        return std::get<soap::Request>(std::move(decoded));
    }
    Start start(int major, std::string_view children) { return request(major, children).message.as<Start>(); }
    /// `SVC0002 part`, or the plain fault's text.
    std::string fault(int major, std::string_view children, std::string_view element = "start") {
        auto decoded = decode(major, children, element);
        auto* failure = std::get_if<soap::Failure>(&decoded);
        if (!failure) return "accepted";
        std::string out = failure->fault.is_exception() ? failure->fault.id : failure->fault.text;
        for (const auto& variable : failure->fault.variables) out += " " + variable;
        return out;
    }

    soap::XmlRuntime runtime;
    soap::Catalogue catalogue{{&sample}};
    soap::Decoder decoder{runtime, catalogue};

    const std::string v3 =
        "<callingParticipant>tel:1</callingParticipant><addresses>tel:2</addresses><count>1</count>";
    const std::string v2 =
        "<callingParty>tel:1</callingParty><addresses>tel:2</addresses><count>1</count>"
        "<since>2026-11-24T10:00:00</since>";
};

TEST_F(SoapTables, AnEmptyElementOfAnOptionalListIsNone) {
    const auto message =
        start(3, v3 + "<criteria/><criteria>Busy</criteria><criteria> </criteria>"
                      "<action><actionToPerform>Busy</actionToPerform><mediaInfo/></action>");
    EXPECT_EQ(message.events, std::vector{Event::busy});
    ASSERT_TRUE(message.action);
    EXPECT_TRUE(message.action->media.empty());
    EXPECT_TRUE(start(3, v3 + "<criteria/>").events.empty());
    // Not where there must be one, nor in a list of texts.
    EXPECT_EQ(start(3, v3 + "<addresses/>").addresses, (std::vector<std::string>{"tel:2", ""}));
}

TEST_F(SoapTables, EveryWireType) {
    const auto message = start(
        3,
        "<callingParticipant> sip:a@b "
        "\n</callingParticipant><addresses>tel:2</addresses><addresses>tel:3</addresses>"
        "<criteria>NoAnswer</criteria><criteria> Busy </criteria><count> -7 "
        "</count><volume>8589934592</volume>"
        "<since>2026-11-24T10:00:00+01:00</since><action><mediaInfo><media>Audio</media><twoWay>1</twoWay></"
        "mediaInfo>"
        "<mediaInfo><media>Video</media></mediaInfo><actionToPerform>Answer</actionToPerform></action>");
    EXPECT_EQ(message.party, "sip:a@b");
    EXPECT_EQ(message.addresses, (std::vector<std::string>{"tel:2", "tel:3"}));
    EXPECT_EQ(message.events, (std::vector{Event::no_answer, Event::busy}));
    EXPECT_EQ(message.count, -7);
    EXPECT_EQ(message.volume, 8589934592);
    EXPECT_EQ(message.since, soap::TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) +
                                 std::chrono::hours(9));
    ASSERT_TRUE(message.action);
    EXPECT_EQ(message.action->what, Event::answer);
    ASSERT_EQ(message.action->media.size(), 2U);
    EXPECT_EQ(message.action->media[0].two_way, true);
    EXPECT_EQ(message.action->media[1].kind, "Video");
}

TEST_F(SoapTables, NamesAndCardinalitiesByVersion) {
    EXPECT_EQ(start(2, v2).party, "tel:1");
    EXPECT_EQ(start(3, v3).party, "tel:1");
    EXPECT_EQ(fault(3, v2), "SVC0002 callingParty");
    EXPECT_EQ(fault(2, v3), "SVC0002 callingParticipant");
    EXPECT_EQ(fault(2, "<callingParty>tel:1</callingParty><addresses>tel:2</addresses><count>1</count>"),
              "SVC0002 since")
        << "required in v2";
    // Required, but empty where the member can be absent: accepted as absent.
    EXPECT_EQ(
        start(2, "<callingParty>tel:1</callingParty><addresses>tel:2</addresses><count>1</count><since/>")
            .since,
        std::nullopt);
    // Structures of the common schema go by the common schema's version.
    const std::string media =
        "<action><actionToPerform>Busy</actionToPerform><mediaInfo><media>Audio</media>"
        "<twoWay>true</twoWay></mediaInfo></action>";
    EXPECT_EQ(start(3, v3 + media).action->media[0].two_way, true);
    EXPECT_EQ(fault(2, v2 + media), "SVC0002 action.mediaInfo.twoWay");
}

TEST_F(SoapTables, FaultsOfListsEnumerationsAndNestedParts) {
    EXPECT_EQ(fault(3, "<callingParticipant>t</callingParticipant><count>1</count>"), "SVC0002 addresses");
    EXPECT_EQ(fault(3, v3 + "<addresses>b</addresses><addresses>c</addresses>"), "SVC0002 addresses");
    EXPECT_EQ(fault(3, v3 + "<criteria>Sleeping</criteria>"), "SVC0003 criteria Busy, NoAnswer, Answer");
    EXPECT_EQ(fault(3, v3 + "<action><actionToPerform>busy</actionToPerform></action>"),
              "SVC0003 action.actionToPerform Busy, NoAnswer, Answer");
    EXPECT_EQ(fault(3, v3 + "<volume>9223372036854775808</volume>"), "SVC0002 volume");
    EXPECT_EQ(fault(3, v3 + "<since>yesterday</since>"), "SVC0002 since");
    EXPECT_EQ(fault(3, v3 + "<count>2</count>"), "SVC0002 count");
    EXPECT_EQ(fault(3, v3 + "<action><mediaInfo><media/></mediaInfo></action>"),
              "SVC0002 action.actionToPerform");
    EXPECT_EQ(fault(3, v3 + "<action><actionToPerform>Busy</actionToPerform><mediaInfo><twoWay>1</twoWay>"
                            "</mediaInfo></action>"),
              "SVC0002 action.mediaInfo.media");
    EXPECT_EQ(fault(3, v3 + "<action>x</action>"), "SVC0002 action");
}

TEST_F(SoapTables, EmptyOptionalStructuresAreAbsent) {
    EXPECT_FALSE(start(3, v3 + "<action/>").action);
    EXPECT_FALSE(start(3, v3 + "<action>  \n </action>").action);
    EXPECT_FALSE(
        start(3, v3 + "<action xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/>").action);
}

TEST_F(SoapTables, OptionalTextIsJoinedToo) {
    EXPECT_EQ(start(3, v3 + "<note/><note>a</note><note> </note><note>b</note>").note, "a; b");
    EXPECT_EQ(start(3, v3 + "<note/>").note, std::nullopt);
}

TEST_F(SoapTables, UnknownElementsOnlyWhereNamesAreUncertain) {
    const std::string sloppy = "<name>n</name><x><name>inner</name>text<y a='1'/></x>";
    EXPECT_EQ(request(3, sloppy, "loose").message.as<Loose>().name, "n");
    EXPECT_EQ(request(3, "<o:name xmlns:o='urn:other'>n</o:name>", "loose").message.as<Loose>().name, "n")
        << "their namespaces are uncertain as well";
    EXPECT_EQ(fault(3, v3 + "<x/>"), "SVC0002 x");
    EXPECT_EQ(fault(3, "<x/>", "loose"), "SVC0002 name") << "what is missing is missed all the same";
}

TEST_F(SoapTables, AliasesAreAnsweredByTheirOwnName) {
    const auto request = this->request(3, v3, "begin");
    EXPECT_EQ(request.operation->name, "start");
    EXPECT_EQ(request.element, "begin");
    const std::string response = soap::encode_response(request, soap::Message::of(Started{{"1"}}));
    EXPECT_NE(
        response.find("<loc:beginResponse xmlns:loc=\"urn:sample/v3_0/local\"><loc:result>1</loc:result>"
                      "</loc:beginResponse>"),
        std::string::npos)
        << response;
}

TEST_F(SoapTables, WhatWeCallWeDoNotServe) {
    EXPECT_EQ(fault(3, "<name>n</name>", "notify"),
              "Sample v3_0 has no operation {urn:sample/v3_0/local}notify");
}

TEST_F(SoapTables, MembersAreWrittenInTheSchemasOrderAndQualification) {
    Start message;
    message.party = "tel:1?a=<&>";
    message.addresses = {"tel:2", "tel:3"};
    message.events = {Event::answer};
    message.count = 5;
    message.since = soap::TimePoint{};
    message.action = Action{Event::busy, "tel:9", {{"Audio", true}}};
    const auto* operation = sample.find(versions[1], "start");
    EXPECT_EQ(soap::encode_request(soap::SoapVersion::v1_2, {&sample, &versions[1]}, *operation,
                                   soap::Message::of(message)),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<soapenv:Envelope xmlns:soapenv=\"http://www.w3.org/2003/05/soap-envelope\"><soapenv:Body>"
              "<loc:start xmlns:loc=\"urn:sample/v3_0/local\">"
              "<loc:callingParticipant>tel:1?a=&lt;&amp;&gt;</loc:callingParticipant>"
              "<loc:addresses>tel:2</loc:addresses><loc:addresses>tel:3</loc:addresses>"
              "<loc:criteria>Answer</loc:criteria><loc:count>5</loc:count><loc:since>1970-01-01T00:00:00Z</"
              "loc:since>"
              "<loc:action><actionToPerform>Busy</actionToPerform><routingAddress>tel:9</routingAddress>"
              "<mediaInfo><media>Audio</media><twoWay>true</twoWay></mediaInfo></loc:action>"
              "</loc:start></soapenv:Body></soapenv:Envelope>");
    const std::string old = soap::encode_request(soap::SoapVersion::v1_1, {&sample, &versions[0]}, *operation,
                                                 soap::Message::of(message));
    EXPECT_NE(old.find("<loc:callingParty>"), std::string::npos);
    EXPECT_EQ(old.find("twoWay"), std::string::npos) << "not in the common schema of v2_1";
    EXPECT_THROW((void)soap::encode_request(soap::SoapVersion::v1_1, {&sample, &versions[0]}, *operation,
                                            soap::Message::of(Loose{})),
                 std::logic_error);
}

TEST_F(SoapTables, WhatIsWrittenReadsBack) {
    Start message;
    message.party = "tel:1";
    message.addresses = {"a & b"};
    message.events = {Event::no_answer, Event::busy};
    message.count = INT32_MIN;
    message.volume = INT64_MAX;
    message.note = "<\xF0\x9F\x8E\xB5>\r\n\"x\"";
    message.action = Action{Event::answer, {}, {{"Audio", false}, {"", {}}}};
    const auto* operation = sample.find(versions[1], "start");
    auto decoded = decoder.decode(soap::encode_request(soap::SoapVersion::v1_1, {&sample, &versions[1]},
                                                       *operation, soap::Message::of(message)));
    ASSERT_TRUE(std::holds_alternative<soap::Request>(decoded));
    const auto& back = std::get<soap::Request>(decoded).message.as<Start>();
    EXPECT_EQ(back.addresses, message.addresses);
    EXPECT_EQ(back.events, message.events);
    EXPECT_EQ(back.count, message.count);
    EXPECT_EQ(back.volume, message.volume);
    EXPECT_EQ(back.note, message.note);
    ASSERT_TRUE(back.action);
    EXPECT_EQ(back.action->media.size(), 2U);
    EXPECT_EQ(back.action->media[0].two_way, false);
}

TEST_F(SoapTables, SchemasSayTheSame) {
    const auto schema = [](int major, std::string_view name) {
        return soap::published_document({&sample, &versions[major - 2]}, "xsd=" + std::string(name),
                                        "http://h/Sample")
            .value_or("");
    };
    const auto has = [](const std::string& text, std::string_view piece) {
        EXPECT_NE(text.find(piece), std::string::npos) << piece << " in " << text;
    };
    has(schema(2, "local"), "<xsd:element name=\"callingParty\" type=\"xsd:anyURI\"/>");
    has(schema(2, "local"), "<xsd:element name=\"since\" type=\"xsd:dateTime\"/>");
    has(schema(3, "local"), "<xsd:element name=\"callingParticipant\" type=\"xsd:anyURI\"/>");
    has(schema(3, "local"),
        "<xsd:element name=\"since\" type=\"xsd:dateTime\" minOccurs=\"0\" maxOccurs=\"1\"/>");
    has(schema(3, "local"),
        "<xsd:element name=\"addresses\" type=\"xsd:anyURI\" minOccurs=\"1\" maxOccurs=\"2\"/>");
    has(schema(3, "local"),
        "<xsd:element name=\"criteria\" type=\"types:CallEvents\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>");
    has(schema(3, "local"), "elementFormDefault=\"qualified\"");
    has(schema(3, "types"), "<xsd:enumeration value=\"NoAnswer\"/>");
    has(schema(3, "types"),
        "<xsd:element name=\"mediaInfo\" type=\"common:MediaInfo\" minOccurs=\"0\" "
        "maxOccurs=\"unbounded\"/>");
    EXPECT_EQ(schema(3, "types").find("elementFormDefault"), std::string::npos);
    has(schema(3, "common"), "name=\"twoWay\"");
    EXPECT_EQ(schema(2, "common").find("twoWay"), std::string::npos);
    const auto wsdl =
        soap::published_document({&sample, &versions[1]}, "wsdl=interface", "http://h/Sample").value();
    const std::size_t notify = wsdl.find("<wsdl:operation name=\"notify\">");
    ASSERT_NE(notify, std::string::npos);
    EXPECT_EQ(wsdl.find("wsdl:fault", notify), std::string::npos) << "applications declare no faults";
}

}  // namespace
