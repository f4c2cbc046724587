// What a bridge plays, as Ogg Opus files (RFC 7845). tones.py made them.
#pragma once

#include <string_view>

namespace media {

/// While somebody is called: one second of 425 Hz and four of silence.
[[nodiscard]] std::string_view ringing_tone();

/// When the time that is paid for ends soon: half a second of 1400 Hz and as much silence.
[[nodiscard]] std::string_view funds_end_tone();

}  // namespace media
