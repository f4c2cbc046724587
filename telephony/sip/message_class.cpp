// One function in place of the stack's, between a message's headers and its body.
#include "telephony/sip/message_class.hpp"

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

#include <new>

namespace sip {
namespace {

/// What the stack allows the first message of a piece.
constexpr usize_t message_bytes_max = 2U << 20;

issize_t extract_body(msg_t* message, msg_pub_t* parsed, char* bytes, isize_t size, int end) {
    ::msg_maxsize(message, message_bytes_max);
    return ::sip_extract_body(message, reinterpret_cast<sip_t*>(parsed), bytes, size, end);
}

}  // namespace

MessageClass bounded_message_class() {
    MessageClass result(::msg_mclass_clone(::sip_default_mclass(), 0, 0));
    if (!result) throw std::bad_alloc();
    result->mc_extract_body = extract_body;
    return result;
}

}  // namespace sip
