// Validation with Xerces-C++'s SAX2 reader and a pool of grammars.
#include "tests/support/schema_validator.hpp"

#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/framework/XMLGrammarPoolImpl.hpp>
#include <xercesc/sax/SAXParseException.hpp>
#include <xercesc/sax2/DefaultHandler.hpp>
#include <xercesc/sax2/SAX2XMLReader.hpp>
#include <xercesc/sax2/XMLReaderFactory.hpp>
#include <xercesc/util/XMLUni.hpp>

#include <stdexcept>

namespace test {
namespace {

/// Keeps the first complaint.
class Complaints final : public xercesc::DefaultHandler {
  public:
    std::optional<std::string> first;

    void error(const xercesc::SAXParseException& problem) override { keep(problem); }
    void fatalError(const xercesc::SAXParseException& problem) override { keep(problem); }
    /// Nothing is fetched: imports name what was loaded before.
    xercesc::InputSource* resolveEntity(const XMLCh*, const XMLCh*) override {
        static constexpr XMLByte nothing[] = "<none/>";
        return new xercesc::MemBufInputSource(nothing, sizeof nothing - 1, "import");
    }

  private:
    void keep(const xercesc::SAXParseException& problem) {
        if (first) return;
        char* text = xercesc::XMLString::transcode(problem.getMessage());
        first = "line " + std::to_string(problem.getLineNumber()) + ": " + text;
        xercesc::XMLString::release(&text);
    }
};

xercesc::MemBufInputSource source_of(std::string_view text, const char* name) {
    return {reinterpret_cast<const XMLByte*>(text.data()), text.size(), name};
}

}  // namespace

struct SchemaValidator::Impl {
    Complaints complaints;
    xercesc::XMLGrammarPoolImpl pool;
    std::unique_ptr<xercesc::SAX2XMLReader> reader;

    Impl()
        : reader(
              xercesc::XMLReaderFactory::createXMLReader(xercesc::XMLPlatformUtils::fgMemoryManager, &pool)) {
        using xercesc::XMLUni;
        reader->setFeature(XMLUni::fgSAX2CoreValidation, true);
        reader->setFeature(XMLUni::fgXercesDynamic, false);
        reader->setFeature(XMLUni::fgXercesSchema, true);
        reader->setFeature(XMLUni::fgXercesSchemaFullChecking, true);
        reader->setFeature(XMLUni::fgXercesUseCachedGrammarInParse, true);
        reader->setErrorHandler(&complaints);
        reader->setEntityResolver(&complaints);
    }
};

SchemaValidator::SchemaValidator(const std::vector<std::string>& schemas) : impl_(std::make_unique<Impl>()) {
    for (const auto& schema : schemas) {
        const auto source = source_of(schema, "schema");
        impl_->complaints.first.reset();
        impl_->reader->loadGrammar(source, xercesc::Grammar::SchemaGrammarType, true);
        if (impl_->complaints.first) throw std::runtime_error(*impl_->complaints.first + " in\n" + schema);
    }
    impl_->pool.lockPool();
    impl_->reader->setFeature(xercesc::XMLUni::fgXercesLoadSchema, false);
}

SchemaValidator::~SchemaValidator() = default;

std::optional<std::string> SchemaValidator::check(std::string_view document) {
    impl_->complaints.first.reset();
    const auto source = source_of(document, "document");
    impl_->reader->parse(source);
    return impl_->complaints.first;
}

}  // namespace test
