// Reads the SOAP header: credentials and identifiers are kept as text, everything else is passed over, unless
// the sender insists that it be understood.
#include "frontend/soap/header_reader.hpp"

#include "frontend/soap/message_reader.hpp"
#include "frontend/soap/names.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>
#include <array>

namespace soap {
namespace {

/// WS-Security 1.0, and the drafts that gateways of the time spoke.
constexpr std::array<std::string_view, 5> security_namespaces{
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "http://schemas.xmlsoap.org/ws/2003/06/secext",
    "http://schemas.xmlsoap.org/ws/2002/12/secext",
    "http://schemas.xmlsoap.org/ws/2002/07/secext",
    "http://schemas.xmlsoap.org/ws/2002/04/secext",
};
constexpr std::array<std::string_view, 2> addressing_namespaces{
    "http://www.w3.org/2005/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
};
/// Where replies go when they go back on the connection that the request came on.
constexpr std::array<std::string_view, 2> anonymous_addresses{
    "http://www.w3.org/2005/08/addressing/anonymous",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
};
/// The roles that the last receiver plays (SOAP 1.1 4.2.2, SOAP 1.2 part 1, 2.2); absence means it too.
constexpr std::array<std::string_view, 4> our_roles{
    "",
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
};

template <std::size_t Count>
bool is_one_of(std::string_view text, const std::array<std::string_view, Count>& list) {
    return std::ranges::find(list, text) != list.end();
}

bool is_true(std::string_view value) { return value == "1" || value == "true"; }

}  // namespace

void HeaderReader::reset(SoapVersion soap) {
    soap_ = soap;
    headers_ = Headers{};
    not_understood_.reset();
    depth_ = 0;
}

void HeaderReader::start(std::string_view name_space, std::string_view local,
                         const XmlAttributes& attributes) {
    target_ = nullptr;
    ++depth_;
    if (depth_ == 1) return start_block(name_space, local, attributes);
    if (block_ == Block::security) return start_security_part(local, attributes);
    if (block_ == Block::request_soap_header && depth_ == 2) return keep_text_in_request_soap_header(local);
    if (block_ == Block::reply_address && depth_ == 2 && local == "Address") target_ = &reply_address_;
}

void HeaderReader::start_block(std::string_view name_space, std::string_view local,
                               const XmlAttributes& attributes) {
    const std::string_view envelope = names::envelope(soap_);
    const bool is_for_us =
        attributes.empty() ||
        is_one_of(attributes.find(envelope, soap_ == SoapVersion::v1_1 ? "actor" : "role"), our_roles);
    must_understand_ =
        is_for_us && !attributes.empty() && is_true(attributes.find(envelope, "mustUnderstand"));
    block_namespace_ = name_space;
    block_name_ = local;
    block_ = Block::other;
    in_username_token_ = in_timestamp_ = false;
    if (!is_for_us) return;

    bool is_understood = true;
    if (local == "Security" && is_one_of(name_space, security_namespaces)) {
        block_ = Block::security;
    } else if (local == "RequestSOAPHeader") {
        // Every gateway has its own namespace for it; the name is unmistakable.
        if (headers_.request_soap_header) throw Refusal{Fault::client("more than one RequestSOAPHeader")};
        headers_.request_soap_header.emplace();
        block_ = Block::request_soap_header;
    } else if (is_one_of(name_space, addressing_namespaces)) {
        if (local == "MessageID") {
            block_ = Block::message_id;
            headers_.message_id.clear();
            target_ = &headers_.message_id;
        } else if (local == "ReplyTo" || local == "FaultTo") {
            block_ = Block::reply_address;
            reply_address_.clear();
        }
    } else {
        is_understood = false;
    }
    if (must_understand_ && !is_understood) note_not_understood();
}

/// `part`: the one of the block that is not, where the others are.
void HeaderReader::note_not_understood(std::string_view part) {
    if (not_understood_) return;
    auto& fault = not_understood_.emplace();
    fault.kind = Fault::Kind::must_understand;
    fault.text = "the header " + block_name_ + " of namespace " + block_namespace_ + " is not understood";
    if (!part.empty()) fault.text.append("; nothing here verifies its ").append(part);
    fault.header_namespace = block_namespace_;
    fault.header_name = block_name_;
}

void HeaderReader::check_understood() const {
    if (not_understood_) throw Refusal{*not_understood_};
}

void HeaderReader::start_security_part(std::string_view local, const XmlAttributes& attributes) {
    if (depth_ == 2) {
        in_username_token_ = local == "UsernameToken";
        in_timestamp_ = local == "Timestamp";
        // Signatures, encryption and other tokens: nothing here verifies them.
        if (must_understand_ && !in_username_token_ && !in_timestamp_) note_not_understood(local);
        if (!in_username_token_) return;
        // With two, one layer could check the one and another believe the other.
        if (headers_.username_token) throw Refusal{Fault::client("more than one UsernameToken")};
        headers_.username_token.emplace();
    } else if (depth_ == 3 && in_timestamp_ && local == "Expires") {
        target_ = &headers_.security_expires;
    } else if (depth_ == 3 && in_username_token_) {
        UsernameToken& token = *headers_.username_token;
        if (local == "Username") {
            target_ = &token.username;
        } else if (local == "Password") {
            token.password_type = attributes.find("", "Type");
            target_ = &token.password;
        } else if (local == "Nonce") {
            token.nonce_encoding = attributes.find("", "EncodingType");
            target_ = &token.nonce;
        } else if (local == "Created") {
            target_ = &token.created;
        }
        if (target_ && !target_->empty())
            throw Refusal{Fault::client("more than one " + std::string(local) + " in a UsernameToken")};
    }
}

void HeaderReader::keep_text_in_request_soap_header(std::string_view local) {
    RequestSoapHeader& header = *headers_.request_soap_header;
    if (local == "spId")
        target_ = &header.sp_id;
    else if (local == "spPassword")
        target_ = &header.sp_password;
    else if (local == "timeStamp")
        target_ = &header.time_stamp;
    else if (local == "serviceId")
        target_ = &header.service_id;
    else if (local == "OA")
        target_ = &header.oa;
    else if (local == "FA")
        target_ = &header.fa;
    if (target_ && !target_->empty())
        throw Refusal{Fault::client("more than one " + std::string(local) + " in a RequestSOAPHeader")};
}

void HeaderReader::text(std::string_view piece) {
    if (!target_) return;
    if (target_->size() + piece.size() > limits_->text_bytes_max)
        throw Refusal{
            Fault::client("a header of more than " + std::to_string(limits_->text_bytes_max) + " bytes")};
    *target_ += piece;
}

void HeaderReader::end() {
    // A password may begin with a space; nothing else here does on purpose.
    const bool is_password = headers_.username_token && target_ == &headers_.username_token->password;
    if (target_ && !is_password) *target_ = std::string(trim(*target_));
    target_ = nullptr;
    if (depth_ == 1 && block_ == Block::reply_address && must_understand_ &&
        !is_one_of(reply_address_, anonymous_addresses))
        note_not_understood();
    --depth_;
}

}  // namespace soap
