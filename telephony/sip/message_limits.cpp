// In front of the stack's parser: what is too long is an error before it is read.
#include "telephony/sip/message_limits.hpp"

#include <dlfcn.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sip {
namespace {

/// What is there of a message's head, and not read yet.
std::string_view unread_head(msg_t* message) {
    if (::msg_get_flags(message, MSG_FLG_BODY | MSG_FLG_COMPLETE) != 0) return {};
    std::string_view text(static_cast<const char*>(::msg_buf_committed_data(message)),
                          ::msg_buf_committed(message));
    const auto first = text.find_first_not_of(" \t\r\n");
    // Space in front of the first line is nobody's.
    if (::msg_get_flags(message, MSG_FLG_HEADERS) == 0 && first != std::string_view::npos)
        text.remove_prefix(first);
    return text;
}

struct Size {
    std::size_t bytes = 0;
    std::size_t lines = 0;  ///< that have ended
};

/// Up to the empty line, or to where it is too long. Lines end in CR, LF, or both, as the stack sees them.
Size size_of(std::string_view head) {
    Size size;
    bool empty = true;
    while (size.bytes < head.size() && size.bytes <= head_bytes_max && size.lines <= head_lines_max) {
        const char next = head[size.bytes++];
        if (next != '\r' && next != '\n') {
            empty = false;
            continue;
        }
        if (next == '\r' && size.bytes < head.size() && head[size.bytes] == '\n') ++size.bytes;
        if (empty) break;
        ++size.lines;
        empty = true;
    }
    return size;
}

/// Lines of a message's head that the stack has read; the message keeps them where it keeps something of its
/// user's, who else is nobody.
std::size_t read_lines(msg_t* message) {
    return reinterpret_cast<std::uintptr_t>(::msg_object(message)->msg_user);
}

void keep_read_lines(msg_t* message, std::size_t lines) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    ::msg_object(message)->msg_user = reinterpret_cast<void*>(lines);
}

/// Answers go where a request came from: a Via's maddr (RFC 3261, 18.2.2) is for multicast. The stack would
/// let anybody send them to anybody by it, and wait there for a name's address; and where it can't send the
/// answer to an INVITE, its ACK ends the program.
void forget_detour(msg_t* message) {
    const auto* sip = ::sip_object(message);
    if (sip == nullptr || sip->sip_request == nullptr) return;
    auto* via = sip->sip_via;
    if (via == nullptr || via->v_maddr == nullptr) return;
    ::msg_fragment_clear_chain(reinterpret_cast<msg_header_t*>(via));
    ::msg_header_remove_param(via->v_common, "maddr");
}

/// Nobody can be answered at port 0.
bool is_from_nowhere(msg_t* message) {
    const auto& source = *::msg_addr(message);
    return source.su_family != 0 && source.su_port == 0;
}

/// The stack hands nothing over with a message that would tell whose it is, but it reads it in the agent's
/// thread.
thread_local StrangersLimit* strangers = nullptr;

/// The stack throws away what is neither a request nor a response.
void drop_where_too_many(msg_t* message) {
    if (strangers == nullptr || ::msg_is_complete(message) <= 0) return;
    auto* sip = ::sip_object(message);
    if (sip == nullptr || sip->sip_request == nullptr || !strangers->refuses(sip)) return;
    ::msg_header_remove(message, ::msg_object(message), reinterpret_cast<msg_header_t*>(sip->sip_request));
    strangers->count_dropped();
}

int extract(msg_t* message) {
    using Extract = int(msg_t*);
    static auto* const stacks_own = reinterpret_cast<Extract*>(::dlsym(RTLD_NEXT, "msg_extract"));
    if (is_from_nowhere(message)) {
        ::msg_mark_as_complete(message, MSG_FLG_ERROR);
        return -1;
    }
    ::msg_maxsize(message, message_bytes_max);
    const auto head = size_of(unread_head(message));
    const auto lines = read_lines(message) + head.lines;
    if (head.bytes > 0 && (::msg_size(message) + head.bytes > head_bytes_max || lines > head_lines_max)) {
        ::msg_mark_as_complete(message, MSG_FLG_ERROR);
        return -1;
    }
    const int result = stacks_own(message);
    forget_detour(message);
    drop_where_too_many(message);
    keep_read_lines(message, lines - size_of(unread_head(message)).lines);
    return result;
}

}  // namespace

void check_message_limits() {
    std::string text = "OPTIONS sip:a SIP/2.0\r\n";
    for (std::size_t n = 0; n < head_lines_max; ++n) text += "k: a\r\n";
    text += "\r\n";
    auto* message = ::msg_make(::sip_default_mclass(), 0, text.data(), static_cast<issize_t>(text.size()));
    const bool refused = message != nullptr && ::msg_has_error(message) != 0;
    ::msg_destroy(message);
    if (!refused) throw std::runtime_error("sofia-sip was linked so that SIP messages have no limits");
}

StrangersLimit::StrangersLimit(nta_agent_t* agent, std::size_t requests_max)
    : agent_(agent), requests_max_(requests_max) {
    strangers = this;
}

StrangersLimit::~StrangersLimit() { strangers = nullptr; }

bool StrangersLimit::refuses(const sip_t* message) const {
    // Neither of these two is remembered.
    const auto method = message->sip_request->rq_method;
    if (method == sip_method_ack || method == sip_method_cancel) return false;
    usize_t remembered = 0;
    ::nta_agent_get_stats(agent_, NTATAG_S_IRQ_HASH_USED_REF(remembered), TAG_END());
    if (remembered < requests_max_) return false;
    // The stack looks at the headers next, and answers what lacks one without remembering it.
    const auto* from = message->sip_from;
    const auto* to = message->sip_to;
    if (message->sip_call_id == nullptr || from == nullptr || to == nullptr) return false;
    return to->a_tag == nullptr || ::nta_leg_by_dialog(agent_, nullptr, message->sip_call_id, from->a_tag,
                                                       nullptr, to->a_tag, nullptr) == nullptr;
}

}  // namespace sip

// Its calls of this one come here, as the program's symbols come before those of its libraries.
extern "C" int msg_extract(msg_t* message) { return sip::extract(message); }
