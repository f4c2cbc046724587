// Packages as clients make them, and as nobody should.
#include "frontend/http/multipart.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace {

using http::PackageError;

std::string root_of(std::string_view content_type, std::string_view body) {
    const auto root = http::root_part(content_type, body);
    const auto* part = std::get_if<http::Part>(&root);
    return part ? std::string(part->body) : "none";
}
PackageError error_of(std::string_view content_type, std::string_view body) {
    return std::get<PackageError>(http::root_part(content_type, body));
}

const std::string two_parts =
    "--b\r\nContent-Type: image/png\r\nContent-ID: <a@x>\r\n\r\n--bytes\r\n--bb\r\n"
    "--b \t\r\ncontent-id:<r@x>\r\nCONTENT-TYPE: application/xop+xml;\r\n "
    "charset=utf-8\r\n\r\n<e/>\r\n--b--\r\n";

TEST(Multipart, the_root_is_the_part_that_start_names_or_the_first) {
    for (const auto* start : {"; start=\"<r@x>\"", ";start=<r@x>", "; START = \"r@x\"", ";start=\"<\\r@x>\""})
        EXPECT_EQ(root_of(std::string("multipart/related; boundary=b") + start, two_parts), "<e/>") << start;
    EXPECT_EQ(root_of("Multipart/Related; type=\"text/xml; boundary=x\"; boundary=\"b\"", two_parts),
              "--bytes\r\n--bb");
    EXPECT_EQ(error_of("multipart/related; boundary=b; start=\"<none>\"", two_parts), PackageError::broken);
    const auto root = http::root_part("multipart/related; boundary=b; start=r@x", two_parts);
    EXPECT_EQ(std::get<http::Part>(root).content_type, "application/xop+xml;\r\n charset=utf-8");
}

TEST(Multipart, line_ends_preambles_and_parts_without_a_header) {
    const auto* type = "multipart/related; boundary=b";
    EXPECT_EQ(root_of(type, "preamble\r\n--b\r\n\r\n<e/>\r\n--b--"), "<e/>");
    EXPECT_EQ(root_of(type, "\r\n--b\r\nContent-ID: x\r\n\r\n<e/>\n\r\n--b\r\n"), "<e/>\n");
    EXPECT_EQ(root_of(type, "--b\nContent-Type: text/xml\n\n<e/>\n--b--\n"), "<e/>");
    EXPECT_EQ(root_of(type, "--b\r\nno header\r\n: none\r\n\r\n<e/>\r\n--b--"), "<e/>");
    EXPECT_EQ(root_of(type, "--b\r\n\r\n\r\n--b--"), "");
    const auto folded = http::root_part(type, "--b\r\nContent-Type:\r\n \r\n\ttext/xml\r\n\r\n<e/>\r\n--b--");
    EXPECT_EQ(std::get<http::Part>(folded).content_type, "text/xml");
    const auto other = http::root_part(type, "--b\r\nX-Type: a;\r\n Content-Type: b\r\n\r\n<e/>\r\n--b--");
    EXPECT_EQ(std::get<http::Part>(other).content_type, "");
}

TEST(Multipart, packages_without_a_whole_root) {
    const auto* type = "multipart/related; boundary=b";
    for (const auto* body : {"", "<e/>", "--b", "--b--", "--b\r\n", "--b\r\n\r\n<e/>", "--b\r\n\r\n<e/>\r\n-",
                             "x--b\r\n\r\n<e/>--b--"})
        EXPECT_EQ(error_of(type, body), PackageError::broken) << body;
    for (const auto* other :
         {"multipart/related", "multipart/related; boundary=", "multipart/related; boundary=\"\"",
          "multipart/related; boundary=\"b", "multipart/related;;;boundary"})
        EXPECT_EQ(error_of(other, "--b\r\n\r\n<e/>\r\n--b--"), PackageError::broken) << other;
    const std::string longest(70, '-');
    EXPECT_EQ(root_of("multipart/related; boundary=" + longest, "--" + longest + "\r\n\r\nx\r\n--" + longest),
              "x");
    EXPECT_EQ(
        error_of("multipart/related; boundary=-" + longest, "---" + longest + "\r\n\r\nx\r\n---" + longest),
        PackageError::broken);
}

TEST(Multipart, encodings_of_mail) {
    const auto package = [](const std::string& encoding) {
        return "--b\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n<e/>\r\n--b--";
    };
    for (const auto* encoding : {"", "7bit", "8BIT", "binary "})
        EXPECT_EQ(root_of("multipart/related; boundary=b", package(encoding)), "<e/>") << encoding;
    for (const auto* encoding : {"base64", "quoted-printable", "x"})
        EXPECT_EQ(error_of("multipart/related; boundary=b", package(encoding)),
                  PackageError::unknown_encoding);
}

/// What is found stands in the package, whatever becomes of its bytes.
TEST(Multipart, parts_of_mutated_packages_are_views_into_them) {
    const std::string type = "multipart/related; start=\"<r@\\x>\"; boundary=\"b\"; type=\"x;y\"";
    const std::string bytes = " \r\n\t-b;:=\"\\<>x";
    std::mt19937 random(20261129);
    const auto below = [&](std::size_t end) { return random() % end; };
    const auto mutate = [&](std::string& text) {
        for (auto left = below(6); left > 0 && !text.empty(); --left) {
            const auto at = below(text.size());
            const auto byte = bytes[below(bytes.size())];
            switch (below(3)) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.erase(at, 1 + below(4));
                    break;
                default:
                    text.insert(at, 1, byte);
            }
        }
    };
    const auto stands_in = [](std::string_view part, std::string_view whole) {
        return part.empty() ||
               (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
    };
    std::size_t found = 0;
    for (int round = 0; round < 50'000; ++round) {
        auto package = two_parts, content_type = type;
        mutate(package);
        mutate(content_type);
        const auto root = http::root_part(content_type, package);
        const auto* part = std::get_if<http::Part>(&root);
        if (part == nullptr) continue;
        ++found;
        ASSERT_TRUE(stands_in(part->body, package) && stands_in(part->content_type, package)) << package;
    }
    EXPECT_GT(found, 1'000U);
}

TEST(Multipart, is_told_by_its_type_alone) {
    for (const auto* yes : {"multipart/related", "MULTIPART/Related;boundary=x", " multipart/related ; a=b"})
        EXPECT_TRUE(http::is_package(yes)) << yes;
    for (const auto* no :
         {"", "text/xml", "multipart/form-data; boundary=x", "text/xml; a=multipart/related"})
        EXPECT_FALSE(http::is_package(no)) << no;
}

}  // namespace
