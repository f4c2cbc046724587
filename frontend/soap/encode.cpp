// Writes envelopes: responses, requests and faults.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/exception.hpp"
#include "frontend/soap/names.hpp"
#include "frontend/soap/text.hpp"

#include <stdexcept>

namespace soap {
namespace {

constexpr std::size_t usual_bytes = 1024;  // one allocation for most envelopes

constexpr std::string_view envelope_start(SoapVersion version) {
    return version == SoapVersion::v1_1 ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope "
                                          "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"
                                        : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope "
                                          "xmlns:soapenv=\"http://www.w3.org/2003/05/soap-envelope\">";
}
constexpr std::string_view body_start = "<soapenv:Body>";
constexpr std::string_view envelope_end = "</soapenv:Body></soapenv:Envelope>";

void append_element(std::string_view name, std::string_view text, std::string& out) {
    out.append("<").append(name).append(">");
    append_escaped(text, out);
    out.append("</").append(name).append(">");
}

void append_value(const Type& type, const void* value, const Version& version, std::string& out);

/// The members of a complex type, those of a /local one in the namespace of prefix loc.
void append_members(const Type& type, const void* object, const Version& version, std::string& out) {
    const std::string_view prefix = type.home == Home::local ? "loc:" : "";
    const VersionNumber number = type.home == Home::common ? version.common_number : version.number;
    for (const Field& field : type.fields) {
        if (!field.versions.contains(number)) continue;
        for (std::size_t i = 0, count = field.count(object); i < count; ++i) {
            out.append("<").append(prefix).append(field.name).append(">");
            append_value(*field.type, field.at(object, i), version, out);
            out.append("</").append(prefix).append(field.name).append(">");
        }
    }
}

void append_value(const Type& type, const void* value, const Version& version, std::string& out) {
    if (type.kind == Kind::complex)
        append_members(type, value, version, out);
    else if (type.storage == detail::storage_id<std::string>)
        append_escaped(*static_cast<const std::string*>(value), out);
    else
        type.print(type, value, out);  // numbers, dates and literals need no escaping
}

std::string message_envelope(SoapVersion soap, const Version& version, std::string_view local_namespace,
                             std::string_view element, std::string_view suffix, const Message& message) {
    std::string out;
    out.reserve(usual_bytes);
    out.append(envelope_start(soap)).append(body_start);
    out.append("<loc:").append(element).append(suffix).append(" xmlns:loc=\"");
    append_escaped_attribute(local_namespace, out);
    const std::size_t tag_end = out.size() + 1;
    out.append("\">");
    append_members(*message.type(), message.data(), version, out);
    if (out.size() == tag_end + 1)
        out.insert(tag_end, "/");
    else
        out.append("</loc:").append(element).append(suffix).append(">");
    out.append(envelope_end);
    return out;
}

void check_type(const Message& message, const Type& expected, std::string_view operation) {
    if (!message.type() || message.type()->storage != expected.storage)
        throw std::logic_error("a message that does not belong to " + std::string(operation));
}

std::string_view fault_code(SoapVersion soap, const Fault& fault) {
    switch (fault.kind) {
        case Fault::Kind::must_understand:
            return "soapenv:MustUnderstand";
        case Fault::Kind::version_mismatch:
            return "soapenv:VersionMismatch";
        default:
            break;
    }
    const bool client = fault.blame() == Blame::client;
    if (soap == SoapVersion::v1_1) return client ? "soapenv:Client" : "soapenv:Server";
    return client ? "soapenv:Sender" : "soapenv:Receiver";
}

/// The content of detail: one element of the common schema. Nothing for plain faults.
void append_exception(const Version* version, const Fault& fault, std::string& out) {
    const Type& type = fault.kind == Fault::Kind::policy ? policy_exception : service_exception;
    const std::string_view common = version ? version->common : names::parlayx_common_2_1;
    const ExceptionDetail detail{fault.id, fault.text, fault.variables};
    static constexpr Version none{};  // the exceptions are the same in all versions
    out.append("<common:").append(type.name).append(" xmlns:common=\"").append(common).append("\">");
    append_members(type, &detail, version ? *version : none, out);
    out.append("</common:").append(type.name).append(">");
}

void append_fault_1_1(const Version* version, const Fault& fault, std::string& out) {
    out += "<soapenv:Fault>";
    append_element("faultcode", fault_code(SoapVersion::v1_1, fault), out);
    append_element("faultstring", fault.faultstring(), out);
    if (fault.is_exception()) {
        out += "<detail>";
        append_exception(version, fault, out);
        out += "</detail>";
    }
    out += "</soapenv:Fault>";
}

void append_fault_1_2(const Version* version, const Fault& fault, std::string& out) {
    out += "<soapenv:Fault><soapenv:Code>";
    append_element("soapenv:Value", fault_code(SoapVersion::v1_2, fault), out);
    out += "</soapenv:Code><soapenv:Reason><soapenv:Text xml:lang=\"en\">";
    append_escaped(fault.faultstring(), out);
    out += "</soapenv:Text></soapenv:Reason>";
    if (fault.is_exception()) {
        out += "<soapenv:Detail>";
        append_exception(version, fault, out);
        out += "</soapenv:Detail>";
    }
    out += "</soapenv:Fault>";
}

/// SOAP 1.2 part 1, 5.4.8: names the header block that was not understood.
void append_not_understood(const Fault& fault, std::string& out) {
    const bool qualified = !fault.header_namespace.empty();  // no prefix can stand for no namespace
    out.append("<soapenv:Header><soapenv:NotUnderstood qname=\"").append(qualified ? "ns:" : "");
    append_escaped_attribute(fault.header_name, out);
    if (qualified) {
        out += "\" xmlns:ns=\"";
        append_escaped_attribute(fault.header_namespace, out);
    }
    out += "\"/></soapenv:Header>";
}

}  // namespace

std::string_view content_type(SoapVersion version) {
    return version == SoapVersion::v1_1 ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
}

std::string encode_response(const Request& request, const Message& message) {
    check_type(message, *request.operation->response, request.operation->name);
    return message_envelope(request.soap, *request.version, request.local_namespace, request.element,
                            "Response", message);
}

std::string encode_request(SoapVersion soap, const Endpoint& endpoint, const OperationTable& operation,
                           const Message& message, std::string_view local_namespace) {
    check_type(message, *operation.request, operation.name);
    if (local_namespace.empty()) local_namespace = endpoint.version->local;
    return message_envelope(soap, *endpoint.version, local_namespace, operation.name, "", message);
}

std::string encode_fault(SoapVersion soap, const Version* version, const Fault& fault) {
    std::string out;
    out.reserve(usual_bytes);
    out += envelope_start(soap);
    if (soap == SoapVersion::v1_2 && fault.kind == Fault::Kind::must_understand)
        append_not_understood(fault, out);
    out += body_start;
    if (soap == SoapVersion::v1_1)
        append_fault_1_1(version, fault, out);
    else
        append_fault_1_2(version, fault, out);
    out += envelope_end;
    return out;
}

}  // namespace soap
