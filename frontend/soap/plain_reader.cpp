// Reads plain XML documents (Extensible Markup Language 1.0, Namespaces in XML 1.0) in one pass.
#include "frontend/soap/plain_reader.hpp"

#include "frontend/soap/text.hpp"

#include <algorithm>
#include <array>

namespace soap {
namespace {

// What a byte may be part of. The document is known to be UTF-8 without NUL.
constexpr unsigned in_text = 1, in_value = 2, in_name = 4, begins_name = 8;

constexpr std::array<unsigned char, 256> make_classes() {
    std::array<unsigned char, 256> classes{};
    for (std::size_t c = 0x20; c < 0x100; ++c) {
        // U+FFFE and U+FFFF, which XML does not have, begin with EF.
        if (c != '<' && c != '&' && c != 0xEF) classes[c] = c == ']' ? in_value : in_value | in_text;
    }
    classes['\t'] = classes['\n'] = in_text;
    for (std::size_t c = 'a'; c <= 'z'; ++c) {
        classes[c] |= in_name | begins_name;
        classes[c - 'a' + 'A'] |= in_name | begins_name;
    }
    classes['_'] |= in_name | begins_name;
    for (std::size_t c = '0'; c <= '9'; ++c) classes[c] |= in_name;
    classes['-'] |= in_name;
    classes['.'] |= in_name;
    return classes;
}

constexpr auto classes = make_classes();

bool is(char c, unsigned wanted) { return (classes[static_cast<unsigned char>(c)] & wanted) != 0; }

/// How many bytes from `from` on are of that class.
std::size_t run_length(std::string_view bytes, unsigned wanted, std::size_t from = 0) {
    std::size_t end = from;
    while (end < bytes.size() && is(bytes[end], wanted)) ++end;
    return end - from;
}

/// Names and namespaces that begin so have rules of their own.
bool is_reserved_name(std::string_view name) { return name.starts_with("xml"); }
bool is_reserved_namespace(std::string_view name_space) {
    return name_space.starts_with("http://www.w3.org/XML/") ||
           name_space.starts_with("http://www.w3.org/2000/xmlns");
}

}  // namespace

class PlainReader::Attributes final : public XmlAttributes {
  public:
    explicit Attributes(const PlainReader& reader) : reader_(reader) {}

    [[nodiscard]] std::string find(std::string_view name_space, std::string_view local) const override {
        for (const auto& [name, value] : reader_.attributes_) {
            // Without a prefix an attribute is in no namespace, whatever the default is.
            const auto found = name.prefix.empty() ? std::string_view() : *reader_.find(name.prefix);
            if (name.local == local && found == name_space) return std::string(value);
        }
        return {};
    }
    [[nodiscard]] bool empty() const override { return reader_.attributes_.empty(); }

  private:
    const PlainReader& reader_;
};

bool PlainReader::parse(const Document& document, XmlEvents& events) {
    rest_ = document.text();
    open_.clear();
    declarations_.clear();
    take_space();
    do {
        if (!tag(events)) return false;
        if (!open_.empty() && !text(events)) return false;
    } while (!open_.empty());
    take_space();
    return rest_.empty();
}

bool PlainReader::tag(XmlEvents& events) {
    if (!take('<')) return false;
    return take('/') ? end_tag(events) : start_tag(events);
}

bool PlainReader::start_tag(XmlEvents& events) {
    Element element{{}, declarations_.size()};
    if (!take_name(element.name) || !attributes(element.outer_declarations)) return false;
    const bool is_empty = take('/');
    if (!take('>')) return false;
    const auto* name_space = find(element.name.prefix);
    if (name_space == nullptr && !element.name.prefix.empty()) return false;
    open_.push_back(element);
    events.start(name_space == nullptr ? std::string_view() : *name_space, element.name.local,
                 Attributes(*this));
    if (is_empty) close_element(events);
    return true;
}

bool PlainReader::end_tag(XmlEvents& events) {
    Name name;
    if (open_.empty() || !take_name(name) || name != open_.back().name) return false;
    take_space();
    if (!take('>')) return false;
    close_element(events);
    return true;
}

void PlainReader::close_element(XmlEvents& events) {
    declarations_.resize(open_.back().outer_declarations);
    open_.pop_back();
    events.end();
}

/// The attributes and namespace declarations of a start tag.
bool PlainReader::attributes(std::size_t outer_declarations) {
    attributes_.clear();
    while (take_space() && !rest_.empty() && is(rest_.front(), begins_name)) {
        Attribute attribute;
        if (!take_name(attribute.name)) return false;
        take_space();
        if (!take('=')) return false;
        take_space();
        if (!take_value(attribute.value)) return false;
        const auto& [prefix, local] = attribute.name;
        if (prefix == "xmlns" || (prefix.empty() && local == "xmlns")) {
            const auto declared = prefix.empty() ? std::string_view() : local;
            if (!declare(declared, attribute.value, outer_declarations)) return false;
            continue;
        }
        // Two of one name are an error, and so are two prefixes that mean one namespace.
        const bool twice = std::ranges::any_of(
            attributes_, [&](const Attribute& other) { return other.name.local == attribute.name.local; });
        if (twice || is_reserved_name(prefix) || is_reserved_name(local)) return false;
        attributes_.push_back(attribute);
    }
    return std::ranges::all_of(attributes_, [this](const Attribute& attribute) {
        return attribute.name.prefix.empty() || find(attribute.name.prefix) != nullptr;
    });
}

bool PlainReader::declare(std::string_view prefix, std::string_view name_space,
                          std::size_t outer_declarations) {
    if (is_reserved_name(prefix) || is_reserved_namespace(name_space)) return false;
    if (!prefix.empty() && name_space.empty()) return false;
    for (std::size_t i = outer_declarations; i < declarations_.size(); ++i)
        if (declarations_[i].prefix == prefix) return false;
    declarations_.push_back({prefix, name_space});
    return true;
}

const std::string_view* PlainReader::find(std::string_view prefix) const {
    for (auto i = declarations_.size(); i-- > 0;)
        if (declarations_[i].prefix == prefix) return &declarations_[i].name_space;
    return nullptr;
}

/// Up to the next tag. It is told at once, as XmlReader does: a mistake in it comes before it.
bool PlainReader::text(XmlEvents& events) {
    auto piece = take_text();
    if (rest_.empty()) return false;
    if (rest_.front() != '<') {
        text_ = piece;
        while (rest_.front() != '<') {
            if (!entity()) return false;
            text_ += take_text();
            if (rest_.empty()) return false;
        }
        piece = text_;
    }
    if (!piece.empty()) events.text(piece);
    return true;
}

bool PlainReader::entity() {
    struct Predefined {
        std::string_view reference;
        char character;
    };
    static constexpr std::array<Predefined, 5> predefined{
        {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
    for (const auto& [reference, character] : predefined) {
        if (!rest_.starts_with(reference)) continue;
        rest_.remove_prefix(reference.size());
        text_ += character;
        return true;
    }
    return false;
}

bool PlainReader::take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
}

bool PlainReader::take_space() {
    std::size_t size = 0;
    while (size < rest_.size() && is_xml_space(rest_[size])) ++size;
    rest_.remove_prefix(size);
    return size > 0;
}

bool PlainReader::take_name(Name& name) {
    if (rest_.empty() || !is(rest_.front(), begins_name)) return false;
    auto size = run_length(rest_, in_name);
    name = {{}, rest_.substr(0, size)};
    if (size + 1 < rest_.size() && rest_[size] == ':') {
        if (!is(rest_[size + 1], begins_name)) return false;
        const auto local = run_length(rest_, in_name, size + 1);
        name = {rest_.substr(0, size), rest_.substr(size + 1, local)};
        size += 1 + local;
    }
    rest_.remove_prefix(size);
    return true;
}

bool PlainReader::take_value(std::string_view& value) {
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
    const auto end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return false;
    value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return run_length(value, in_value) == value.size();
}

std::string_view PlainReader::take_text() {
    const auto piece = rest_.substr(0, run_length(rest_, in_text));
    rest_.remove_prefix(piece.size());
    return piece;
}

}  // namespace soap
