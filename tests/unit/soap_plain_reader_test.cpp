// The reader of plain documents against Xerces: whatever it accepts means the same to both, and what it told
// before it gave up is the beginning of what Xerces tells. A seed is printed; LEDGERLINE_SEED=N repeats a
// run.
#include "frontend/soap/plain_reader.hpp"
#include "tests/support/xml_recorder.hpp"
#include "tests/unit/soap_support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

class PlainReader : public testing::Test {
  protected:
    /// Whether it is plain; both readers must agree about it.
    bool accepts(const std::string& text) {
        std::optional<soap::Document> document;
        try {
            document.emplace(text, limits_);
        } catch (const soap::XmlError&) {
            return false;  // neither reader sees it
        }
        tests::XmlRecorder by_plain, by_xerces;
        const bool accepted = plain_.parse(*document, by_plain);
        std::string error;
        try {
            xerces_.parse(*document, by_xerces);
        } catch (const soap::XmlError& problem) {
            error = problem.what();
        }
        if (accepted) {
            EXPECT_EQ(error, "") << text;
            EXPECT_EQ(by_plain.told, by_xerces.told) << text;
        } else {
            EXPECT_TRUE(by_xerces.told.starts_with(by_plain.told)) << text << "\nplain:\n"
                                                                   << by_plain.told << "\nXerces:\n"
                                                                   << by_xerces.told;
        }
        return accepted;
    }

    soap::XmlRuntime runtime_;
    soap::Limits limits_;
    soap::PlainReader plain_;
    soap::XmlReader xerces_;
};

std::vector<std::string> ordinary_messages() {
    return {
        soap_test::charge(soap_test::good_children),
        soap_test::charge("\n  <l:endUserIdentifier>tel:+1</l:endUserIdentifier >\n\t<charge/>\n"),
        soap_test::envelope(
            "<chargeAmount xmlns='urn:x'><a xmlns=''>&lt;&amp;&gt;&quot;&apos;</a></chargeAmount>"),
        soap_test::envelope(
            "<l:x a='1' Type = \"two\" xmlns:i='" + std::string(tests::xsi) + "' i:nil='true'/>",
            "<h:Security xmlns:h='urn:h' s:mustUnderstand='1'>caf\xC3\xA9 \xF0\x9F\x8E\xB5</h:Security>"),
        "<?xml version='1.0' encoding='UTF-8'?>\r\n" + soap_test::charge(soap_test::good_children) + "\r\n",
        "<a xmlns:p='urn:1'><b xmlns:p='urn:2'><p:c/></b><p:c/></a>",
        "<_a.b-c1 xmlns:p=\"urn:'quoted'\" a='x>y]]>z'>\x7F\xC2\x85</_a.b-c1>",
    };
}

/// Well-formed or not: none of these is plain.
std::vector<std::string> other_documents() {
    const std::vector<std::string_view> inside{"<!-- c -->",
                                               "<![CDATA[x]]>",
                                               "<?pi?>",
                                               "&#65;",
                                               "&#x41;",
                                               "a\rb",
                                               "a]b",
                                               "a]]>b",
                                               "\xEF\xBF\xBE",
                                               "\x01",
                                               "&nbsp;",
                                               "&",
                                               "&amp",
                                               "<p:b/>",
                                               "<b a='\n'/>",
                                               "<b a='&amp;'/>",
                                               "<b a='<'/>",
                                               "<b a=1/>",
                                               "<b a/>",
                                               "<b a='1'c='2'/>",
                                               "<b a='1' a='1'/>",
                                               "<b xmlns:a='urn:a' a:a='1' a='1'/>",
                                               "<b p:a='1'/>",
                                               "<b xml:lang='en'/>",
                                               "<b xmlns:p='urn:p' xmlns:p='urn:q'/>",
                                               "<b xmlns:p=''/>",
                                               "<b xmlns:xml='urn:x'/>",
                                               "<b xmlns:xmlns='urn:x'/>",
                                               "<b xmlns:p='http://www.w3.org/2000/xmlns/'/>",
                                               "<b xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
                                               "<b",
                                               "<b/",
                                               "<b / >",
                                               "< b/>",
                                               "<b></ b>",
                                               "<b></c>",
                                               "<x:></x:>",
                                               "<:x/>",
                                               "<x:y:z/>",
                                               "<caf\xC3\xA9/>",
                                               "<1/>",
                                               "</b>",
                                               "<b a='1",
                                               "<xmlns:b/>"};
    std::vector<std::string> documents{"text",           "<a/><b/>", "<a/>x", "<a/><!-- c -->",
                                       "<!-- c --><a/>", "<a>",      "</a>"};
    for (const auto piece : inside) documents.push_back("<a>" + std::string(piece) + "</a>");
    return documents;
}

TEST_F(PlainReader, takes_ordinary_messages) {
    for (const auto& message : ordinary_messages()) EXPECT_TRUE(accepts(message)) << message;
}

TEST_F(PlainReader, leaves_everything_else_to_xerces) {
    for (const auto& document : other_documents()) EXPECT_FALSE(accepts(document)) << document;
}

TEST_F(PlainReader, gives_up_at_every_end_that_is_too_early) {
    for (const auto& message : ordinary_messages()) {
        const auto end = message.find_last_of('>');
        for (std::size_t size = 0; size <= end; ++size) EXPECT_FALSE(accepts(message.substr(0, size)));
    }
}

/// What real clients have sent: most of it is plain.
TEST_F(PlainReader, takes_what_real_clients_send) {
    int plain = 0, all = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(LEDGERLINE_SOURCE_DIR "/tests/clients/quirks")) {
        std::ostringstream text;
        text << std::ifstream(file.path()).rdbuf();
        const auto request = text.str();
        const auto body = request.find("\n\n", request.find(" HTTP/1."));
        if (body == std::string::npos) continue;
        ++all;
        plain += accepts(request.substr(body + 2)) ? 1 : 0;
    }
    EXPECT_GT(plain, all / 3) << "of " << all;
}

TEST_F(PlainReader, agrees_with_xerces_about_mutated_messages) {
    const char* const given = std::getenv("LEDGERLINE_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "LEDGERLINE_SEED=" << seed << '\n';
    std::mt19937_64 random(seed);
    const auto below = [&random](std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
    };
    constexpr std::string_view bytes = "<>/&;:='\" \t\n\r]-!?xa1.\x01\x7F\xC3\xA9\xEF\xBF\xBE";
    const std::vector<std::string_view> snippets{
        "&amp;",       "&lt;",           "&#65;",    "]]>",          "<!---->", "<![CDATA[", "<?p?>",
        "xmlns",       "xmlns:l",        "xml:",     " a='1'",       "<a>",     "</a>",      "<l:a/>",
        " xmlns:p=''", " xmlns='urn:x'", "\xC3\xA9", "\xEF\xBF\xBF", "'",       "\"",        " i:nil='1'"};
    auto corpus = ordinary_messages();
    int accepted = 0, mutants = 20'000;
    for (int i = 0; i < mutants; ++i) {
        std::string text = corpus[below(corpus.size())];
        for (auto changes = 1 + below(3); changes > 0; --changes) {
            const auto at = below(text.size());
            const auto length = std::min(below(12), text.size() - at);
            switch (below(5)) {
                case 0:
                    text[at] = bytes[below(bytes.size())];
                    break;
                case 1:
                    text.erase(at, length);
                    break;
                case 2:
                    text.insert(below(text.size()), std::string(text, at, length));
                    break;
                case 3:
                    text.insert(at, snippets[below(snippets.size())]);
                    break;
                default:
                    std::swap(text[at], text[below(text.size())]);
            }
            if (text.empty()) text = "<a/>";
        }
        accepted += accepts(text) ? 1 : 0;
        if (HasFailure()) return;
    }
    EXPECT_GT(accepted, mutants / 50);
    EXPECT_LT(accepted, mutants / 2);
}

}  // namespace
