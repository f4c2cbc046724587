// Small parts of HTTP messages.
#include "frontend/http/message.hpp"

#include <algorithm>
#include <utility>

namespace http {

bool equal_no_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Request::header(std::string_view name) const {
    for (const auto& field : fields) {
        if (field.name.size() == name.size() && equal_no_case(field.name, name)) return field.value;
    }
    return {};
}

void Response::add_header(std::string_view name, std::string_view value) {
    headers.append(name).append(": ");
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        headers += byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
    headers += "\r\n";
}

Response text_response(unsigned status, std::string text) {
    Response response;
    response.status = status;
    response.content_type = plain_text;
    response.body = std::move(text) + '\n';
    return response;
}

std::string_view reason_phrase(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 421:
            return "Misdirected Request";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

}  // namespace http
