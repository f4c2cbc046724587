// Bytes to requests: framing, limits, and what must be refused because others would read it differently.
#include "frontend/http/request_parser.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

using http::Method;
using http::Refusal;
using http::RequestParser;
using State = RequestParser::State;

const std::string small = "POST /ParlayX/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

/// Feeds a message in pieces of that many bytes, as a socket would, and returns the last state.
State feed(RequestParser& parser, std::string_view bytes, std::size_t piece) {
    std::string pending;
    auto state = State::incomplete;
    while (state == State::incomplete && !bytes.empty()) {
        const auto count = std::min(piece, bytes.size());
        pending += bytes.substr(0, count);
        bytes.remove_prefix(count);
        const auto progress = parser.feed(pending);
        pending.erase(0, progress.used);
        state = progress.state;
    }
    return state;
}

State feed(RequestParser& parser, std::string_view bytes) { return feed(parser, bytes, bytes.size()); }

void expect_refused(std::string_view bytes, Refusal refusal, unsigned status) {
    for (const std::size_t piece : {bytes.size(), std::size_t{1}}) {
        RequestParser parser({.header = 1024, .body = 100});
        EXPECT_EQ(feed(parser, bytes, piece), State::refused) << bytes;
        EXPECT_EQ(parser.refusal(), refusal) << bytes;
        EXPECT_EQ(parser.status(), status) << bytes;
    }
}

TEST(RequestParser, reads_a_request_however_it_is_cut) {
    for (std::size_t piece = 1; piece <= small.size(); ++piece) {
        RequestParser parser({});
        ASSERT_EQ(feed(parser, small, piece), State::complete) << piece;
        const auto& request = parser.request();
        EXPECT_EQ(request.method, Method::post);
        EXPECT_EQ(request.method_text, "POST");
        EXPECT_EQ(request.target, "/ParlayX/");
        EXPECT_EQ(request.version, 11);
        EXPECT_EQ(request.header("host"), "a");
        EXPECT_EQ(request.header("absent"), "");
        EXPECT_EQ(request.body, "hello");
        EXPECT_TRUE(parser.keep_alive());
    }
}

TEST(RequestParser, joins_chunks_and_passes_over_trailers) {
    const std::string chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5;name=value\r\nhello\r\n06\r\n world\r\n0\r\nAuthorization: Basic YTpi\r\n\r\n";
    for (std::size_t piece = 1; piece <= chunked.size(); ++piece) {
        RequestParser parser({});
        ASSERT_EQ(feed(parser, chunked, piece), State::complete) << piece;
        EXPECT_EQ(parser.request().body, "hello world");
        EXPECT_EQ(parser.request().header("Authorization"), "");
    }
}

TEST(RequestParser, takes_one_of_several_pipelined_requests) {
    RequestParser parser({});
    std::string bytes = small + "\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGE";
    auto progress = parser.feed(bytes);
    EXPECT_EQ(progress.state, State::complete);
    EXPECT_EQ(progress.used, small.size());
    bytes.erase(0, progress.used);
    parser.reset();
    progress = parser.feed(bytes);
    EXPECT_EQ(progress.state, State::complete);
    EXPECT_EQ(parser.request().target, "/healthz");
    EXPECT_EQ(parser.request().body, "");
    EXPECT_TRUE(parser.begun());
    parser.reset();
    EXPECT_FALSE(parser.begun());
    EXPECT_EQ(parser.feed("GE").state, State::incomplete);
    EXPECT_TRUE(parser.begun());
}

TEST(RequestParser, knows_when_a_connection_stays_open) {
    const auto keeps = [](std::string_view bytes) {
        RequestParser parser({});
        EXPECT_EQ(feed(parser, bytes), State::complete) << bytes;
        return parser.keep_alive();
    };
    EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, close\r\nTE: deflate\r\n\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(RequestParser, tells_who_waits_for_100_continue) {
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    RequestParser parser({});
    EXPECT_EQ(feed(parser, head.substr(0, head.size() - 1)), State::incomplete);
    EXPECT_FALSE(parser.expects_continue());
    RequestParser waiting({});
    EXPECT_EQ(feed(waiting, head, 1), State::incomplete);
    EXPECT_TRUE(waiting.expects_continue());
    EXPECT_EQ(waiting.feed("ab").state, State::complete);
    EXPECT_FALSE(waiting.expects_continue());

    RequestParser old({});
    EXPECT_EQ(old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").state,
              State::incomplete);
    EXPECT_FALSE(old.expects_continue());
}

TEST(RequestParser, refuses_what_is_framed_ambiguously) {
    const auto refused = [](std::string_view headers) {
        expect_refused("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n", Refusal::malformed,
                       400);
    };
    refused("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n");
    refused("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n");
    refused("Content-Length: 3\r\nContent-Length: 4\r\n");
    refused("Content-Length: 3, 4\r\n");
    refused("Content-Length: -1\r\n");
    refused("Content-Length: +3\r\n");
    refused("Content-Length: 0x3\r\n");
    refused("Content-Length: 99999999999999999999999\r\n");
    refused("Content-Length: \r\n");
    refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
    refused("Content-Length : 3\r\n");
    refused("Host: b\r\n");
    refused("Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n");
    refused("Name: a\rb\r\n");
    refused("Name: a\nb: c\r\n");
    refused("Name\r\n");
    refused(": value\r\n");
    expect_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::malformed, 400);
    expect_refused("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", Refusal::malformed, 400);  // no Host
    for (const auto* coding : {"gzip, chunked", "chunked, identity", "identity", "xchunked"}) {
        expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n",
                       Refusal::not_supported, 501);
    }
}

TEST(RequestParser, refuses_broken_chunks) {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const auto* chunks :
         {"x\r\n", "5\r\nhelloworld\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n\r\n"}) {
        expect_refused(head + chunks + "aaaaa", Refusal::malformed, 400);
    }
}

TEST(RequestParser, refuses_other_protocols) {
    expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::not_supported, 505);
    expect_refused("GET / HTTP/3.0\r\n\r\n", Refusal::not_supported, 505);
    expect_refused("GET / HTTP/1.1\nHost: a\n\n", Refusal::malformed, 400);
    expect_refused(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), Refusal::malformed, 400);
    expect_refused("<Envelope/>\r\n\r\n", Refusal::malformed, 400);
}

TEST(RequestParser, keeps_to_its_limits) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    expect_refused(start + "Name: " + std::string(2000, 'x') + "\r\n\r\n", Refusal::header_too_large, 431);
    expect_refused("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n", Refusal::header_too_large, 431);
    std::string flood = start;
    for (int i = 0; i < 200; ++i) flood += "A: b\r\n";
    expect_refused(flood + "\r\n", Refusal::header_too_large, 431);
    expect_refused(start + "Content-Length: 101\r\n\r\n", Refusal::body_too_large, 413);
    const auto chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
    expect_refused(chunked + "65\r\nx", Refusal::body_too_large, 413);
    const auto sixty = "3c\r\n" + std::string(60, 'x') + "\r\n";
    expect_refused(chunked + sixty + sixty, Refusal::body_too_large, 413);
    expect_refused(chunked + "1;" + std::string(2000, 'x'), Refusal::header_too_large, 431);
    expect_refused(chunked + "0\r\nName: " + std::string(2000, 'x'), Refusal::header_too_large, 431);

    RequestParser parser({.header = 1024, .body = 100});
    EXPECT_EQ(feed(parser, start + "Content-Length: 100\r\n\r\n" + std::string(100, 'x'), 7),
              State::complete);
}

TEST(RequestParser, a_refused_request_is_known_as_far_as_it_was_read) {
    RequestParser parser({.header = 1024, .body = 10});
    EXPECT_EQ(feed(parser,
                   "POST /ParlayX/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\n"
                   "Content-Length: 11\r\n\r\n"),
              State::refused);
    EXPECT_EQ(parser.request().target, "/ParlayX/");
    EXPECT_EQ(parser.request().header("Content-Type"), "application/soap+xml");
}

/// Damages a message in a few places.
std::string mutated(std::string bytes, std::mt19937& random) {
    static constexpr std::string_view telling = "\r\n:;0,5 ";
    for (auto times = 1 + random() % 3; times > 0 && !bytes.empty(); --times) {
        const auto place = random() % bytes.size();
        switch (random() % 3) {
            case 0:
                bytes[place] = static_cast<char>(random());
                break;
            case 1:
                bytes.erase(place, 1 + random() % 3);
                break;
            default:
                bytes[place] = telling[random() % telling.size()];
        }
    }
    return bytes;
}

TEST(RequestParser, how_bytes_are_cut_never_changes_what_they_say) {
    const std::vector<std::string> messages{
        small,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\nName: a\r\n folded\r\n\r\n"};
    std::mt19937 random(20261124);
    for (int i = 0; i < 20000; ++i) {
        const auto bytes = mutated(messages[random() % messages.size()], random);
        RequestParser whole({.header = 200, .body = 20}), cut({.header = 200, .body = 20});
        const auto state = feed(whole, bytes);
        const auto cut_state = feed(cut, bytes, 1 + random() % 7);
        ASSERT_EQ(state == State::complete, cut_state == State::complete) << bytes;
        if (state != State::complete) continue;
        ASSERT_EQ(whole.request().target, cut.request().target) << bytes;
        ASSERT_EQ(whole.request().body, cut.request().body) << bytes;
        ASSERT_EQ(whole.keep_alive(), cut.keep_alive()) << bytes;
    }
}

}  // namespace
