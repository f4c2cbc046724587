// What a bridge plays to whoever waits for another party to answer.
#pragma once

#include <string_view>

namespace media {

/// An Ogg Opus file (RFC 7845): one second of 425 Hz and four of silence. ringing_tone.py made it.
[[nodiscard]] std::string_view ringing_tone();

}  // namespace media
