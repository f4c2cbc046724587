// The XML parser, as events: an adapter over Xerces-C++'s SAX2 reader.
#include "frontend/soap/xml_reader.hpp"

#include "frontend/soap/text.hpp"

#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/sax/SAXParseException.hpp>
#include <xercesc/sax2/Attributes.hpp>
#include <xercesc/sax2/DefaultHandler.hpp>
#include <xercesc/sax2/SAX2XMLReader.hpp>
#include <xercesc/sax2/XMLReaderFactory.hpp>
#include <xercesc/util/OutOfMemoryException.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/XMLException.hpp>
#include <xercesc/util/XMLString.hpp>
#include <xercesc/util/XMLUni.hpp>

#include <new>

namespace soap {
namespace {

/// A parser is replaced after this many bytes of namespaces and prefixes: thousands of ordinary messages.
constexpr std::size_t declared_bytes_max = 4U << 20U;

void assign_utf8(const XMLCh* units, std::string& out) {
    out.clear();
    Utf16Decoder().append(units, xercesc::XMLString::stringLen(units), out);
}

bool equals(const XMLCh* units, std::string_view ascii) {
    for (const char c : ascii)
        if (*units++ != static_cast<unsigned char>(c)) return false;
    return *units == 0;
}

class Attributes final : public XmlAttributes {
  public:
    explicit Attributes(const xercesc::Attributes& attributes) : attributes_(&attributes) {}

    [[nodiscard]] std::string find(std::string_view name_space, std::string_view local) const override {
        std::string value;
        for (XMLSize_t i = 0; i < attributes_->getLength(); ++i)
            if (equals(attributes_->getLocalName(i), local) && equals(attributes_->getURI(i), name_space))
                assign_utf8(attributes_->getValue(i), value);
        return value;
    }
    [[nodiscard]] bool empty() const override { return attributes_->getLength() == 0; }

  private:
    const xercesc::Attributes* attributes_;
};

/// Turns Xerces' events into ours.
class Adapter final : public xercesc::DefaultHandler {
  public:
    void reset(XmlEvents& events) {
        events_ = &events;
        text_ = Utf16Decoder();
    }
    [[nodiscard]] std::size_t declared_bytes() const { return declared_bytes_; }

    void startElement(const XMLCh* name_space, const XMLCh* local, const XMLCh*,
                      const xercesc::Attributes& attributes) override {
        assign_utf8(name_space, name_space_);
        assign_utf8(local, local_);
        events_->start(name_space_, local_, Attributes(attributes));
    }
    void endElement(const XMLCh*, const XMLCh*, const XMLCh*) override { events_->end(); }
    void characters(const XMLCh* units, XMLSize_t count) override {
        piece_.clear();
        text_.append(units, count, piece_);
        if (text_.broken()) throw XmlError("a character that XML does not have");
        events_->text(piece_);
    }
    void startPrefixMapping(const XMLCh* prefix, const XMLCh* uri) override {
        declared_bytes_ +=
            sizeof(XMLCh) * (xercesc::XMLString::stringLen(prefix) + xercesc::XMLString::stringLen(uri));
    }
    /// Also an undeclared prefix, which Xerces does not call fatal.
    void error(const xercesc::SAXParseException& problem) override { fatalError(problem); }
    void fatalError(const xercesc::SAXParseException& problem) override {
        std::string message;
        assign_utf8(problem.getMessage(), message);
        throw XmlError("line " + std::to_string(problem.getLineNumber()) + ", column " +
                       std::to_string(problem.getColumnNumber()) + ": " + message);
    }

  private:
    XmlEvents* events_ = nullptr;
    Utf16Decoder text_;
    std::string name_space_, local_, piece_;
    std::size_t declared_bytes_ = 0;
};

std::unique_ptr<xercesc::SAX2XMLReader> make_parser() {
    using xercesc::XMLUni;
    std::unique_ptr<xercesc::SAX2XMLReader> parser(xercesc::XMLReaderFactory::createXMLReader());
    parser->setFeature(XMLUni::fgSAX2CoreValidation, false);
    parser->setFeature(XMLUni::fgXercesDisableDefaultEntityResolution, true);
    // The scanner that checks well-formedness only: no grammars, no DTD.
    parser->setProperty(XMLUni::fgXercesScannerName, const_cast<XMLCh*>(XMLUni::fgWFXMLScanner));
    return parser;
}

}  // namespace

XmlRuntime::XmlRuntime() { xercesc::XMLPlatformUtils::Initialize(); }
XmlRuntime::~XmlRuntime() { xercesc::XMLPlatformUtils::Terminate(); }

struct XmlReader::Impl {
    Impl() : parser(make_parser()), source(nullptr, 0, "message") {
        source.setEncoding(xercesc::XMLUni::fgUTF8EncodingString);
        source.setCopyBufToStream(false);
        parser->setContentHandler(&adapter);
        parser->setErrorHandler(&adapter);
    }
    Adapter adapter;
    std::unique_ptr<xercesc::SAX2XMLReader> parser;
    xercesc::MemBufInputSource source;
};

XmlReader::XmlReader() : impl_(std::make_unique<Impl>()) {}
XmlReader::~XmlReader() = default;

void XmlReader::parse(const Document& document, XmlEvents& events) {
    const std::string_view text = document.text();
    impl_->source.resetMemBufInputSource(reinterpret_cast<const XMLByte*>(text.data()), text.size());
    impl_->adapter.reset(events);
    try {
        impl_->parser->parse(impl_->source);
    } catch (const xercesc::OutOfMemoryException&) {
        throw std::bad_alloc();
    } catch (const xercesc::XMLException& problem) {
        std::string message;
        assign_utf8(problem.getMessage(), message);
        throw XmlError(message);
    }
}

bool XmlReader::worn_out() const { return impl_->adapter.declared_bytes() > declared_bytes_max; }

}  // namespace soap
