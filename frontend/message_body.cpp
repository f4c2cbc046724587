// What wraps a message, undone from the outside in.
#include "frontend/message_body.hpp"

#include "base/utf8.hpp"
#include "frontend/http/gzip.hpp"
#include "frontend/http/multipart.hpp"

#include <algorithm>
#include <variant>

namespace frontend {
namespace {

/// Bytes that only a header calls ISO-8859-1: the document itself declares nothing (RFC 7303, 3). Those that
/// are UTF-8 all the same come from clients whose header never changes.
bool is_latin1_by_header(std::string_view content_type, std::string_view body) {
    constexpr std::string_view latin1 = "iso-8859-1";
    const auto named = std::ranges::search(content_type, latin1, {}, [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (named.empty()) return false;
    const auto declaration = body.substr(0, std::min(body.find("?>"), body.size()));
    const bool declared = body.starts_with("<?xml") && declaration.find("encoding") != std::string_view::npos;
    return !declared && !base::is_storable_text(body);
}

}  // namespace

MessageBody::MessageBody(const http::Request& request, std::size_t bytes_max) : text_(request.body) {
    auto content_type = request.header("Content-Type");
    error_ = unpack(request.header("Content-Encoding"), bytes_max);
    if (!error_) error_ = take_root(content_type);
    if (error_ || !is_latin1_by_header(content_type, text_)) return;
    converted_ = base::latin1_to_utf8(text_);
    text_ = converted_;
}

std::optional<BodyError> MessageBody::unpack(std::string_view coding, std::size_t bytes_max) {
    if (coding.empty() || http::equal_no_case(coding, "identity")) return std::nullopt;
    auto result = http::unpack(coding, text_, bytes_max);
    if (auto* unpacked = std::get_if<std::string>(&result)) {
        converted_ = std::move(*unpacked);
        text_ = converted_;
        return std::nullopt;
    }
    switch (std::get<http::UnpackError>(result)) {
        case http::UnpackError::unknown_coding:
            return BodyError::unknown_coding;
        case http::UnpackError::too_large:
            return BodyError::too_large;
        case http::UnpackError::broken:
            break;
    }
    return BodyError::broken_coding;
}

std::optional<BodyError> MessageBody::take_root(std::string_view& content_type) {
    if (!http::is_package(content_type)) return std::nullopt;
    const auto root = http::root_part(content_type, text_);
    if (const auto* error = std::get_if<http::PackageError>(&root))
        return *error == http::PackageError::broken ? BodyError::broken_package
                                                    : BodyError::unknown_transfer_encoding;
    const auto& part = std::get<http::Part>(root);
    content_type = part.content_type;
    text_ = part.body;
    return std::nullopt;
}

}  // namespace frontend
