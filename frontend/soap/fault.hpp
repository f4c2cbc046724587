// Faults: the Parlay X message identifiers with their exact texts, and the plain SOAP faults beside them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace soap {

enum class SoapVersion : std::uint8_t { v1_1, v1_2 };

/// Whose doing a fault is: faultcode Client/Server (SOAP 1.1), Sender/Receiver (SOAP 1.2).
enum class Blame : std::uint8_t { client, server };

/// One row of the fault definitions (ES 202 391-1 clause 10, and clause 9 of the service parts).
struct MessageId {
    std::string_view id;    ///< SVC0002, POL0001, …
    std::string_view text;  ///< with %1, %2 in place
    std::size_t variables;  ///< how many the text takes
    Blame blame;
    bool secret = false;  ///< the variables may be secrets of the client: they stay out of logs
};

[[nodiscard]] std::span<const MessageId> message_ids();
/// Null for an id that is not in the table.
[[nodiscard]] const MessageId* find_message_id(std::string_view id);

/// Why an operation was not done, as the client is told.
struct Fault {
    enum class Kind : std::uint8_t {
        service,           ///< detail is a ServiceException
        policy,            ///< detail is a PolicyException
        client,            ///< plain SOAP fault: the message is at fault
        server,            ///< plain SOAP fault: the server is at fault
        must_understand,   ///< a header that must be understood is not
        version_mismatch,  ///< the envelope is of no SOAP version that we speak
    };

    Kind kind = Kind::server;
    std::string id;    ///< of service and policy exceptions; otherwise empty
    std::string text;  ///< of exceptions with %1, %2 in place; of plain faults the reason
    std::vector<std::string> variables;
    /// The namespace and name of the header that was not understood (must_understand, for SOAP 1.2's
    /// NotUnderstood).
    std::string header_namespace, header_name;

    /// A ServiceException by its id; std::logic_error when the table does not have it as SVC with as many
    /// variables.
    [[nodiscard]] static Fault service(std::string_view id, std::vector<std::string> variables = {});
    /// A PolicyException by its id; the same for POL.
    [[nodiscard]] static Fault policy(std::string_view id, std::vector<std::string> variables = {});
    [[nodiscard]] static Fault client(std::string reason);
    [[nodiscard]] static Fault server(std::string reason);

    [[nodiscard]] bool is_exception() const { return kind == Kind::service || kind == Kind::policy; }
    [[nodiscard]] Blame blame() const;
    /// What faultstring says: `SVC0002: Invalid input value for message part amount`; the reason of plain
    /// faults.
    [[nodiscard]] std::string faultstring() const;
    /// The same for logs: without variables that may be secrets.
    [[nodiscard]] std::string log_text() const;
    bool operator==(const Fault&) const = default;
};

/// The HTTP status that carries a fault: SOAP 1.1 always 500 (6.2 of the SOAP 1.1 note; clients parse no
/// other), SOAP 1.2 400 when the sender is to blame (SOAP 1.2 part 2, 7.5.2.2), else 500.
[[nodiscard]] int http_status(SoapVersion version, const Fault& fault);

}  // namespace soap
