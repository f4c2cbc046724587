// Fills one message from the events inside its element, as its table says.
#include "frontend/soap/message_reader.hpp"

#include "frontend/soap/text.hpp"

#include <algorithm>

namespace soap {
namespace {

constexpr std::string_view xsi = "http://www.w3.org/2001/XMLSchema-instance";
constexpr std::size_t not_found = static_cast<std::size_t>(-1);

bool is_nil(const XmlAttributes& attributes) {
    if (attributes.empty()) return false;
    const std::string value = attributes.find(xsi, "nil");
    return value == "true" || value == "1";
}

/// An empty element is none: some clients send every element, the unused ones empty. But in a list of texts
/// an empty one is one: the variable of a fault, an address that is a mistake.
bool is_none_if_empty(const Field& field) {
    const bool list = field.min == 0 && field.max > 1;
    return field.may_be_absent || (list && field.type->storage != detail::storage_id<std::string>);
}

bool is_blank(std::string_view text) { return std::ranges::all_of(text, is_xml_space); }

/// The whiteSpace facet `collapse`.
void collapse(std::string& text) {
    std::string_view trimmed = trim(text);
    if (trimmed.size() == text.size() && std::ranges::none_of(text, is_xml_space)) return;
    std::string out;
    for (const char c : trimmed) {
        if (!is_xml_space(c))
            out += c;
        else if (out.back() != ' ')
            out += ' ';
    }
    text = std::move(out);
}

std::string list_of(std::span<const std::string_view> literals) {
    std::string out;
    for (const std::string_view literal : literals) out.append(out.empty() ? "" : ", ").append(literal);
    return out;
}

}  // namespace

void MessageReader::begin(const Type& type, void* object, std::string_view element,
                          std::string_view name_space, const Version& version) {
    version_ = &version;
    element_ = element;
    name_space_ = name_space;
    types_.clear();
    if (name_space != version.local)
        if (const auto number = version_in(name_space)) types_ = with_version(version.types, *number);
    frames_.clear();
    counts_.clear();
    push(&type, object, nullptr, nullptr);
}

void MessageReader::push(const Type* type, void* object, const Field* field, void* parent) {
    frames_.push_back({type, object, field, parent, counts_.size(), false, false, false});
    if (type) counts_.resize(counts_.size() + type->fields.size());
    text_.clear();
}

bool MessageReader::is_known_namespace(std::string_view name_space) const {
    return name_space.empty() || name_space == name_space_ || name_space == version_->local ||
           name_space == version_->types || name_space == version_->common || name_space == types_;
}

VersionNumber MessageReader::number_for(const Type& type) const {
    return type.home == Home::common ? version_->common_number : version_->number;
}

std::size_t MessageReader::find_field(const Type& type, std::string_view local) const {
    const VersionNumber number = number_for(type);
    for (std::size_t i = 0; i < type.fields.size(); ++i)
        if (type.fields[i].name == local && type.fields[i].versions.contains(number)) return i;
    return not_found;
}

void MessageReader::start(std::string_view name_space, std::string_view local,
                          const XmlAttributes& attributes) {
    Frame& top = frames_.back();
    if (!top.object && !top.is_nil)
        return push(nullptr, nullptr, nullptr, nullptr);  // inside what is skipped
    if (top.is_nil || top.type->kind != Kind::complex) refuse(top.is_nil ? "" : local);
    top.has_children = true;
    // Where the standard's names are uncertain its namespaces are, too: what is passed over would be lost.
    const bool certain = top.type->unknown == UnknownChildren::refused;
    const bool may_be_ours = !certain || is_known_namespace(name_space);
    const std::size_t index = may_be_ours ? find_field(*top.type, local) : not_found;
    if (index != not_found) {
        top.has_known = true;
        return start_field(index, attributes);
    }
    if (certain && unknown_elements_ == UnknownElements::refuse) refuse(local);
    push(nullptr, nullptr, nullptr, nullptr);
}

void MessageReader::start_field(std::size_t index, const XmlAttributes& attributes) {
    const Frame& top = frames_.back();
    const Field& field = top.type->fields[index];
    if (is_nil(attributes)) {
        push(field.type, nullptr, &field, top.object);
        frames_.back().is_nil = true;
        return;
    }
    std::uint32_t& count = counts_[top.counts + index];
    if (count >= field.max && !field.join) refuse(field.name);
    // A joined text is one value: further occurrences go to where the first one is.
    void* const object = count > 0 && field.join && field.count(top.object) > 0
                             ? const_cast<void*>(field.at(top.object, 0))
                             : field.add(top.object);
    ++count;
    push(field.type, object, &field, top.object);
}

void MessageReader::text(std::string_view piece) {
    Frame& top = frames_.back();
    if (top.object && top.type->kind != Kind::complex) {
        check_text_size(text_.size() + piece.size());
        text_ += piece;
    } else if ((top.object || top.is_nil) && !is_blank(piece)) {
        refuse();
    }
}

void MessageReader::check_text_size(std::size_t size) const {
    if (size > limits_->text_bytes_max)
        throw Refusal{Fault::client("message part " + path() + " has more than " +
                                    std::to_string(limits_->text_bytes_max) + " bytes")};
}

bool MessageReader::end() {
    const Frame frame = frames_.back();
    if (frame.object) {
        if (frame.type->kind == Kind::complex)
            finish_complex(frame);
        else
            finish_simple(frame);
    }
    frames_.pop_back();
    counts_.resize(frame.counts);
    text_.clear();
    return frames_.empty();
}

void MessageReader::finish_simple(const Frame& frame) {
    const Type& type = *frame.type;
    const Field& field = *frame.field;
    if (!type.preserve_space) collapse(text_);
    if (is_none_if_empty(field) && is_blank(text_)) {
        if (!field.join || static_cast<std::string*>(frame.object)->empty()) field.drop(frame.parent);
        return;
    }
    // A referenceCode of spaces would be one key, and each later charge by it the first one again.
    if (is_blank(text_)) text_.clear();
    if (field.join) {
        auto& joined = *static_cast<std::string*>(frame.object);
        if (!joined.empty() && !text_.empty()) joined += "; ";
        check_text_size(joined.size() + text_.size());
        joined += text_;
    } else if (!type.parse(type, frame.object, text_)) {
        if (type.kind == Kind::enumeration)
            throw Refusal{Fault::service("SVC0003", {path(), list_of(type.literals)})};
        refuse();
    }
}

void MessageReader::finish_complex(const Frame& frame) {
    if (frame.field && is_none_if_empty(*frame.field) && !frame.has_children)
        return frame.field->drop(frame.parent);
    if (frame.type->unknown == UnknownChildren::skipped_beside_known && frame.has_children &&
        !frame.has_known)
        refuse();
    const VersionNumber number = number_for(*frame.type);
    for (std::size_t i = 0; i < frame.type->fields.size(); ++i) {
        const Field& field = frame.type->fields[i];
        if (counts_[frame.counts + i] < field.min && field.versions.contains(number)) refuse(field.name);
    }
}

std::string MessageReader::path(std::string_view last) const {
    std::string out;
    const auto append = [&out](std::string_view name) {
        if (!out.empty()) out += '.';
        out += name;
    };
    for (const Frame& frame : frames_)
        if (frame.field) append(frame.field->name);
    if (!last.empty()) append(last);
    if (out.empty()) out = element_;
    return out;
}

void MessageReader::refuse(std::string_view last) const {
    throw Refusal{Fault::service("SVC0002", {path(last)})};
}

}  // namespace soap
