// Reads and writes exact decimal numbers.
#include "base/decimal.hpp"

#include <algorithm>
#include <limits>

namespace base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// unscaled x 10 + digit on the negative side, where int64 has one value more; nothing when that overflows.
bool append_digit(std::int64_t& negative, char digit) {
    return !__builtin_mul_overflow(negative, std::int64_t{10}, &negative) &&
           !__builtin_sub_overflow(negative, std::int64_t{digit - '0'}, &negative);
}

Decimal overflowed(bool minus) {
    Decimal result;
    result.unscaled = minus ? -1 : 1;
    result.overflow = true;
    return result;
}

std::string_view without_trailing_zeros(std::string_view digits) {
    return digits.substr(0, digits.find_last_not_of('0') + 1);
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const bool minus = text.starts_with('-');
    if (minus || text.starts_with('+')) text.remove_prefix(1);
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    auto fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
    if (whole.empty() && fraction.empty()) return std::nullopt;
    if (!std::ranges::all_of(whole, is_digit) || !std::ranges::all_of(fraction, is_digit))
        return std::nullopt;

    fraction = without_trailing_zeros(fraction);
    if (fraction.size() > std::size_t{std::numeric_limits<std::int16_t>::max()}) return overflowed(minus);
    Decimal result;
    for (const auto part : {whole, fraction}) {
        for (const char digit : part) {
            if (!append_digit(result.unscaled, digit)) return overflowed(minus);
        }
    }
    if (!minus && result.unscaled == std::numeric_limits<std::int64_t>::min()) return overflowed(minus);
    if (!minus) result.unscaled = -result.unscaled;
    result.scale = static_cast<std::int16_t>(fraction.size());
    return result;
}

Decimal Decimal::of_minor(std::int64_t minor, int exponent) {
    Decimal result;
    while (exponent > 0 && minor != 0 && minor % 10 == 0) {
        minor /= 10;
        --exponent;
    }
    if (minor != 0 && exponent > std::numeric_limits<std::int16_t>::max()) return overflowed(minor < 0);
    result.unscaled = minor;
    result.scale = static_cast<std::int16_t>(minor == 0 ? 0 : exponent);
    return result;
}

std::string Decimal::text() const { return text(0); }

std::string Decimal::text(int decimals) const {
    if (overflow) return unscaled < 0 ? "-overflow" : "overflow";
    std::string digits = std::to_string(unscaled);
    const bool minus = digits.front() == '-';
    if (minus) digits.erase(0, 1);
    const auto places = static_cast<std::size_t>(scale);
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    std::string fraction = digits.substr(digits.size() - places);
    digits.resize(digits.size() - places);
    const auto wanted = static_cast<std::size_t>(std::max(decimals, 0));
    if (fraction.size() < wanted) fraction.append(wanted - fraction.size(), '0');
    if (!fraction.empty()) digits += '.' + fraction;
    return minus ? '-' + digits : digits;
}

}  // namespace base
