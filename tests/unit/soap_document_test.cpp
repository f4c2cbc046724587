// Bytes before they are messages: encodings, document types, limits, malformed XML, escaping.
#include "base/utf8.hpp"
#include "frontend/soap/text.hpp"
#include "tests/unit/soap_support.hpp"

#include <string>
#include <thread>
#include <vector>

namespace {

using namespace soap_test;

class SoapDocument : public SoapTest {
  protected:
    std::string description(std::string_view bytes) { return charge_of(bytes).charge.description; }
};

std::string utf16(std::string_view latin1, bool big, bool mark) {
    std::string out;
    const auto append = [&](unsigned char high, unsigned char low) {
        out += static_cast<char>(big ? high : low);
        out += static_cast<char>(big ? low : high);
    };
    if (mark) append(0xFE, 0xFF);
    for (const char c : latin1) append(0, static_cast<unsigned char>(c));
    return out;
}

TEST_F(SoapDocument, Encodings) {
    const std::string latin1 = charge(with("song", "caf\xE9"));
    const std::string utf8 = charge(with("song", "caf\xC3\xA9"));
    const std::string expected = "caf\xC3\xA9";
    EXPECT_EQ(description(utf8), expected);
    EXPECT_EQ(description("<?xml version='1.0' encoding='utf-8'?>" + utf8), expected);
    EXPECT_EQ(description("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n" + utf8),
              expected);
    EXPECT_EQ(description("\xEF\xBB\xBF" + utf8), expected);
    EXPECT_EQ(description("\xEF\xBB\xBF<?xml version='1.0'?>" + utf8), expected);
    EXPECT_EQ(description("\r\n \t<?xml version='1.0'?>" + utf8), expected)
        << "white space before the declaration";
    EXPECT_EQ(description("\n\xEF\xBB\xBF\n<?xml version='1.0'?>" + utf8), expected);
    EXPECT_EQ(description("<?xml version='1.0' encoding='ISO-8859-1'?>" + latin1), expected);
    EXPECT_EQ(description("<?xml version='1.0' encoding='iso-8859-1'?>" + latin1), expected);
    for (const bool big : {true, false}) {
        for (const bool mark : {true, false}) {
            EXPECT_EQ(description(utf16(latin1, big, mark)), expected);
            EXPECT_EQ(description(utf16("<?xml version='1.0' encoding='UTF-16'?>" + latin1, big, mark)),
                      expected);
        }
    }
    EXPECT_EQ(description("<?xml version='1.0' encoding='utf-16'?>" + utf8), expected)
        << "what .NET's StringWriter declares, sent as UTF-8";
}

TEST_F(SoapDocument, SurrogatePairsInUtf16) {
    std::string bytes = utf16(charge(with("song", "@@")), true, true);
    const std::size_t at = bytes.find(std::string("\0@\0@", 4));
    ASSERT_NE(at, std::string::npos);
    const auto replaced = [&](std::string_view units) { return std::string(bytes).replace(at, 4, units); };
    EXPECT_EQ(description(replaced("\xD8\x3C\xDF\xB5")), "\xF0\x9F\x8E\xB5");
    EXPECT_NE(faultstring(replaced("\xDF\xB5\xD8\x3C")).find("not valid UTF-16"), std::string::npos);
    EXPECT_NE(faultstring(replaced(std::string_view("\xD8\x3C\0x", 4))).find("not valid UTF-16"),
              std::string::npos);
    EXPECT_NE(faultstring(bytes + "x").find("not valid UTF-16"), std::string::npos) << "half a unit";
}

TEST_F(SoapDocument, BadEncodings) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"\xC0\xAF", "not valid UTF-8"},          // overlong
        {"\xE0\x80\xAF", "not valid UTF-8"},      // overlong
        {"\xF0\x80\x80\xAF", "not valid UTF-8"},  // overlong
        {"\xED\xA0\x80", "not valid UTF-8"},      // a surrogate
        {"\xF4\x90\x80\x80", "not valid UTF-8"},  // beyond Unicode
        {"\xFF", "not valid UTF-8"},
        {"caf\xE9", "not valid UTF-8"},
        {"\xC3", "not valid UTF-8"},
        {std::string("a\0b", 3), "not valid UTF-8"},  // NUL
        {std::string("12345678\0", 9), "not valid UTF-8"},
        {"\x01", "line "},  // XML does not have it
        {"\xEF\xBF\xBF", "line "},
        {"&#0;", "line "},
        {"&#x1;", "line "},
        {"&#xD800;", "line "},
        {"&#x110000;", "line "},
        {"&nbsp;", "line "},
        {"&", "line "},
    };
    for (const auto& [text, reason] : cases) {
        const auto failure = this->failure(charge(with("song", text)));
        EXPECT_EQ(failure.fault.kind, soap::Fault::Kind::client);
        EXPECT_TRUE(failure.fault.text.starts_with("the message cannot be read: ")) << failure.fault.text;
        EXPECT_NE(failure.fault.text.find(reason), std::string::npos) << text << ": " << failure.fault.text;
    }
    for (const char* name : {"EBCDIC-CP-US", "UTF-7", "windows-1252", "ISO-8859-15"})
        EXPECT_NE(
            faultstring("<?xml version='1.0' encoding='" + std::string(name) + "'?>" + charge(good_children))
                .find("encoding"),
            std::string::npos);
    EXPECT_NE(faultstring("<?xml version='1.1'?>" + charge(good_children)).find("version"),
              std::string::npos);
    EXPECT_NE(faultstring("<?xml version='1.0' encoding='ISO-8859-1'?>" +
                          charge(with("song", std::string("\0", 1))))
                  .find("NUL"),
              std::string::npos);
}

TEST_F(SoapDocument, MalformedXml) {
    const std::string good = charge(good_children);
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_TRUE(faultstring(good.substr(0, length)).starts_with("the message cannot be read: "))
            << length;
    for (const std::string& bad :
         {std::string(""), std::string("  \n"), std::string("charge me"), good + good, good + "x", good + "<",
          charge(with("</description>", "</descriptiom>")), charge(with("<amount>", "<amount a='1' a='2'>")),
          charge(with("<amount>", "<amount a=1>")), charge(with("<amount>", "<x:amount>")),
          charge(with("<amount>", "<amount x='<'>")), charge(with("song", "a]]>b")),
          charge(with("song", "<!-- -- -->")), std::string("<?xml version='1.0'"), std::string("{\"a\": 1}")})
        EXPECT_TRUE(faultstring(bad).starts_with("the message cannot be read: ")) << bad;
    EXPECT_EQ(faultstring("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>\n</a>"),
              "the message cannot be read: line 2, column 3: expected end of tag 's:Envelope'");
}

TEST_F(SoapDocument, DocumentTypesAreRefused) {
    const std::string good = charge(good_children);
    const std::string bomb = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]>";
    for (const std::string& bad :
         {"<!DOCTYPE a>" + good, "<?xml version='1.0'?>" + bomb + good, "\n<!-- x -->\n<?pi?>" + bomb + good,
          "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>" + good, "<!doctype a>" + good,
          charge("<!DOCTYPE a>" + std::string(good_children)), utf16("<!DOCTYPE a>" + good, true, true),
          utf16("<?xml version='1.0'?><!DOCTYPE a>" + good, false, false)})
        EXPECT_EQ(faultstring(bad), "the message cannot be read: document type declarations are refused")
            << bad;
    EXPECT_EQ(description(charge(with("song", "<![CDATA[<!DOCTYPE a>]]><!-- <!DOCTYPE b> -->"))),
              "<!DOCTYPE a>");
}

TEST_F(SoapDocument, LimitsHaveNames) {
    soap::Limits limits;
    limits.bytes_max = 4000;
    limits.depth_max = 5;
    limits.elements_max = 12;
    limits.attributes_max = 4;
    limits.text_bytes_max = 100;
    limits.name_bytes_max = 80;
    const soap::Decoder strict(runtime, catalogue, limits);
    const auto refused = [&](const std::string& bytes) {
        auto decoded = strict.decode(bytes);
        const auto* failure = std::get_if<soap::Failure>(&decoded);
        return failure ? failure->fault.text : "accepted";
    };
    EXPECT_EQ(refused(charge(good_children)), "accepted");
    EXPECT_EQ(refused(charge(good_children) + std::string(4000, ' ')),
              "the message cannot be read: the message has more than 4000 bytes");
    EXPECT_EQ(refused(charge(with("song", std::string(100, 'x')))), "accepted");
    EXPECT_EQ(refused(charge(with("song", std::string(101, 'x')))),
              "message part charge.description has more than 100 bytes");
    EXPECT_EQ(refused(charge(with("<description>song</description>",
                                  "<description>" + std::string(60, 'x') + "</description><description>" +
                                      std::string(60, 'x') + "</description>"))),
              "message part charge.description has more than 100 bytes")
        << "joined";
    EXPECT_EQ(refused(charge(with("<amount>", "<amount><a>"))).substr(0, 25), "elements nested more than");
    EXPECT_EQ(refused(charge(std::string(good_children) + "<a/><a/><a/>")),
              "the message cannot be read: more than 12 elements");
    EXPECT_EQ(refused(charge(with("<amount>", "<amount a='' b='' c='' d=''>"))), "accepted");
    EXPECT_EQ(refused(charge(with("<amount>", "<amount a='' b='' c='' d='' e=''>"))),
              "the message cannot be read: more than 4 attributes in one element");
    EXPECT_EQ(refused(charge(with("<amount>", "<amount a='======'>"))), "accepted") << "in a value";
    EXPECT_NE(refused(charge(with("<amount>", "<amount a='" + std::string(80, 'x') + "'>")))
                  .find("more than 80 bytes"),
              std::string::npos);
    EXPECT_NE(refused(charge("<" + std::string(81, 'x') + "/>")).find("more than 80 bytes"),
              std::string::npos);
    EXPECT_NE(refused(envelope("", "<a><b><c><d/></c></b></a>")).find("elements nested more than 5 deep"),
              std::string::npos)
        << "the header counts";
    EXPECT_NE(refused(envelope("", "<m:MessageID xmlns:m='http://www.w3.org/2005/08/addressing'>" +
                                       std::string(101, 'x') + "</m:MessageID>"))
                  .find("a header of more than 100 bytes"),
              std::string::npos);
}

TEST_F(SoapDocument, ThreadsShareADecoder) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                const std::string text = std::to_string(t) + "-" + std::to_string(i);
                ASSERT_EQ(charge_of(charge(with("song", text))).charge.description, text);
                ASSERT_EQ(failure(charge(with("1.50", "x"))).fault.id, "SVC0002");
            }
        });
    for (auto& thread : threads) thread.join();
}

TEST(SoapText, Escaping) {
    const auto escaped = [](std::string_view text) {
        std::string out;
        soap::append_escaped(text, out);
        return out;
    };
    const auto attribute = [](std::string_view text) {
        std::string out;
        soap::append_escaped_attribute(text, out);
        return out;
    };
    EXPECT_EQ(escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;\"c'");
    EXPECT_EQ(escaped("\t\n\r"), "\t\n&#13;");
    EXPECT_EQ(escaped("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\xB5"),
              "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\xB5");
    const std::string replaced = "\xEF\xBF\xBD";
    EXPECT_EQ(escaped(std::string_view("a\0b", 3)), "a" + replaced + "b");
    EXPECT_EQ(escaped("\x1B[0m\x7F"), replaced + "[0m\x7F");
    EXPECT_EQ(escaped("\xEF\xBF\xBE\xEF\xBF\xBF"), replaced + replaced);
    EXPECT_EQ(escaped("\xED\xA0\x80"), replaced + replaced + replaced);
    EXPECT_EQ(escaped("\xC3"), replaced);
    EXPECT_EQ(attribute("\"<\n\t&"), "&quot;&lt;&#10;&#9;&amp;");
}

TEST(SoapText, Utf16ComesInPieces) {
    soap::Utf16Decoder decoder;
    std::string out;
    decoder.append(u"ab\xD83C", 3, out);
    EXPECT_TRUE(decoder.incomplete());
    decoder.append(u"\xDFB5z\u20AC", 3, out);
    EXPECT_EQ(out, "ab\xF0\x9F\x8E\xB5z\xE2\x82\xAC");
    EXPECT_FALSE(decoder.incomplete());
    EXPECT_FALSE(decoder.broken());
    decoder.append(u"\xDFB5", 1, out);
    EXPECT_TRUE(decoder.broken());
}

TEST(SoapText, Utf8Checks) {
    EXPECT_TRUE(base::is_storable_text(""));
    for (std::size_t length = 0; length < 40; ++length) {
        const std::string text(length, 'a');
        EXPECT_TRUE(base::is_storable_text(text + "\xE2\x82\xAC" + text));
        EXPECT_TRUE(base::is_storable_text(text + "\x01\x80"[0] + text));
        EXPECT_FALSE(base::is_storable_text(text + "\xE2\x82" + text)) << length;
        EXPECT_FALSE(base::is_storable_text(text + '\0' + text)) << length;
        EXPECT_FALSE(base::is_storable_text(text + "\x80")) << length;
    }
}

}  // namespace
