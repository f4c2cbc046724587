// MIME's framing (RFC 2046, 5.1.1), read once from front to back.
#include "frontend/http/multipart.hpp"

#include "frontend/http/message.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace http {
namespace {

constexpr auto npos = std::string_view::npos;
/// RFC 2046, 5.1.1. A longer one would also make it dear to look for.
constexpr std::size_t boundary_max = 70;

/// Stays a view into `text`, even where nothing is left.
std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == npos) return text.substr(0, 0);
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Takes what is before the next `;` outside of quotes off `text`.
std::string_view next_parameter(std::string_view& text) {
    bool quoted = false;
    std::size_t at = 0;
    for (; at < text.size() && (quoted || text[at] != ';'); ++at) {
        if (text[at] == '"')
            quoted = !quoted;
        else if (quoted && text[at] == '\\')
            ++at;
    }
    const auto parameter = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return trimmed(parameter);
}

std::string without_quotes(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
    std::string text;
    for (std::size_t at = 1; at + 1 < value.size(); ++at) {
        if (value[at] == '\\' && at + 2 < value.size()) ++at;
        text += value[at];
    }
    return text;
}

/// A parameter of a header's value, without quotes; empty: it has none.
std::string parameter(std::string_view value, std::string_view name) {
    next_parameter(value);  // the media type
    while (!value.empty()) {
        const auto one = next_parameter(value);
        const auto equals = one.find('=');
        if (equals != npos && equal_no_case(trimmed(one.substr(0, equals)), name))
            return without_quotes(trimmed(one.substr(equals + 1)));
    }
    return {};
}

/// Content-IDs stand in angle brackets, which `start` often lacks.
std::string_view without_brackets(std::string_view id) {
    const bool in_brackets = id.size() >= 2 && id.front() == '<' && id.back() == '>';
    return in_brackets ? id.substr(1, id.size() - 2) : id;
}

/// Takes a line and its end off `text`.
std::string_view next_line(std::string_view& text) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

struct RawPart {
    std::string_view type, id, encoding, body;
};

/// `text` is all that is between two delimiters, header first.
RawPart read_part(std::string_view text) {
    RawPart part;
    std::string_view* value = nullptr;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (line.empty()) break;
        if (line.front() == ' ' || line.front() == '\t') {  // goes on with the line before
            if (value == nullptr) continue;
            const auto begin = value->data();
            *value = trimmed({begin, static_cast<std::size_t>(line.data() + line.size() - begin)});
            continue;
        }
        const auto colon = line.find(':');
        const auto name = trimmed(line.substr(0, colon));
        value = equal_no_case(name, "Content-Type")                ? &part.type
                : equal_no_case(name, "Content-ID")                ? &part.id
                : equal_no_case(name, "Content-Transfer-Encoding") ? &part.encoding
                                                                   : nullptr;
        if (value != nullptr) *value = trimmed(line.substr(std::min(colon, line.size() - 1) + 1));
    }
    part.body = text;
    return part;
}

/// What is behind a delimiter. Else it is the beginning of something longer.
bool ends_delimiter(std::string_view behind) {
    constexpr std::string_view ends = " \t\r\n";
    return behind.empty() || ends.find(behind.front()) != npos || behind.starts_with("--");
}

/// The parts of a package, one after the other.
class Parts {
  public:
    Parts(std::string_view boundary, std::string_view body)
        : delimiter_("--" + std::string(boundary)), rest_(body) {
        if (!up_to_delimiter()) rest_ = {};  // what is before the first one means nothing
    }

    /// Null: there is no further part, or not all of it.
    std::optional<RawPart> next() {
        if (rest_.starts_with("--")) return std::nullopt;
        next_line(rest_);  // white space behind the delimiter
        const auto text = up_to_delimiter();
        if (!text) return std::nullopt;
        return read_part(*text);
    }

  private:
    /// What is before the next line that begins with the delimiter, without the line break, which belongs to
    /// the delimiter; then `rest_` is what follows it.
    std::optional<std::string_view> up_to_delimiter() {
        for (std::size_t at = rest_.find(delimiter_); at != npos; at = rest_.find(delimiter_, at + 1)) {
            const auto behind = rest_.substr(at + delimiter_.size());
            if ((at != 0 && rest_[at - 1] != '\n') || !ends_delimiter(behind)) continue;
            auto text = rest_.substr(0, at);
            if (text.ends_with('\n')) text.remove_suffix(1);
            if (text.ends_with('\r')) text.remove_suffix(1);
            rest_ = behind;
            return text;
        }
        return std::nullopt;
    }

    std::string delimiter_;
    std::string_view rest_;
};

bool leaves_bytes_alone(std::string_view encoding) {
    constexpr std::array<std::string_view, 4> known{"", "7bit", "8bit", "binary"};
    return std::ranges::any_of(known, [&](auto one) { return equal_no_case(encoding, one); });
}

}  // namespace

bool is_package(std::string_view content_type) {
    return equal_no_case(next_parameter(content_type), "multipart/related");
}

std::variant<Part, PackageError> root_part(std::string_view content_type, std::string_view body) {
    const auto boundary = parameter(content_type, "boundary");
    if (boundary.empty() || boundary.size() > boundary_max) return PackageError::broken;
    const auto start = parameter(content_type, "start");
    Parts parts(boundary, body);
    while (const auto part = parts.next()) {
        if (!start.empty() && without_brackets(part->id) != without_brackets(start)) continue;
        if (!leaves_bytes_alone(part->encoding)) return PackageError::unknown_encoding;
        return Part{part->type, part->body};
    }
    return PackageError::broken;
}

}  // namespace http
