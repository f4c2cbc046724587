// How long a SIP message may be, and how many may begin something new: sofia-sip 1.12.11 does not mind
// everywhere.
#pragma once

#include <cstddef>
#include <utility>

struct nta_agent_s;
struct sip_s;

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

/// While the agent of this thread remembers so many requests, those that belong to none of its dialogs are
/// dropped without an answer. Each is remembered for 64 * T1 (RFC 3261, 17.2), whoever it came from, and
/// takes 10 kB, be it refused or answered: what anybody sends would else take all of the memory.
class StrangersLimit {
  public:
    StrangersLimit(nta_agent_s* agent, std::size_t requests_max);
    ~StrangersLimit();
    StrangersLimit(const StrangersLimit&) = delete;
    StrangersLimit& operator=(const StrangersLimit&) = delete;

    /// Whether there is no room for it.
    [[nodiscard]] bool refuses(const sip_s* message) const;
    void count_dropped() { ++dropped_; }
    /// How many were dropped since the last time that this was asked.
    std::size_t take_dropped() { return std::exchange(dropped_, 0); }

  private:
    nta_agent_s* agent_;
    std::size_t requests_max_;
    std::size_t dropped_ = 0;
};

}  // namespace sip
