// The secrets of vouchers: how they are made, read, masked and kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ledger {

/// A new code: 100 random bits as five groups of four letters and digits that are hard to mistake
/// (Crockford's base 32), e.g. `7QK2-M0XN-3VZD-91TB-HC5E`.
[[nodiscard]] std::string random_voucher_code();
/// A new PIN of so many decimal digits.
[[nodiscard]] std::string random_voucher_pin(int digits);

/// One spelling for each code, however it was typed: no separators, upper case, O for 0 and I or L for 1.
[[nodiscard]] std::string normal_voucher_code(std::string_view text);

/// The last four characters: what journals and lists may show. 80 bits stay secret.
[[nodiscard]] std::string voucher_mask(std::string_view code);

/// How a code is kept: SHA-256, in hexadecimal digits. A fast hash is enough, because nobody can try 2^100
/// codes; a slow one would only let wrong tries cost the server's time.
[[nodiscard]] std::string voucher_hash(std::string_view code);
/// Of a PIN together with its code: a PIN alone would be guessed from its hash at once.
[[nodiscard]] std::string voucher_pin_hash(std::string_view code, std::string_view pin);

}  // namespace ledger
