// zlib, with limits.
#include "frontend/http/gzip.hpp"

#include "frontend/http/message.hpp"
#include "frontend/http/trimmed.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace http {
namespace {

constexpr std::size_t step_bytes = 16UL * 1024;
constexpr int gzip_frame = 16;  // added to the window's bits

/// zlib reads through a pointer that is not const, and writes nothing there.
Bytef* input(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

class Inflater {
  public:
    explicit Inflater(int window_bits) {
        if (inflateInit2(&stream_, window_bits) != Z_OK) throw std::bad_alloc();
    }
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    std::variant<std::string, UnpackError> run(std::string_view body, std::size_t limit) {
        std::string out;
        stream_.next_in = input(body);
        stream_.avail_in = static_cast<uInt>(body.size());
        for (int state = Z_OK; state != Z_STREAM_END;) {
            const auto before = out.size();
            out.resize(before + step_bytes);
            stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
            stream_.avail_out = step_bytes;
            state = inflate(&stream_, Z_NO_FLUSH);
            out.resize(out.size() - stream_.avail_out);
            if (out.size() > limit) return UnpackError::too_large;
            if (state != Z_OK && state != Z_STREAM_END) return UnpackError::broken;
            if (state == Z_OK && stream_.avail_in == 0 && stream_.avail_out != 0) return UnpackError::broken;
        }
        if (stream_.avail_in != 0) return UnpackError::broken;
        return out;
    }

  private:
    z_stream stream_{};
};

/// RFC 1950: the first two bytes of a zlib frame are a multiple of 31, with method 8.
bool has_zlib_frame(std::string_view body) {
    if (body.size() < 2) return false;
    const auto first = static_cast<unsigned char>(body[0]);
    const auto second = static_cast<unsigned char>(body[1]);
    return (first & 15U) == 8 && (first * 256U + second) % 31 == 0;
}

}  // namespace

std::variant<std::string, UnpackError> unpack(std::string_view coding, std::string_view body,
                                              std::size_t limit) {
    if (equal_no_case(coding, "gzip") || equal_no_case(coding, "x-gzip")) {
        return Inflater(MAX_WBITS + gzip_frame).run(body, limit);
    }
    if (!equal_no_case(coding, "deflate")) return UnpackError::unknown_coding;
    return Inflater(has_zlib_frame(body) ? MAX_WBITS : -MAX_WBITS).run(body, limit);
}

std::string gzip(std::string_view body) {
    z_stream stream{};
    // The fastest level and a small window: answers are short, and setting up a large one costs more than it
    // saves.
    const int window_bits = body.size() < 4096 ? 12 : MAX_WBITS;
    if (deflateInit2(&stream, 1, Z_DEFLATED, window_bits + gzip_frame, 6, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    std::string out(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
    stream.next_in = input(body);
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

bool accepts_gzip(std::string_view accept_encoding) {
    while (!accept_encoding.empty()) {
        const auto comma = std::min(accept_encoding.find(','), accept_encoding.size());
        const auto item = accept_encoding.substr(0, comma);
        accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
        const auto mark = std::min(item.find(';'), item.size());
        const auto name = trimmed(item.substr(0, mark));
        if (!equal_no_case(name, "gzip") && !equal_no_case(name, "x-gzip") && name != "*") continue;
        // `q=0`, `q=0.0`, … say no (RFC 9110, 12.4.2).
        const auto quality = item.find("q=");
        if (quality == std::string_view::npos) return true;
        return trimmed(item.substr(quality + 2)).find_first_not_of("0.") != std::string_view::npos;
    }
    return false;
}

}  // namespace http
