// The stack's messages, with a limit that it forgets itself.
#pragma once

#include <cstdlib>
#include <memory>

struct msg_mclass_s;

namespace sip {

struct FreeMessageClass {
    // malloc made it. NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
    void operator()(msg_mclass_s* made) const { std::free(made); }
};
using MessageClass = std::unique_ptr<msg_mclass_s, FreeMessageClass>;

/// SIP's message class, for NTATAG_MCLASS; it must outlive the agent. Its messages have a limit to their size
/// also where one follows another in the same piece of a stream: there sofia-sip 1.12.11 takes any
/// Content-Length, and one near 2^32 makes it write where nothing is.
MessageClass bounded_message_class();

}  // namespace sip
