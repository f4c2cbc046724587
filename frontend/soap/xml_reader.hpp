// The XML parser, as events. Xerces-C++ stands behind it and shows nowhere else.
#pragma once

#include "frontend/soap/document.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace soap {

/// The attributes of one element.
class XmlAttributes {
  public:
    virtual ~XmlAttributes() = default;
    /// The value of an attribute, white space normalised; empty when it is absent.
    [[nodiscard]] virtual std::string find(std::string_view name_space, std::string_view local) const = 0;
    [[nodiscard]] virtual bool empty() const = 0;  ///< namespace declarations do not count
};

/// Who is told what a document contains, in its order. Names and text are UTF-8, valid until the function
/// returns. Whatever these functions throw ends the parse and reaches its caller.
class XmlEvents {
  public:
    virtual ~XmlEvents() = default;
    virtual void start(std::string_view name_space, std::string_view local,
                       const XmlAttributes& attributes) = 0;
    /// Character data and CDATA sections; one text may come in several pieces, cut anywhere between
    /// characters.
    virtual void text(std::string_view piece) = 0;
    virtual void end() = 0;
};

/// One parser, for one thread at a time, for any number of documents. Needs XmlRuntime.
class XmlReader {
  public:
    XmlReader();
    ~XmlReader();
    XmlReader(const XmlReader&) = delete;
    XmlReader& operator=(const XmlReader&) = delete;

    /// Parses a whole document. Throws XmlError (with line and column) when it is not well-formed, and what
    /// `events` throws.
    void parse(const Document& document, XmlEvents& events);

    /// The parser keeps every namespace and prefix that it ever saw, so that it grows with what clients
    /// invent. True when it has seen enough to be replaced by a new one.
    [[nodiscard]] bool worn_out() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace soap
