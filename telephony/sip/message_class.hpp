// The stack's messages, with a limit that it forgets itself.
#pragma once

#include <cstdlib>
#include <memory>

struct msg_mclass_s;

namespace sip {

struct FreeMessageClass {
    void operator()(msg_mclass_s* message_class) const {
        std::free(message_class);
    }  // NOLINT: malloc made it
};
using MessageClass = std::unique_ptr<msg_mclass_s, FreeMessageClass>;

/// SIP's message class, for NTATAG_MCLASS; it must outlive the agent. Its messages have a limit to their size
/// also where one follows another in the same piece of a stream: there sofia-sip 1.12.11 takes any
/// Content-Length, and one near 2^32 makes it write where nothing is.
MessageClass bounded_message_class();

}  // namespace sip
