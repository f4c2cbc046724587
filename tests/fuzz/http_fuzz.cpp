// Any bytes as what a client sends on a connection: requests are the same however the bytes are cut, and what
// is read out of them holds what it promises.
#include "frontend/auth/basic.hpp"
#include "frontend/auth/digest.hpp"
#include "frontend/http/gzip.hpp"
#include "frontend/http/multipart.hpp"
#include "frontend/http/request_parser.hpp"
#include "frontend/route.hpp"
#include "tests/fuzz/property.hpp"

#include <algorithm>
#include <string>
#include <variant>

namespace {

using http::RequestParser;

constexpr std::size_t body_max = 4096;

void read_coding(const http::Request& request) {
    const auto unpacked = http::unpack(request.header("content-encoding"), request.body, body_max);
    if (const auto* body = std::get_if<std::string>(&unpacked))
        fuzz::require(body->size() <= body_max, "no more is unpacked than the limit");
}

void read_package(const http::Request& request) {
    const auto content_type = request.header("content-type");
    if (!http::is_package(content_type)) return;
    const auto root = http::root_part(content_type, request.body);
    const auto* const part = std::get_if<http::Part>(&root);
    if (part == nullptr || part->body.empty()) return;
    fuzz::require(request.body.find(part->body) != std::string_view::npos, "a part is of its package");
}

void read_target(const http::Request& request) {
    const auto route = frontend::find_route(request.target);
    (void)frontend::percent_decoded(route.reference);
    (void)frontend::query_value(route.query, "endUserIdentifier");
}

void read_credentials(const http::Request& request) {
    const auto authorization = request.header("authorization");
    (void)auth::parse_basic(authorization);
    if (const auto digest = auth::parse_digest(authorization)) {
        fuzz::require(auth::is_digest(authorization), "who reads a digest has one");
        (void)auth::digest_response(*digest, request.method_text, "ha1");
    }
}

/// What a server makes of the bytes when they come in pieces of this size: one line a request, up to the
/// first that is refused. When that is seen depends on the pieces: some of a wrong header is enough if it
/// came at once.
std::string told(std::string_view bytes, std::size_t piece) {
    // No input is as long as a header may be: near that limit, pieces do make a difference.
    RequestParser parser({.header = 16 * 1024, .body = body_max});
    std::string lines, pending;
    while (true) {
        const auto progress = parser.feed(pending);
        fuzz::require(progress.used <= pending.size(), "no more is used than came");
        pending.erase(0, progress.used);
        if (progress.state == RequestParser::State::refused) {
            fuzz::require(parser.status() >= 400, "a refusal has a status");
            return lines;
        }
        if (progress.state == RequestParser::State::complete) {
            const auto& request = parser.request();
            fuzz::require(request.body.size() <= body_max, "no body is larger than the limit");
            read_coding(request);
            read_package(request);
            read_target(request);
            read_credentials(request);
            lines.append(request.method_text).append(" ").append(request.target).append(" ");
            lines.append(request.body).append(parser.keep_alive() ? "\n" : " close\n");
            if (!parser.keep_alive()) return lines;
            parser.reset();
            continue;
        }
        if (bytes.empty()) return lines;
        const auto count = std::min(piece, bytes.size());
        pending += bytes.substr(0, count);
        bytes.remove_prefix(count);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = told(bytes, std::max<std::size_t>(size, 1));
    fuzz::require(whole == told(bytes, 1), "requests are the same byte by byte");
    fuzz::require(whole == told(bytes, 7), "requests are the same in pieces");
    return 0;
}
