// Reads the SOAP frame, and requests in it.
#include "frontend/soap/envelope_reader.hpp"

#include "frontend/soap/names.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>

namespace soap {
namespace {

[[noreturn]] void refuse(std::string reason) { throw Refusal{Fault::client(std::move(reason))}; }

std::string qualified(std::string_view name_space, std::string_view local) {
    return "{" + std::string(name_space) + "}" + std::string(local);
}

/// What is said to whoever speaks a version that is not served; nothing where no interface is meant.
std::string other_versions(const Catalogue& catalogue, std::string_view name_space) {
    const auto is_of = [name_space](const Version& version) {
        return with_version(name_space, version.number) == version.local;
    };
    const auto& all = catalogue.interfaces();
    const auto found = std::ranges::find_if(all, [&is_of](const Interface* interface) {
        return std::ranges::any_of(interface->versions, is_of);
    });
    if (found == all.end()) return {};
    std::string names;
    for (const Version& version : (*found)->versions)
        names.append(names.empty() ? "" : ", ").append(version.name);
    return "; " + std::string((*found)->name) + " has the versions " + names;
}

}  // namespace

void EnvelopeReader::reset_envelope() {
    soap_ = SoapVersion::v1_1;
    depth_ = 0;
    section_ = Section::none;
    has_envelope_ = has_header_ = has_body_ = has_child_ = false;
}

void EnvelopeReader::start(std::string_view name_space, std::string_view local,
                           const XmlAttributes& attributes) {
    if (++depth_ > limits_->depth_max)
        refuse("elements nested more than " + std::to_string(limits_->depth_max) + " deep");
    if (depth_ == 1)
        start_envelope(name_space, local);
    else if (depth_ == 2)
        start_section(name_space, local);
    else if (section_ == Section::header)
        header_start(name_space, local, attributes);
    else if (depth_ == 3)
        start_body_child(name_space, local);
    else
        body_start(name_space, local, attributes);
}

void EnvelopeReader::start_envelope(std::string_view name_space, std::string_view local) {
    if (local != "Envelope") refuse("the document is no SOAP envelope but " + qualified(name_space, local));
    has_envelope_ = true;
    if (name_space == names::envelope_1_2) {
        soap_ = SoapVersion::v1_2;
    } else if (name_space != names::envelope_1_1) {
        Fault fault;
        fault.kind = Fault::Kind::version_mismatch;
        fault.text =
            "an envelope of namespace " + std::string(name_space) + " is neither SOAP 1.1 nor SOAP 1.2";
        throw Refusal{std::move(fault)};
    }
}

void EnvelopeReader::start_section(std::string_view name_space, std::string_view local) {
    const bool is_soap = name_space == names::envelope(soap_);
    if (is_soap && local == "Header" && !has_header_ && !has_body_) {
        section_ = Section::header;
        has_header_ = true;
        header_begins();
    } else if (is_soap && local == "Body" && !has_body_) {
        section_ = Section::body;
        has_body_ = true;
    } else {
        refuse("unexpected " + qualified(name_space, local) +
               " in the Envelope: it has one Header at most, then one Body");
    }
}

void EnvelopeReader::start_body_child(std::string_view name_space, std::string_view local) {
    if (has_child_) refuse("more than one element in the Body");
    has_child_ = true;
    body_child(name_space, local);
}

void EnvelopeReader::text(std::string_view piece) {
    if (depth_ > 2 && section_ == Section::header)
        header_text(piece);
    else if (depth_ > 2)
        body_text(piece);
    else if (!std::ranges::all_of(piece, is_xml_space))
        refuse("text outside of the message");
}

void EnvelopeReader::end() {
    if (depth_ > 2 && section_ == Section::header)
        header_end();
    else if (depth_ > 2)
        body_end();
    --depth_;
}

void EnvelopeReader::check_complete() const {
    if (!has_body_) refuse("the Envelope has no Body");
    if (!has_child_) refuse("the Body is empty");
}

void RequestReader::reset(const Catalogue& catalogue, const std::optional<Endpoint>& only,
                          UnknownElements unknown) {
    message_.set_unknown_elements(unknown);
    reset_envelope();
    header_.reset(SoapVersion::v1_1);
    catalogue_ = &catalogue;
    only_ = only;
    request_ = Request{};
    if (only_) request_.version = only_->version;
}

Endpoint RequestReader::find_endpoint(std::string_view name_space, std::string_view local) {
    const auto found = catalogue_->resolve(name_space);
    if (!found)
        refuse("no service has an operation " + qualified(name_space, local) +
               other_versions(*catalogue_, name_space));
    request_.version = found->version;
    if (only_ && *found != *only_)
        refuse(qualified(name_space, local) + " belongs to " + std::string(found->interface->name) + " " +
               std::string(found->version->name) + "; this address serves " +
               std::string(only_->interface->name) + " " + std::string(only_->version->name));
    return *found;
}

void RequestReader::body_child(std::string_view name_space, std::string_view local) {
    header_.check_understood();
    const Endpoint endpoint = find_endpoint(name_space, local);
    const OperationTable* operation = endpoint.interface->find(*endpoint.version, local);
    if (!operation || operation->role != Role::served)
        refuse(std::string(endpoint.interface->name) + " " + std::string(endpoint.version->name) +
               " has no operation " + qualified(name_space, local));
    const auto alias = std::ranges::find(operation->aliases, local);
    request_.interface = endpoint.interface;
    request_.operation = operation;
    request_.local_namespace = name_space;
    request_.element = alias == operation->aliases.end() ? operation->name : *alias;
    request_.message = Message(*operation->request);
    message_.begin(*operation->request, request_.message.data(), request_.element, request_.local_namespace,
                   *endpoint.version);
}

Request RequestReader::take_request() {
    request_.soap = soap();
    request_.headers = std::move(header_.headers());
    return std::move(request_);
}

Failure RequestReader::take_failure(Fault fault) {
    const auto envelope = has_envelope() ? std::optional(soap()) : std::nullopt;
    return {std::move(fault),   envelope,           request_.version,
            request_.interface, request_.operation, std::move(header_.headers())};
}

}  // namespace soap
