// Writes what the server would publish about every interface, and one envelope of each kind, into a folder:
// for tests that hand them to other people's SOAP clients and validators.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/wsdl.hpp"
#include "payment/interfaces.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path.string());
}

/// A value of every simple type that messages have.
std::string sample_text(const soap::Type& type) {
    if (type.kind == soap::Kind::enumeration) return std::string(type.literals.front());
    if (&type == &soap::xsd::string) return "song <1> \xF0\x9F\x8E\xB5";
    if (&type == &soap::xsd::any_uri) return "tel:+15550001";
    if (&type == &soap::xsd::decimal) return "1.50";
    if (&type == &soap::xsd::boolean) return "true";
    if (&type == &soap::xsd::date_time) return "2026-01-02T03:04:05Z";
    return "42";
}

/// Gives every field of this version one occurrence.
void fill(const soap::Type& type, void* object, const soap::Version& version) {
    const auto number = type.home == soap::Home::common ? version.common_number : version.number;
    for (const soap::Field& field : type.fields) {
        if (!field.versions.contains(number)) continue;
        void* const value = field.add(object);
        if (field.type->kind == soap::Kind::complex)
            fill(*field.type, value, version);
        else if (!field.type->parse(*field.type, value, sample_text(*field.type)))
            throw std::logic_error("no sample of " + std::string(field.type->name));
    }
}

soap::Message sample(const soap::Type& type, const soap::Version& version) {
    soap::Message message(type);
    fill(type, message.data(), version);
    return message;
}

void write_envelopes(const std::filesystem::path& folder, const soap::Endpoint& endpoint) {
    using soap::SoapVersion;
    const soap::Version& version = *endpoint.version;
    for (const soap::OperationTable& operation : endpoint.interface->operations) {
        if (!operation.versions.contains(version.number)) continue;
        const std::string name(operation.name);
        write(folder / (name + ".request"), soap::encode_request(SoapVersion::v1_1, endpoint, operation,
                                                                 sample(*operation.request, version)));
        soap::Request request;
        request.interface = endpoint.interface;
        request.version = &version;
        request.operation = &operation;
        request.local_namespace = version.local;
        request.element = operation.name;
        write(folder / (name + ".response"),
              soap::encode_response(request, sample(*operation.response, version)));
    }
    for (const auto& fault : {soap::Fault::service("SVC0002", {"amount"}), soap::Fault::policy("POL0008")}) {
        write(folder / (fault.id + ".fault"), soap::encode_fault(SoapVersion::v1_1, &version, fault));
        write(folder / (fault.id + ".fault12"), soap::encode_fault(SoapVersion::v1_2, &version, fault));
    }
}

/// `FOLDER BASE`: files FOLDER/<version>/<interface>/<query>, for addresses BASE/<version>/<interface>.
void publish(const std::filesystem::path& root, const std::string& base) {
    for (const soap::Interface* interface : payment::interfaces) {
        for (const soap::Version& version : interface->versions) {
            const auto path = std::filesystem::path(version.name) / interface->name;
            std::filesystem::create_directories(root / path);
            for (const char* query :
                 {"wsdl", "wsdl=interface", "wsdl=faults", "xsd=local", "xsd=types", "xsd=common"})
                if (const auto text =
                        soap::published_document({interface, &version}, query, base + "/" + path.string()))
                    write(root / path / query, *text);
            write_envelopes(root / path, {interface, &version});
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: publish_documents FOLDER BASE-URL\n";
        return 2;
    }
    try {
        publish(argv[1], argv[2]);
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
