// How long a SIP message may be, which sofia-sip 1.12.11 does not mind everywhere.
#pragma once

#include <cstddef>

namespace sip {

/// The longest message that is taken: more than a datagram can be.
inline constexpr std::size_t message_bytes_max = 256U << 10;
/// The longest head of one: its first line and its headers.
inline constexpr std::size_t head_bytes_max = 16U << 10;
/// What time and memory the stack needs for a head grows with the square of the lines: for one of 60 kB it
/// was 0.6 s and 74 MB.
inline constexpr std::size_t head_lines_max = 256;

/// This program has a function of the stack's instead of the stack's own (msg_extract, which reads a piece of
/// a message), as there is no other place where each message can be looked at before it is read: the stack
/// gives none to whoever listens, and its own limit it forgets where one message follows another in the same
/// piece of a stream. std::runtime_error when the stack was linked so that it does not call ours.
void check_message_limits();

}  // namespace sip
