// Reads amounts and times.
#include "app/operator/values.hpp"

#include "app/data_dir.hpp"
#include "app/operator/refused.hpp"

#include <chrono>
#include <regex>

namespace app {
namespace {

/// A day that there is, of the years that a database can hold.
bool is_day(const std::string& y, const std::string& m, const std::string& d) {
    using namespace std::chrono;
    const auto number = [](const std::string& digits) { return static_cast<unsigned>(std::stoul(digits)); };
    const year_month_day date{year(std::stoi(y)), month(number(m)), day(number(d))};
    return date.ok() && date.year() > year(0);
}

}  // namespace

base::Decimal decimal_of(const std::string& text) {
    const auto number = base::Decimal::parse(text);
    if (!number) throw PlainError("'" + text + "' is no amount like 1.50");
    return *number;
}

std::int64_t minor_units(const base::Decimal& number, std::int64_t decimals, std::int64_t max,
                         const std::string& name) {
    using enum ledger::Refusal;
    if (number.unscaled < 0) throw Refused(not_positive, name + " is zero or more");
    if (number.overflow) throw Refused(too_large);
    if (number.scale > decimals) throw Refused(too_many_decimals);
    auto minor = number.unscaled;
    for (auto scale = std::int64_t{number.scale}; scale < decimals; ++scale) {
        if (__builtin_mul_overflow(minor, std::int64_t{10}, &minor)) throw Refused(too_large);
    }
    if (minor > max) throw Refused(too_large, name + " is above [ledger] max_amount");
    return minor;
}

std::optional<std::string> time_of(const std::string& text, const std::string& zone) {
    if (text.empty()) return std::nullopt;
    static const std::regex form(
        R"(((\d{4})-(\d\d)-(\d\d))(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?))?)"
        R"((Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)");
    std::smatch parts;
    if (!std::regex_match(text, parts, form) || !is_day(parts[2], parts[3], parts[4]))
        throw PlainError("'" + text + "' is no time like 2026-12-31 or 2026-12-31T12:00Z");
    return parts[1].str() + ' ' + (parts[5].matched ? parts[5].str() : "00:00") +
           (parts[6].matched ? parts[6].str() : zone);
}

std::string first_day(const std::string& month) {
    static const std::regex form(R"((?!0000)\d{4}-(0[1-9]|1[0-2]))");
    if (!std::regex_match(month, form)) throw PlainError("'" + month + "' is no month like 2026-10");
    return month + "-01";
}

}  // namespace app
