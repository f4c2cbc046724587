// Decimal numbers as people and xsd:decimal write them: exact, without floating point.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

/// An exact decimal number: unscaled x 10^-scale, kept canonical (no trailing zeros, so 1.5 = 1.50).
/// Numbers that these fields cannot hold are still numbers (xsd:decimal has no bound): `overflow` marks them,
/// and `unscaled` then carries only the sign.
struct Decimal {
    std::int64_t unscaled = 0;
    std::int16_t scale = 0;  ///< decimals, >= 0
    bool overflow = false;

    /// Reads the lexical form of xsd:decimal (XML Schema part 2, 3.2.3): `1.5`, `.5`, `5.`, `+5`, `-0.10`;
    /// no exponent, no white space. Nothing when the text is no such number.
    [[nodiscard]] static std::optional<Decimal> parse(std::string_view text);

    /// A number of minor units, e.g. (150, 2) = 1.5.
    [[nodiscard]] static Decimal of_minor(std::int64_t minor, int exponent);

    /// The canonical text: `1.5`, `-0.1`, `100`.
    [[nodiscard]] std::string text() const;

    /// With at least `decimals` decimals, as money is shown: `1.50`.
    [[nodiscard]] std::string text(int decimals) const;

    bool operator==(const Decimal&) const = default;
};

}  // namespace base
