// Writes WSDLs and schemas from the message tables.
#include "frontend/soap/wsdl.hpp"

#include "frontend/soap/exception.hpp"
#include "frontend/soap/sample.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

namespace soap {
namespace {

constexpr std::string_view xsd_namespace = "http://www.w3.org/2001/XMLSchema";
constexpr std::string_view wsdl_namespace = "http://schemas.xmlsoap.org/wsdl/";
constexpr std::string_view wsdl_soap_namespace = "http://schemas.xmlsoap.org/wsdl/soap/";
constexpr std::string_view http_transport = "http://schemas.xmlsoap.org/soap/http";

/// Writes indented elements.
class Writer {
  public:
    using Attributes = std::initializer_list<std::pair<std::string_view, std::string>>;

    void open(std::string name, Attributes attributes = {}) {
        tag(name, attributes, ">\n");
        open_.push_back(std::move(name));
    }
    void empty(std::string_view name, Attributes attributes = {}) { tag(name, attributes, "/>\n"); }
    void close() {
        const std::string name = std::move(open_.back());
        open_.pop_back();
        indent();
        out_.append("</").append(name).append(">\n");
    }
    /// The document; everything must have been closed.
    std::string take() { return std::move(out_); }

  private:
    void indent() { out_.append(2 * open_.size(), ' '); }
    void tag(std::string_view name, Attributes attributes, std::string_view end) {
        indent();
        out_.append("<").append(name);
        for (const auto& [key, value] : attributes) {
            if (value.empty() && key.starts_with("xmlns:")) continue;  // a version without types of its own
            out_.append(" ").append(key).append("=\"");
            append_escaped_attribute(value, out_);
            out_ += '"';
        }
        out_ += end;
    }

    std::string out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    std::vector<std::string> open_;
};

/// Everything about one version that its documents need.
class Description {
  public:
    Description(const Endpoint& endpoint, std::string_view address)
        : interface_(*endpoint.interface), version_(*endpoint.version), address_(address) {
        for (const OperationTable& operation : interface_.operations) {
            if (!operation.versions.contains(version_.number)) continue;
            operations_.push_back(&operation);
            collect_members(*operation.request);
            collect_members(*operation.response);
        }
    }

    [[nodiscard]] std::optional<std::string> document(std::string_view key, std::string_view value) const {
        if (key == "wsdl" && value.empty()) return service_wsdl();
        if (key == "wsdl" && value == "interface") return interface_wsdl();
        if (key == "wsdl" && value == "faults") return faults_wsdl();
        if (key == "xsd" && value == "local") return local_schema();
        if (key == "xsd" && value == "types" && has_types()) return structures_schema(Home::types);
        if (key == "xsd" && value == "common") return structures_schema(Home::common);
        return std::nullopt;
    }

  private:
    // What the operations use

    [[nodiscard]] VersionNumber number_for(const Type& type) const {
        return type.home == Home::common ? version_.common_number : version_.number;
    }

    [[nodiscard]] std::vector<const Field*> fields_of(const Type& type) const {
        std::vector<const Field*> fields;
        for (const Field& field : type.fields)
            if (field.versions.contains(number_for(type))) fields.push_back(&field);
        return fields;
    }

    void collect_members(const Type& type) {
        for (const Field* field : fields_of(type)) {
            if (field->type->kind == Kind::simple ||
                std::ranges::find(structures_, field->type) != structures_.end())
                continue;
            structures_.push_back(field->type);
            collect_members(*field->type);
        }
    }

    [[nodiscard]] bool has_types() const {
        return std::ranges::any_of(structures_, [](const Type* type) { return type->home == Home::types; });
    }

    // Names and places

    [[nodiscard]] std::string url(std::string_view query) const {
        return address_ + "?" + std::string(query);
    }

    [[nodiscard]] std::string_view namespace_of(Home home) const {
        return home == Home::local ? version_.local : home == Home::types ? version_.types : version_.common;
    }

    static std::string qualified(const Type& type) {
        const std::string_view prefix = type.kind == Kind::simple  ? "xsd:"
                                        : type.home == Home::local ? "local:"
                                        : type.home == Home::types ? "types:"
                                                                   : "common:";
        return std::string(prefix) + std::string(type.name);
    }

    [[nodiscard]] std::string message_name(const OperationTable& operation, std::string_view suffix) const {
        return std::string(interface_.name) + "_" + std::string(operation.name) + std::string(suffix);
    }

    // Schemas

    void open_schema(Writer& out, Home home) const {
        const std::string target(namespace_of(home));
        if (home == Home::local)
            out.open("xsd:schema", {{"targetNamespace", target},
                                    {"elementFormDefault", "qualified"},
                                    {"xmlns:xsd", std::string(xsd_namespace)},
                                    {"xmlns:local", std::string(version_.local)},
                                    {"xmlns:types", std::string(version_.types)},
                                    {"xmlns:common", std::string(version_.common)}});
        else
            out.open("xsd:schema", {{"targetNamespace", target},
                                    {"xmlns:xsd", std::string(xsd_namespace)},
                                    {"xmlns:types", std::string(version_.types)},
                                    {"xmlns:common", std::string(version_.common)}});
    }

    void import_schema(Writer& out, Home home) const {
        if (home == Home::types && !has_types()) return;
        out.empty("xsd:import", {{"namespace", std::string(namespace_of(home))},
                                 {"schemaLocation", url(home == Home::types ? "xsd=types" : "xsd=common")}});
    }

    void write_members(Writer& out, const Type& type) const {
        const auto fields = fields_of(type);
        if (fields.empty()) return out.empty("xsd:sequence");
        out.open("xsd:sequence");
        for (const Field* field : fields) {
            const std::string name(field->name);
            const std::string min = std::to_string(field->min);
            const std::string max = field->max == unbounded ? "unbounded" : std::to_string(field->max);
            const std::string type_name = qualified(*field->type);
            if (field->min == 1 && field->max == 1)
                out.empty("xsd:element", {{"name", name}, {"type", type_name}});
            else
                out.empty("xsd:element",
                          {{"name", name}, {"type", type_name}, {"minOccurs", min}, {"maxOccurs", max}});
        }
        out.close();
    }

    void write_structure(Writer& out, const Type& type) const {
        const std::string name(type.name);
        if (type.kind == Kind::enumeration) {
            out.open("xsd:simpleType", {{"name", name}});
            out.open("xsd:restriction", {{"base", "xsd:string"}});
            for (const std::string_view literal : type.literals)
                out.empty("xsd:enumeration", {{"value", std::string(literal)}});
            out.close();
        } else {
            out.open("xsd:complexType", {{"name", name}});
            write_members(out, type);
        }
        out.close();
    }

    void write_structures(Writer& out, Home home) const {
        for (const Type* type : structures_)
            if (type->home == home) write_structure(out, *type);
    }

    void write_wrapper(Writer& out, std::string name, const Type& type) const {
        out.open("xsd:element", {{"name", std::move(name)}});
        out.open("xsd:complexType");
        write_members(out, type);
        out.close();
        out.close();
    }

    void write_local_schema(Writer& out) const {
        open_schema(out, Home::local);
        import_schema(out, Home::types);
        import_schema(out, Home::common);
        write_structures(out, Home::local);
        for (const OperationTable* operation : operations_) {
            write_wrapper(out, std::string(operation->name), *operation->request);
            write_wrapper(out, std::string(operation->name) + "Response", *operation->response);
        }
        out.close();
    }

    [[nodiscard]] std::string local_schema() const {
        Writer out;
        write_local_schema(out);
        return out.take();
    }

    [[nodiscard]] std::string structures_schema(Home home) const {
        Writer out;
        open_schema(out, home);
        if (home == Home::types) import_schema(out, Home::common);
        write_structures(out, home);
        if (home == Home::common) {
            for (const Type* exception : {&service_exception, &policy_exception}) {
                write_structure(out, *exception);
                out.empty("xsd:element",
                          {{"name", std::string(exception->name)}, {"type", qualified(*exception)}});
            }
        }
        out.close();
        return out.take();
    }

    // WSDLs

    void open_definitions(Writer& out, std::string_view part, std::string_view target) const {
        out.open("wsdl:definitions", {{"name", std::string(interface_.file_base) + "_" + std::string(part)},
                                      {"targetNamespace", std::string(target)},
                                      {"xmlns:wsdl", std::string(wsdl_namespace)},
                                      {"xmlns:soap", std::string(wsdl_soap_namespace)},
                                      {"xmlns:xsd", std::string(xsd_namespace)},
                                      {"xmlns:local", std::string(version_.local)},
                                      {"xmlns:common", std::string(version_.common)},
                                      {"xmlns:faults", std::string(version_.faults)},
                                      {"xmlns:interface", std::string(version_.wsdl_interface)},
                                      {"xmlns:service", std::string(version_.wsdl_service)}});
    }

    void write_message(Writer& out, std::string name, std::string part, std::string element) const {
        out.open("wsdl:message", {{"name", std::move(name)}});
        out.empty("wsdl:part", {{"name", std::move(part)}, {"element", std::move(element)}});
        out.close();
    }

    [[nodiscard]] std::string faults_wsdl() const {
        Writer out;
        open_definitions(out, "faults", version_.faults);
        out.open("wsdl:types");
        out.open("xsd:schema");
        import_schema(out, Home::common);
        out.close();
        out.close();
        for (const Type* exception : {&service_exception, &policy_exception})
            write_message(out, std::string(exception->name), std::string(exception->name),
                          qualified(*exception));
        out.close();
        return out.take();
    }

    /// Applications that we call declare no faults, as in the standard's files.
    static bool declares_faults(const OperationTable& operation) { return operation.role == Role::served; }

    [[nodiscard]] std::string interface_wsdl() const {
        Writer out;
        open_definitions(out, "interface", version_.wsdl_interface);
        out.empty("wsdl:import",
                  {{"namespace", std::string(version_.faults)}, {"location", url("wsdl=faults")}});
        out.open("wsdl:types");
        write_local_schema(out);
        out.close();
        for (const OperationTable* operation : operations_) {
            const std::string element = "local:" + std::string(operation->name);
            write_message(out, message_name(*operation, "Request"), "parameters", element);
            write_message(out, message_name(*operation, "Response"), "result", element + "Response");
        }
        out.open("wsdl:portType", {{"name", std::string(interface_.name)}});
        for (const OperationTable* operation : operations_) write_operation(out, *operation);
        out.close();
        out.close();
        return out.take();
    }

    void write_operation(Writer& out, const OperationTable& operation) const {
        out.open("wsdl:operation", {{"name", std::string(operation.name)}});
        out.empty("wsdl:input", {{"message", "interface:" + message_name(operation, "Request")}});
        out.empty("wsdl:output", {{"message", "interface:" + message_name(operation, "Response")}});
        if (declares_faults(operation)) {
            out.empty("wsdl:fault", {{"name", "ServiceException"}, {"message", "faults:ServiceException"}});
            out.empty("wsdl:fault", {{"name", "PolicyException"}, {"message", "faults:PolicyException"}});
        }
        out.close();
    }

    [[nodiscard]] std::string service_wsdl() const {
        const std::string name(interface_.name);
        Writer out;
        open_definitions(out, "service", version_.wsdl_service);
        out.empty("wsdl:import",
                  {{"namespace", std::string(version_.wsdl_interface)}, {"location", url("wsdl=interface")}});
        out.open("wsdl:binding", {{"name", name + "Binding"}, {"type", "interface:" + name}});
        out.empty("soap:binding", {{"style", "document"}, {"transport", std::string(http_transport)}});
        for (const OperationTable* operation : operations_) write_bound_operation(out, *operation);
        out.close();
        out.open("wsdl:service", {{"name", name + "Service"}});
        out.open("wsdl:port", {{"name", name}, {"binding", "service:" + name + "Binding"}});
        out.empty("soap:address", {{"location", address_}});
        out.close();
        out.close();
        out.close();
        return out.take();
    }

    void write_bound_operation(Writer& out, const OperationTable& operation) const {
        const auto body = [&out](std::string name) {
            out.open(std::move(name));
            out.empty("soap:body", {{"use", "literal"}});
            out.close();
        };
        const auto fault = [&out](const std::string& name) {
            out.open("wsdl:fault", {{"name", name}});
            out.empty("soap:fault", {{"name", name}, {"use", "literal"}});
            out.close();
        };
        out.open("wsdl:operation", {{"name", std::string(operation.name)}});
        out.empty("soap:operation", {{"soapAction", ""}, {"style", "document"}});
        body("wsdl:input");
        body("wsdl:output");
        if (declares_faults(operation)) {
            fault("ServiceException");
            fault("PolicyException");
        }
        out.close();
    }

    const Interface& interface_;
    const Version& version_;
    std::string address_;
    std::vector<const OperationTable*> operations_;
    std::vector<const Type*> structures_;
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

}  // namespace

std::optional<std::string> published_document(const Endpoint& endpoint, std::string_view query,
                                              std::string_view address) {
    const std::size_t equals = std::min(query.find('='), query.size());
    const std::string_view value = query.substr(std::min(equals + 1, query.size()));
    const auto key = lower(query.substr(0, equals));
    if (key == "sample") return sample_request(endpoint, value);
    return Description(endpoint, address).document(key, value);
}

}  // namespace soap
