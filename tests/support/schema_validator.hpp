// Xerces-C++ as a validator: what somebody else's schema processor says of a message, by the schemas that we
// publish.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// Holds schemas and validates documents by them. Not for several threads. Needs a soap::XmlRuntime.
class SchemaValidator {
  public:
    /// Schema documents, each after those that it imports. Throws std::runtime_error with what Xerces says of
    /// them.
    explicit SchemaValidator(const std::vector<std::string>& schemas);
    ~SchemaValidator();
    SchemaValidator(const SchemaValidator&) = delete;
    SchemaValidator& operator=(const SchemaValidator&) = delete;

    /// What is wrong with a document first; nothing when it is valid.
    [[nodiscard]] std::optional<std::string> check(std::string_view document);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace test
