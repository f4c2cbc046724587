// SOAP envelopes: bytes to messages and back, for the server's side and the client's. No sockets and no side
// effects.
#pragma once

#include "frontend/soap/fault.hpp"
#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace soap {

/// What becomes of elements that a message's table does not have.
enum class UnknownElements : std::uint8_t {
    refuse,  ///< SVC0002 with the element's path
    ignore,  ///< they are passed over with all that is in them
};

/// What a message may cost. Beyond any of them it is refused with a Client fault that names the limit.
struct Limits {
    std::size_t bytes_max = 1U << 20U;        ///< the whole message
    std::size_t depth_max = 32;               ///< nested elements, the Envelope counted
    std::size_t elements_max = 4096;          ///< elements in all
    std::size_t attributes_max = 64;          ///< attributes of one element, namespace declarations included
    std::size_t text_bytes_max = 64U << 10U;  ///< the text of one element, as UTF-8
    std::size_t name_bytes_max = 1024;        ///< one name, namespace or attribute value
};

/// The WS-Security UsernameToken (profile 1.0), its parts as literal text: digests are computed over the
/// text.
struct UsernameToken {
    std::string username;
    std::string password;
    std::string password_type;   ///< the Type attribute: …#PasswordText, …#PasswordDigest, or empty
    std::string nonce;           ///< as sent (base64)
    std::string nonce_encoding;  ///< the EncodingType attribute, or empty (then base64 too)
    std::string created;
};

/// The RequestSOAPHeader of SDP gateways (namespaces …/schema/common/v2_1, …/osg/common/v2_1 and the like).
struct RequestSoapHeader {
    std::string sp_id;
    std::string sp_password;
    std::string time_stamp;
    std::string service_id;
    std::string oa;
    std::string fa;
};

/// The header blocks that somebody here reads. Others are ignored unless they must be understood.
struct Headers {
    std::optional<UsernameToken> username_token;
    std::string security_expires;  ///< wsu:Timestamp/wsu:Expires of the Security header, or empty
    std::optional<RequestSoapHeader> request_soap_header;
    std::string message_id;  ///< WS-Addressing MessageID, or empty
};

/// A well-formed, valid request of a known operation.
struct Request {
    SoapVersion soap = SoapVersion::v1_1;
    const Interface* interface = nullptr;
    const Version* version = nullptr;  ///< the listed version that serves it
    const OperationTable* operation = nullptr;
    std::string
        local_namespace;  ///< as the client wrote it; differs from version->local for unlisted minor versions
    std::string_view element;  ///< the operation's name, or the alias that the client used
    Message message;           ///< of type *operation->request
    Headers headers;
};

/// A request that cannot be served, with what is known about how to answer it.
struct Failure {
    Fault fault;
    std::optional<SoapVersion> soap;   ///< nothing when it was refused before its Envelope was known
    const Version* version = nullptr;  ///< null when the message was refused before its operation was known
    const Interface* interface = nullptr;       ///< null until the operation is known
    const OperationTable* operation = nullptr;  ///< null until it is known
    Headers headers;  ///< what had been read; a caller may want to authenticate before it answers
};

/// A client's view of what came back when it was neither a response nor a fault: a proxy's page, nothing,
/// half an envelope. Whether the operation was done is then unknown.
struct Unintelligible {
    std::string reason;        ///< with a bounded, printable excerpt of the body
    bool is_envelope = false;  ///< it has a SOAP Body, though not with what the operation answers
};

using Decoded = std::variant<Request, Failure>;
using Reply = std::variant<Message, Fault, Unintelligible>;

/// Initialises Xerces-C++ and terminates it. One object, owned by app, that outlives every Decoder.
class XmlRuntime {
  public:
    XmlRuntime();
    ~XmlRuntime();
    XmlRuntime(const XmlRuntime&) = delete;
    XmlRuntime& operator=(const XmlRuntime&) = delete;
};

/// Decodes messages. Any thread may call it at any time: parsers are kept in a pool and as many exist as
/// threads have decoded at once.
class Decoder {
  public:
    /// `catalogue` must outlive the decoder; the runtime is named only because it must outlive it too.
    Decoder(const XmlRuntime& runtime, const Catalogue& catalogue, Limits limits = {});
    ~Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    /// A request. `only` restricts it to one version of one interface (a per-interface URL). Never throws for
    /// what is wrong with the bytes.
    [[nodiscard]] Decoded decode(std::string_view bytes, std::optional<Endpoint> only = std::nullopt,
                                 UnknownElements unknown = UnknownElements::refuse) const;

    /// The reply to a request of `operation` that we sent as a client.
    [[nodiscard]] Reply decode_reply(std::string_view bytes, const Endpoint& endpoint,
                                     const OperationTable& operation) const;

    [[nodiscard]] const Limits& limits() const { return limits_; }

  private:
    class Pool;
    const Catalogue* catalogue_;
    Limits limits_;
    std::unique_ptr<Pool> pool_;
};

/// The Content-Type of what the functions below return: `text/xml; charset=utf-8` or `application/soap+xml;
/// …`.
[[nodiscard]] std::string_view content_type(SoapVersion version);

/// The response envelope, in the SOAP version and namespaces of the request. `message` is of the operation's
/// response type (std::logic_error otherwise).
[[nodiscard]] std::string encode_response(const Request& request, const Message& message);

/// A fault envelope. `version` says which common schema the exception's element is of; null: Parlay X 2.1's.
[[nodiscard]] std::string encode_fault(SoapVersion soap, const Version* version, const Fault& fault);

/// A request envelope, for the client's side. `message` is of the operation's request type. It is written in
/// `local_namespace`, that of a minor version which is not listed, or in the endpoint's if that is empty.
[[nodiscard]] std::string encode_request(SoapVersion soap, const Endpoint& endpoint,
                                         const OperationTable& operation, const Message& message,
                                         std::string_view local_namespace = {});

}  // namespace soap
