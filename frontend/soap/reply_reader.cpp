// Reads replies to our own requests: the response, or a fault of either SOAP version.
#include "frontend/soap/reply_reader.hpp"

#include "frontend/soap/names.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>

namespace soap {
namespace {

bool is_message_id(std::string_view text) {
    return text.size() == 7 && (text.starts_with("SVC") || text.starts_with("POL")) &&
           std::ranges::all_of(text.substr(3), [](char c) { return c >= '0' && c <= '9'; });
}

Fault::Kind kind_of_id(std::string_view id) {
    return id.starts_with("POL") ? Fault::Kind::policy : Fault::Kind::service;
}

/// `soapenv:Client` and SOAP 1.2's `env:Sender`, with any prefix.
Fault::Kind kind_of_code(std::string_view code) {
    code.remove_prefix(code.find(':') == std::string_view::npos ? 0 : code.find(':') + 1);
    if (code == "MustUnderstand") return Fault::Kind::must_understand;
    if (code == "VersionMismatch") return Fault::Kind::version_mismatch;
    return code == "Sender" || code.starts_with("Client") ? Fault::Kind::client : Fault::Kind::server;
}

}  // namespace

void ReplyReader::reset(const Endpoint& endpoint, const OperationTable& operation) {
    reset_envelope();
    endpoint_ = endpoint;
    operation_ = &operation;
    response_ = Message();
    is_fault_ = false;
    path_.clear();
    fault_ = Fault{};
    code_.clear();
    reason_.clear();
    target_ = nullptr;
}

void ReplyReader::body_child(std::string_view name_space, std::string_view local) {
    if (local == "Fault" && name_space == names::envelope(soap())) {
        is_fault_ = true;
        return;
    }
    element_ = std::string(operation_->name) + "Response";
    if (local != element_)
        throw Refusal{Fault::client("the Body has " + std::string(local) + " instead of " + element_)};
    // The answer of another edition answers another question; a version that there is none of is a slip.
    const auto number = version_in(name_space);
    const bool other_edition =
        number && number->major != endpoint_.version->number.major &&
        std::ranges::any_of(endpoint_.interface->versions, [&number](const Version& version) {
            return version.number.major == number->major;
        });
    if (other_edition) throw Refusal{Fault::client(element_ + " is one of " + std::string(name_space))};
    name_space_ = name_space;
    response_ = Message(*operation_->response);
    message_.begin(*operation_->response, response_.data(), element_, name_space_, *endpoint_.version);
}

void ReplyReader::body_start(std::string_view name_space, std::string_view local,
                             const XmlAttributes& attributes) {
    if (is_fault_)
        start_in_fault(local);
    else
        message_.start(name_space, local, attributes);
}

void ReplyReader::start_in_fault(std::string_view local) {
    path_.emplace_back(local);
    target_ = nullptr;
    const auto& path = path_;
    const auto under = [&path](std::string_view first, std::string_view last) {
        return path.size() == 2 && path[0] == first && path[1] == last;
    };
    const bool in_detail = path[0] == "detail" || path[0] == "Detail";
    const bool is_exception =
        path.size() >= 2 && (path[1] == "ServiceException" || path[1] == "PolicyException");
    if (path.size() == 1 && local == "faultcode")
        target_ = &code_;
    else if (path.size() == 1 && local == "faultstring")
        target_ = &reason_;
    else if (under("Code", "Value"))
        target_ = &code_;
    else if (under("Reason", "Text") && reason_.empty())
        target_ = &reason_;
    else if (in_detail && is_exception && path.size() == 3 && local == "messageId")
        target_ = &fault_.id;
    else if (in_detail && is_exception && path.size() == 3 && local == "text")
        target_ = &fault_.text;
    else if (in_detail && is_exception && path.size() == 3 && local == "variables")
        target_ = &fault_.variables.emplace_back();
}

void ReplyReader::body_text(std::string_view piece) {
    if (!is_fault_) return message_.text(piece);
    if (target_ && target_->size() + piece.size() <= limits_->text_bytes_max) *target_ += piece;
}

void ReplyReader::body_end() {
    if (!is_fault_) {
        (void)message_.end();
        return;
    }
    target_ = nullptr;
    if (!path_.empty()) path_.pop_back();  // empty: the end of Fault itself
}

Reply ReplyReader::take_reply() {
    if (!is_fault_) return std::move(response_);
    fault_.id = trim(fault_.id);
    const std::string code(trim(code_));
    if (fault_.id.empty() && is_message_id(code)) fault_.id = code;  // a habit of some gateways
    if (!fault_.id.empty()) {
        fault_.kind = kind_of_id(fault_.id);
        if (fault_.text.empty()) fault_.text = reason_;
    } else {
        fault_.kind = kind_of_code(code);
        fault_.text = reason_;
    }
    return std::move(fault_);
}

}  // namespace soap
