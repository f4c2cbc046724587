// UTF-8 as credentials use it.
#pragma once

#include <string>
#include <string_view>

namespace auth {

/// Well-formed UTF-8 (Unicode, table 3-7): no overlong forms, no surrogates.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The text as UTF-8: unchanged when it is, otherwise read as ISO-8859-1, which old clients send.
[[nodiscard]] std::string to_utf8(std::string text);

}  // namespace auth
