// Any bytes as a SOAP message: as a request, as the reply to one of ours. Neither reader of XML tells what
// the other does not, and what was understood is the same after it was written and read again.
#include "app/interfaces.hpp"
#include "frontend/soap/document.hpp"
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/plain_reader.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/support/xml_recorder.hpp"

#include <optional>
#include <string>
#include <variant>

namespace {

/// Made once: what a server keeps as long as it runs.
struct World {
    soap::XmlRuntime runtime;
    soap::Limits limits;
    soap::Catalogue catalogue{app::published_interfaces()};
    soap::Decoder decoder{runtime, catalogue, limits};
    soap::PlainReader plain;
    soap::XmlReader xerces;
};

World& world() {
    static World world;
    return world;
}

/// Of a whole HTTP request the body: what real clients have sent is kept so (tests/clients/quirks).
std::string_view message_in(std::string_view bytes) {
    if (!bytes.starts_with("POST ")) return bytes;
    for (const std::string_view blank : {"\r\n\r\n", "\n\n"}) {
        const auto end = bytes.find(blank);
        if (end != std::string_view::npos) return bytes.substr(end + blank.size());
    }
    return bytes;
}

bool is_well_formed(const soap::Document& document, soap::XmlEvents& events) {
    try {
        world().xerces.parse(document, events);
    } catch (const soap::XmlError&) {
        return false;
    }
    return true;
}

void readers_agree(std::string_view bytes) {
    std::optional<soap::Document> document;
    try {
        document.emplace(bytes, world().limits);
    } catch (const soap::XmlError&) {
        return;
    }
    tests::XmlRecorder by_plain, by_xerces;
    const bool plain = world().plain.parse(*document, by_plain);
    const bool well_formed = is_well_formed(*document, by_xerces);
    if (plain) {
        fuzz::require(well_formed, "what the plain reader accepts is well-formed");
        fuzz::require(by_plain.told == by_xerces.told, "both readers tell the same");
    } else {
        fuzz::require(by_xerces.told.starts_with(by_plain.told), "the plain reader tells the beginning");
    }
}

void request_survives(std::string_view bytes) {
    const auto decoded = world().decoder.decode(bytes);
    if (const auto* failure = std::get_if<soap::Failure>(&decoded)) {
        const auto soap = failure->soap.value_or(soap::SoapVersion::v1_1);
        const auto text = soap::encode_fault(soap, failure->version, failure->fault);
        tests::XmlRecorder ignored;
        fuzz::require(is_well_formed({text, world().limits}, ignored), "a fault is well-formed");
        return;
    }
    const auto& request = std::get<soap::Request>(decoded);
    const soap::Endpoint endpoint{request.interface, request.version};
    const auto written = soap::encode_request(request.soap, endpoint, *request.operation, request.message,
                                              request.local_namespace);
    const auto again = world().decoder.decode(written);
    const auto* const same = std::get_if<soap::Request>(&again);
    fuzz::require(same != nullptr && same->operation == request.operation, "what we write we understand");
    fuzz::require(soap::encode_request(same->soap, endpoint, *same->operation, same->message,
                                       same->local_namespace) == written,
                  "what was read is written as it was");
}

void reply_is_bounded(std::string_view bytes) {
    static const auto endpoint = world().catalogue.find("v2_1", "AmountCharging").value();
    static const auto* const operation = endpoint.interface->find(*endpoint.version, "chargeAmount");
    const auto reply = world().decoder.decode_reply(bytes, endpoint, *operation);
    if (const auto* garbage = std::get_if<soap::Unintelligible>(&reply))
        fuzz::require(garbage->reason.size() < 1024, "the excerpt of what is no reply is bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = message_in({reinterpret_cast<const char*>(data), size});
    readers_agree(bytes);
    request_survives(bytes);
    reply_is_bounded(bytes);
    return 0;
}
