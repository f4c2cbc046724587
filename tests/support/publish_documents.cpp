// Writes what the server would publish about every interface, and one envelope of each kind, into a folder:
// for tests that hand them to other people's SOAP clients and validators.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/wsdl.hpp"
#include "payment/amount_messages.hpp"

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

template <class T>
T filled() {
    T message;
    message.end_user = "tel:+15550001";
    message.reference_code = "r-2";
    message.balance_type = "bonus";
    if constexpr (requires { message.original_reference_code; }) message.original_reference_code = "r-1";
    if constexpr (requires { message.charge; }) {
        message.charge = {"song <1> \xF0\x9F\x8E\xB5", "EUR", base::Decimal{15, 1}, {}};
    } else {
        message.amount = base::Decimal{15, 1};
        message.billing_text = "song";
    }
    return message;
}

soap::Message sample_request(const soap::OperationTable& operation) {
    const soap::Type* const type = operation.request;
    if (type == &soap::Describe<payment::ChargeAmount>::type)
        return soap::Message::of(filled<payment::ChargeAmount>());
    if (type == &soap::Describe<payment::RefundAmount>::type)
        return soap::Message::of(filled<payment::RefundAmount>());
    if (type == &soap::Describe<payment::ChargeSplitAmount>::type)
        return soap::Message(*operation.request);  // zeep_payment reads its parts back, from a real server
    if (type == &soap::Describe<payment::ChargeAmountV20>::type)
        return soap::Message::of(filled<payment::ChargeAmountV20>());
    return soap::Message::of(filled<payment::RefundAmountV20>());
}

void write_envelopes(const std::filesystem::path& folder, const soap::Endpoint& endpoint) {
    using soap::SoapVersion;
    const soap::Version& version = *endpoint.version;
    for (const soap::OperationTable& operation : endpoint.interface->operations) {
        if (!operation.versions.contains(version.number)) continue;
        const std::string name(operation.name);
        write(folder / (name + ".request"),
              soap::encode_request(SoapVersion::v1_1, endpoint, operation, sample_request(operation)));
        soap::Request request;
        request.interface = endpoint.interface;
        request.version = &version;
        request.operation = &operation;
        request.local_namespace = version.local;
        request.element = operation.name;
        write(folder / (name + ".response"),
              soap::encode_response(request, soap::Message(*operation.response)));
    }
    for (const auto& fault : {soap::Fault::service("SVC0002", {"amount"}), soap::Fault::policy("POL0008")}) {
        write(folder / (fault.id + ".fault"), soap::encode_fault(SoapVersion::v1_1, &version, fault));
        write(folder / (fault.id + ".fault12"), soap::encode_fault(SoapVersion::v1_2, &version, fault));
    }
}

/// `FOLDER BASE`: files FOLDER/<version>/<interface>/<query>, for addresses BASE/<version>/<interface>.
void publish(const std::filesystem::path& root, const std::string& base) {
    for (const soap::Interface* interface : {&payment::amount_charging}) {
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
