// An XML document's bytes before any parser sees them: their encoding, and what must not be in them.
#pragma once

#include "frontend/soap/envelope.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace soap {

/// The bytes are no XML document that we read; what() says why, for the client.
class XmlError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// A document as UTF-8, without byte order mark, leading white space and XML declaration. Points into the
/// caller's bytes, or into its own when they had to be converted.
class Document {
  public:
    /// Finds out the encoding (UTF-8, UTF-16, ISO-8859-1), converts and checks. Refuses document type
    /// declarations wherever they stand, and more markup than `limits` allow. Throws XmlError.
    ///
    /// Looking here first is what keeps the parser safe: it never sees a DTD, so there are no entities to
    /// expand; and its cost, quadratic in the attributes of an element, is bounded.
    Document(std::string_view bytes, const Limits& limits);
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    [[nodiscard]] std::string_view text() const { return text_; }

    /// What is wrong with its encoding; empty: nothing. Such a document is read as if it were ISO-8859-1, in
    /// which markup is what it is in nearly all others: its sender is known then, and can be told.
    [[nodiscard]] const std::string& complaint() const { return complaint_; }

  private:
    std::string complaint_;
    std::string converted_;
    std::string_view text_;
};

}  // namespace soap
