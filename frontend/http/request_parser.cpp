// Beast's incremental parser with fields kept in one buffer, and the checks that Beast leaves out.
#include "frontend/http/request_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <string>
#include <vector>

namespace http {
namespace beast = boost::beast::http;
using boost::system::error_code;

namespace {

/// A body's buffer grows with what arrives, not with what Content-Length promises.
constexpr std::size_t body_reserve_max = 64UL * 1024;

/// `0`, CRLF, CRLF: the least that a chunked message ends with.
constexpr std::size_t last_chunk_bytes = 5;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(beast::verb verb) {
    switch (verb) {
        case beast::verb::get:
            return Method::get;
        case beast::verb::head:
            return Method::head;
        case beast::verb::post:
            return Method::post;
        default:
            return Method::other;
    }
}

/// A bit for each field of which two in one request are an attempt to have it read in two ways (RFC
/// 9112, 11.2); 0 for the others.
unsigned single_bit(beast::field name) {
    switch (name) {
        case beast::field::host:
            return 1;
        case beast::field::authorization:
            return 2;
        case beast::field::content_type:
            return 4;
        case beast::field::content_encoding:
            return 8;
        case beast::field::expect:
            return 16;
        default:
            return 0;
    }
}

/// A request as it is collected; reused for all requests of a connection.
struct Storage {
    struct Place {
        std::size_t name, name_size, value_size;
    };

    Request request;
    std::string text;  ///< method, target, then name and value of every field
    std::size_t method_size = 0;
    std::size_t target_size = 0;
    std::vector<Place> places;
    std::string body;

    void clear() {
        text.clear();
        places.clear();
        method_size = target_size = 0;
        // One large message must not keep its memory for the rest of a connection.
        if (body.capacity() > body_reserve_max) std::string().swap(body);
        body.clear();
        request.fields.clear();
        request.method = Method::other;
        request.method_text = request.target = request.body = {};
        request.version = 11;
    }

    /// Points the request's views at what was collected, now that the buffers no longer move.
    void publish() {
        const std::string_view all = text;
        request.method_text = all.substr(0, method_size);
        request.target = all.substr(method_size, target_size);
        request.fields.clear();
        for (const auto& place : places) {
            request.fields.push_back({all.substr(place.name, place.name_size),
                                      all.substr(place.name + place.name_size, place.value_size)});
        }
        request.body = body;
    }
};

struct Problem {
    Refusal refusal;
    unsigned status;
};

class Parser final : public beast::basic_parser<true> {
  public:
    Parser(Storage& storage, const RequestParser::Limits& limits)
        : storage_(storage), header_limit_(limits.header) {
        eager(true);
        header_limit(static_cast<std::uint32_t>(limits.header));
        body_limit(limits.body);
    }

    [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }
    [[nodiscard]] bool expects_continue() const { return expects_continue_; }

  private:
    using string_view = boost::beast::string_view;

    void refuse(Refusal refusal, unsigned status, error_code& ec) {
        problem_ = Problem{refusal, status};
        ec = beast::error::bad_field;
    }

    void on_request_impl(beast::verb verb, string_view method, string_view target, int version,
                         error_code&) override {
        storage_.request.method = method_of(verb);
        storage_.request.version = version;
        storage_.text.append(method.data(), method.size()).append(target.data(), target.size());
        storage_.method_size = method.size();
        storage_.target_size = target.size();
    }

    void on_field_impl(beast::field field, string_view name, string_view value, error_code& ec) override {
        if (header_done_) return;  // trailers say nothing that anybody here acts on
        storage_.places.push_back({storage_.text.size(), name.size(), value.size()});
        storage_.text.append(name.data(), name.size()).append(value.data(), value.size());
        // Beast's limit is for what it has not yet consumed: fields that come one by one pass under it.
        if (storage_.text.size() + 4 * storage_.places.size() > header_limit_) {
            return refuse(Refusal::header_too_large, 431, ec);
        }
        const auto single = single_bit(field);
        if ((singles_ & single) != 0) return refuse(Refusal::malformed, 400, ec);
        singles_ |= single;
        if (field == beast::field::transfer_encoding) return check_transfer_encoding(value, ec);
        if (field == beast::field::expect) {
            expects_continue_ = equal_no_case(view(value), "100-continue");
        }
    }

    /// Beast passes over codings that it does not know and then sees no body where another reader sees one.
    void check_transfer_encoding(string_view value, error_code& ec) {
        if (storage_.request.version < 11) return refuse(Refusal::malformed, 400, ec);
        if (!equal_no_case(view(value), "chunked")) refuse(Refusal::not_supported, 501, ec);
    }

    void on_header_impl(error_code& ec) override {
        header_done_ = true;
        if (storage_.request.version < 11) {
            expects_continue_ = false;
        } else if ((singles_ & single_bit(beast::field::host)) == 0) {
            refuse(Refusal::malformed, 400, ec);
        }
    }

    void on_body_init_impl(boost::optional<std::uint64_t> const& size, error_code&) override {
        if (size) storage_.body.reserve(std::min<std::size_t>(*size, body_reserve_max));
    }

    std::size_t on_body_impl(string_view bytes, error_code&) override {
        storage_.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override {
        storage_.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }

    void on_finish_impl(error_code&) override {}
    void on_response_impl(int, string_view, int, error_code&) override {}

    Storage& storage_;
    std::size_t header_limit_;
    unsigned singles_ = 0;  ///< bits of single_bit that were seen
    std::optional<Problem> problem_;
    bool header_done_ = false;
    bool expects_continue_ = false;
};

Problem problem_of(const error_code& ec) {
    if (ec == beast::error::header_limit) return {Refusal::header_too_large, 431};
    if (ec == beast::error::body_limit) return {Refusal::body_too_large, 413};
    if (ec == beast::error::bad_version) return {Refusal::not_supported, 505};
    return {Refusal::malformed, 400};
}

}  // namespace

struct RequestParser::Impl {
    Limits limits;
    Storage storage;
    std::optional<Parser> parser;
    bool begun = false;
    bool first_line_ended = false;
    Problem problem{Refusal::malformed, 400};

    explicit Impl(Limits given) : limits(given) { parser.emplace(storage, limits); }

    /// `rest` begins with the first line, until that has ended: by LF alone?
    bool first_line_lacks_cr(std::string_view rest) {
        const auto end = first_line_ended ? std::string_view::npos : rest.find('\n');
        if (end == std::string_view::npos) return false;
        first_line_ended = true;
        return !rest.substr(0, end).ends_with('\r');
    }
};

RequestParser::RequestParser(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;

RequestParser::Progress RequestParser::feed(std::string_view bytes) {
    auto& parser = *impl_->parser;
    std::size_t used = 0;
    error_code ec;
    while (used < bytes.size() && !parser.is_done()) {
        // Empty lines before a request are the remains of sloppy clients (RFC 9112, 2.2).
        if (!impl_->begun && (bytes[used] == '\r' || bytes[used] == '\n')) {
            ++used;
            continue;
        }
        impl_->begun = true;
        // To Beast, that is a line of a strange version, or one that may yet end, if it comes in pieces.
        if (impl_->first_line_lacks_cr(bytes.substr(used))) {
            impl_->problem = {Refusal::malformed, 400};
            return {State::refused, used};
        }
        // Beast asserts this much at a last chunk that comes in pieces; every chunked message has it left.
        if (parser.is_header_done() && parser.chunked() && bytes.size() - used < last_chunk_bytes) break;
        const auto taken = parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
        used += taken;
        if (ec == beast::error::need_more) {
            if (taken == 0) break;
            ec = {};
            continue;
        }
        if (ec) break;
    }
    if (ec && ec != beast::error::need_more) {
        impl_->problem = parser.problem().value_or(problem_of(ec));
        impl_->storage.publish();
        return {State::refused, used};
    }
    impl_->storage.publish();
    if (parser.is_done()) return {State::complete, used};
    // Chunk headers and trailers are under none of Beast's limits.
    if (bytes.size() - used > impl_->limits.header) {
        impl_->problem = {Refusal::header_too_large, 431};
        return {State::refused, used};
    }
    return {State::incomplete, used};
}

Request& RequestParser::request() { return impl_->storage.request; }
Refusal RequestParser::refusal() const { return impl_->problem.refusal; }
unsigned RequestParser::status() const { return impl_->problem.status; }
bool RequestParser::begun() const { return impl_->begun; }
bool RequestParser::keep_alive() const { return impl_->parser->keep_alive(); }

bool RequestParser::expects_continue() const {
    return impl_->parser->is_header_done() && !impl_->parser->is_done() && impl_->parser->expects_continue();
}

void RequestParser::reset() {
    impl_->storage.clear();
    impl_->parser.emplace(impl_->storage, impl_->limits);
    impl_->begun = impl_->first_line_ended = false;
}

}  // namespace http
