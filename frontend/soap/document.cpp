// An XML document's bytes before any parser sees them: their encoding, and what must not be in them.
#include "frontend/soap/document.hpp"

#include "base/utf8.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace soap {
namespace {

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

enum class ByteOrder : std::uint8_t { big, little };

/// UTF-16 shows itself by its byte order mark, or by the zero beside the first `<`.
std::optional<ByteOrder> utf16_order(std::string_view bytes) {
    const auto starts = [bytes](char first, char second) {
        return bytes.size() >= 2 && bytes[0] == first && bytes[1] == second;
    };
    if (starts('\xFE', '\xFF') || starts('\0', '<')) return ByteOrder::big;
    if (starts('\xFF', '\xFE') || starts('<', '\0')) return ByteOrder::little;
    return std::nullopt;
}

std::string utf16_to_utf8(std::string_view bytes, ByteOrder order) {
    if (bytes.size() % 2 != 0) throw XmlError("the text is not valid UTF-16");
    std::u16string units(bytes.size() / 2, u'\0');
    for (std::size_t i = 0; i < units.size(); ++i) {
        const auto first = static_cast<unsigned char>(bytes[2 * i]);
        const auto second = static_cast<unsigned char>(bytes[2 * i + 1]);
        units[i] =
            static_cast<char16_t>(order == ByteOrder::big ? first << 8U | second : second << 8U | first);
    }
    std::string out;
    Utf16Decoder decoder;
    decoder.append(units.data(), units.size(), out);
    if (decoder.broken() || decoder.incomplete()) throw XmlError("the text is not valid UTF-16");
    return out;
}

std::string_view without_mark_and_space(std::string_view text) {
    while (true) {
        if (text.starts_with(utf8_mark))
            text.remove_prefix(utf8_mark.size());
        else if (!text.empty() && is_xml_space(text.front()))
            text.remove_prefix(1);
        else
            return text;
    }
}

/// The value of `name="…"` in an XML declaration, or nothing.
std::string_view pseudo_attribute(std::string_view declaration, std::string_view name) {
    std::size_t at = declaration.find(name);
    if (at == std::string_view::npos) return {};
    at = declaration.find_first_not_of(" \t\r\n=", at + name.size());
    if (at == std::string_view::npos || (declaration[at] != '"' && declaration[at] != '\'')) return {};
    const std::size_t end = declaration.find(declaration[at], at + 1);
    return end == std::string_view::npos ? std::string_view{} : declaration.substr(at + 1, end - at - 1);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

template <std::size_t Count>
bool is_one_of(std::string_view name, const std::array<std::string_view, Count>& names) {
    return std::ranges::any_of(names,
                               [name](std::string_view known) { return equals_ignoring_case(name, known); });
}

/// Takes the XML declaration off `text` and returns it; empty when there is none.
std::string_view take_declaration(std::string_view& text) {
    if (!text.starts_with("<?xml") || text.size() < 6 || !is_xml_space(text[5])) return {};
    const std::size_t end = text.find("?>");
    if (end == std::string_view::npos) throw XmlError("the XML declaration does not end");
    const std::string_view declaration = text.substr(0, end);
    text.remove_prefix(end + 2);
    return declaration;
}

/// Walks over the markup without understanding it: enough to see declarations and to count.
class MarkupCheck {
  public:
    MarkupCheck(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

    void run() {
        for (at_ = text_.find('<'); at_ != std::string_view::npos; at_ = text_.find('<', at_)) {
            const std::string_view rest = text_.substr(at_);
            if (rest.starts_with("<!--"))
                skip_past("-->", 4);
            else if (rest.starts_with("<![CDATA["))
                skip_past("]]>", 9);
            else if (rest.starts_with("<!"))
                throw XmlError("document type declarations are refused");
            else if (rest.starts_with("<?"))
                skip_past("?>", 2);
            else if (rest.starts_with("</"))
                skip_past(">", 2);
            else
                check_start_tag();
        }
    }

  private:
    /// Markup that does not end is the parser's to complain about.
    void skip_past(std::string_view end, std::size_t from) {
        const std::size_t found = text_.find(end, at_ + from);
        at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    }

    void check_start_tag() {
        if (++elements_ > limits_.elements_max)
            throw XmlError("more than " + std::to_string(limits_.elements_max) + " elements");
        std::size_t attributes = 0;
        std::size_t part = ++at_;  // where the present name or value began
        const auto check_part = [&] {
            if (at_ - part > limits_.name_bytes_max)
                throw XmlError("a name or attribute value of more than " +
                               std::to_string(limits_.name_bytes_max) + " bytes");
        };
        for (; at_ < text_.size() && text_[at_] != '>'; ++at_) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                part = at_;
                at_ = std::min(text_.find(c, at_ + 1), text_.size());
                check_part();
                part = at_;
            } else if (c == '=') {
                if (++attributes > limits_.attributes_max)
                    throw XmlError("more than " + std::to_string(limits_.attributes_max) +
                                   " attributes in one element");
            }
        }
        check_part();
    }

    std::string_view text_;
    const Limits& limits_;
    std::size_t at_ = 0;
    std::size_t elements_ = 0;
};

}  // namespace

Document::Document(std::string_view bytes, const Limits& limits) {
    if (bytes.size() > limits.bytes_max)
        throw XmlError("the message has more than " + std::to_string(limits.bytes_max) + " bytes");
    const auto order = utf16_order(bytes);
    if (order) bytes = converted_ = utf16_to_utf8(bytes, *order);
    text_ = without_mark_and_space(bytes);
    if (text_.empty()) throw XmlError("the message is empty");

    const std::string_view declaration = take_declaration(text_);
    if (const auto version = pseudo_attribute(declaration, "version"); !version.empty() && version != "1.0")
        throw XmlError("XML of a version other than 1.0");
    const std::string_view encoding = pseudo_attribute(declaration, "encoding");
    static constexpr std::array<std::string_view, 3> latin1{"ISO-8859-1", "ISO_8859-1", "latin1"};
    // Bytes that are plainly no UTF-16 but call themselves so come from programs that made the text as a
    // string first; they are UTF-8.
    static constexpr std::array<std::string_view, 7> utf{"",       "UTF-8",    "UTF8",    "US-ASCII",
                                                         "UTF-16", "UTF-16LE", "UTF-16BE"};
    const bool is_latin1 = !order && is_one_of(encoding, latin1);
    if (!order && !is_latin1 && !is_one_of(encoding, utf))
        complaint_ = "the encoding is none of UTF-8, UTF-16, ISO-8859-1";
    else if (!is_latin1 && !base::is_storable_text(text_))
        complaint_ = "the text is not valid UTF-8";
    if (is_latin1 || !complaint_.empty()) {
        if (text_.find('\0') != std::string_view::npos)
            throw XmlError(is_latin1 ? "the text contains NUL" : complaint_);
        converted_ = base::latin1_to_utf8(text_);
        text_ = converted_;
    }
    MarkupCheck(text_, limits).run();
}

}  // namespace soap
