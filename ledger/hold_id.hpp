// Hold identifiers as text.
#pragma once

#include "ledger/request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ledger {

/// 36 lower-case hexadecimal digits: 4 for the shard, 32 for the random part. This is the
/// reservationIdentifier.
[[nodiscard]] std::string to_string(const HoldId& id);
/// Nothing when the text is none that to_string writes.
[[nodiscard]] std::optional<HoldId> hold_id_of(std::string_view text);

/// The 128 bits of a UUID or of plain hexadecimal digits; nothing when there are not 32 of them.
[[nodiscard]] std::optional<base::Id128> id_of_hex(std::string_view text);

}  // namespace ledger
