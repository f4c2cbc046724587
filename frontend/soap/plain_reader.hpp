// Reads plain XML documents, which nearly all messages are, without Xerces: several times as fast.
#pragma once

#include "frontend/soap/xml_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace soap {

/// One reader, for one thread at a time, for any number of documents.
///
/// Plain are: elements and attributes with ASCII names, namespaces, text, and the five predefined entities in
/// text. Everything else is left to XmlReader: comments, CDATA sections, processing instructions, character
/// references, carriage returns, `]` in text, references and line ends in attributes, names that begin with
/// `xml` (xmlns apart), and every document that is not well-formed.
class PlainReader {
  public:
    /// True: `events` got what XmlReader would have told. False: the document is not plain; what `events` got
    /// is the beginning of that, and XmlReader must read the document anew. Throws what `events` throws.
    [[nodiscard]] bool parse(const Document& document, XmlEvents& events);

  private:
    struct Name {
        std::string_view prefix, local;
        bool operator==(const Name&) const = default;
    };
    struct Attribute {
        Name name;
        std::string_view value;
    };
    struct Declaration {
        std::string_view prefix, name_space;
    };
    struct Element {
        Name name;
        std::size_t outer_declarations;  ///< of how many declarations_ are from outside of it
    };
    class Attributes;

    bool tag(XmlEvents& events);
    bool start_tag(XmlEvents& events);
    bool end_tag(XmlEvents& events);
    bool attributes(std::size_t outer_declarations);
    bool declare(std::string_view prefix, std::string_view name_space, std::size_t outer_declarations);
    bool text(XmlEvents& events);
    bool entity();

    bool take(char c);
    bool take_space();
    bool take_name(Name& name);
    bool take_value(std::string_view& value);
    std::string_view take_text();
    void close_element(XmlEvents& events);
    /// Null: the prefix is not declared.
    [[nodiscard]] const std::string_view* find(std::string_view prefix) const;

    std::string_view rest_;  ///< what has not been read
    std::vector<Element> open_;
    std::vector<Declaration> declarations_;
    std::vector<Attribute> attributes_;  ///< of the present element
    std::string text_;
};

}  // namespace soap
