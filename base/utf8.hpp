// UTF-8: what is well-formed, what PostgreSQL can store, and the ISO-8859-1 of old clients.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

/// The bytes of the well-formed sequence that `text` begins with, 1 to 4; 0: there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

/// Well-formed UTF-8 (Unicode, table 3-7): no overlong forms, no surrogates.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Text that a PostgreSQL column can hold: UTF-8 without NUL.
[[nodiscard]] bool is_storable_text(std::string_view text);
/// And is no longer than that.
[[nodiscard]] bool is_storable_text(std::string_view text, std::size_t bytes_max);

/// `bytes` in ISO-8859-1 as UTF-8.
[[nodiscard]] std::string latin1_to_utf8(std::string_view bytes);

/// The text as UTF-8: unchanged when it is, otherwise read as ISO-8859-1, which old clients send.
[[nodiscard]] std::string to_utf8(std::string text);

}  // namespace base
