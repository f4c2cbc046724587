// The table of message identifiers, and what follows from it.
#include "frontend/soap/fault.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace soap {
namespace {

// The standard does not say whom to blame. What the same client can mend by sending something else is the
// client's.
constexpr std::array table{
    // ES 202 391-1, clause 10
    MessageId{"SVC0001", "A service error occurred. Error code is %1", 1, Blame::server},
    MessageId{"SVC0002", "Invalid input value for message part %1", 1, Blame::client},
    MessageId{"SVC0003", "Invalid input value for message part %1, valid values are %2", 2, Blame::client},
    MessageId{"SVC0004", "No valid addresses provided in message part %1", 1, Blame::client},
    MessageId{"SVC0005", "Correlator %1 specified in message part %2 is a duplicate", 2, Blame::client},
    MessageId{"SVC0006", "Group %1 in message part %2 is not a valid group", 2, Blame::client},
    MessageId{"SVC0007", "Invalid charging information", 0, Blame::client},
    MessageId{"SVC0008", "Overlapped Criteria %1", 1, Blame::client},
    MessageId{"POL0001", "A policy error occurred. Error code is %1", 1, Blame::server},
    MessageId{"POL0002", "Privacy verification failed for address %1, request is refused", 1, Blame::server},
    MessageId{"POL0003", "Too many addresses specified in message part %1", 1, Blame::client},
    MessageId{"POL0004", "Unlimited notification request not supported", 0, Blame::client},
    MessageId{"POL0005", "Too many notifications requested", 0, Blame::client},
    MessageId{"POL0006", "Group specified in message part %1 not allowed", 1, Blame::client},
    MessageId{"POL0007", "Nested group specified in message part %1 not allowed", 1, Blame::client},
    MessageId{"POL0008", "Charging is not supported", 0, Blame::server},
    MessageId{"POL0009", "Invalid frequency requested", 0, Blame::client},
    // ES 202 391-7: Account Management
    MessageId{"SVC0250", "End user authentication failed.", 0, Blame::client},
    MessageId{"SVC0251", "Voucher %1 is not valid.", 1, Blame::client, true},
    MessageId{"POL0220", "Vouchers not accepted.", 0, Blame::server},
    // ES 202 504-1
    MessageId{"POL0011", "Media type not supported", 0, Blame::client},
    // ES 202 391-2: Third Party Call
    MessageId{"SVC0260", "Call has already been connected, it cannot be cancelled", 0, Blame::server},
    MessageId{"SVC0261", "Call has already been terminated", 0, Blame::server},
    // ES 202 391-6: Payment
    MessageId{"SVC0270", "Charging operation failed, the charge was not applied", 0, Blame::server},
};

Fault exception(Fault::Kind kind, std::string_view prefix, std::string_view id,
                std::vector<std::string> variables) {
    const MessageId* known = find_message_id(id);
    if (!known || !id.starts_with(prefix) || known->variables != variables.size())
        throw std::logic_error("no fault " + std::string(id) + " with " + std::to_string(variables.size()) +
                               " variables");
    Fault fault;
    fault.kind = kind;
    fault.id = id;
    fault.text = known->text;
    fault.variables = std::move(variables);
    return fault;
}

Fault plain(Fault::Kind kind, std::string reason) {
    Fault fault;
    fault.kind = kind;
    fault.text = std::move(reason);
    return fault;
}

/// `%1` … `%9` replaced by the variables that exist.
std::string fill_in(std::string_view text, const std::vector<std::string>& variables) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 1 < text.size() && text[at + 1] >= '1' && text[at + 1] <= '9') {
            const auto index = static_cast<std::size_t>(text[at + 1] - '1');
            if (index < variables.size()) {
                out += variables[index];
                ++at;
                continue;
            }
        }
        out += text[at];
    }
    return out;
}

}  // namespace

std::span<const MessageId> message_ids() { return table; }

const MessageId* find_message_id(std::string_view id) {
    const auto* const found = std::ranges::find(table, id, &MessageId::id);
    return found == table.end() ? nullptr : found;
}

Fault Fault::service(std::string_view id, std::vector<std::string> variables) {
    return exception(Kind::service, "SVC", id, std::move(variables));
}

Fault Fault::policy(std::string_view id, std::vector<std::string> variables) {
    return exception(Kind::policy, "POL", id, std::move(variables));
}

Fault Fault::client(std::string reason) { return plain(Kind::client, std::move(reason)); }

Fault Fault::server(std::string reason) { return plain(Kind::server, std::move(reason)); }

Blame Fault::blame() const {
    if (!is_exception()) return kind == Kind::server ? Blame::server : Blame::client;
    const MessageId* known = find_message_id(id);
    return known ? known->blame : Blame::server;
}

std::string Fault::faultstring() const {
    return is_exception() ? id + ": " + fill_in(text, variables) : text;
}

std::string Fault::log_text() const {
    const MessageId* known = is_exception() ? find_message_id(id) : nullptr;
    return known && known->secret ? id + ": " + text : faultstring();
}

int http_status(SoapVersion version, const Fault& fault) {
    // MustUnderstand and VersionMismatch stay 500 in SOAP 1.2 too.
    const bool sender = fault.is_exception() || fault.kind == Fault::Kind::client;
    return version == SoapVersion::v1_2 && sender && fault.blame() == Blame::client ? 400 : 500;
}

}  // namespace soap
