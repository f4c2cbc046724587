// The built-in simple types: their lexical forms (XML Schema part 2) to C++ values and back. White space has
// been collapsed before parsing, where the type says so.
#include "frontend/soap/message.hpp"

#include <array>
#include <charconv>

namespace soap::detail {
namespace {

/// xsd:int and xsd:long: an optional sign and digits, leading zeros allowed; from_chars takes no `+`.
template <class Integer>
bool parse_integer(void* value, std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return false;
    }
    const auto [end, error] = std::from_chars(text.begin(), text.end(), *static_cast<Integer*>(value));
    return error == std::errc{} && end == text.end();
}

template <class Integer>
void print_integer(const void* value, std::string& out) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), *static_cast<const Integer*>(value)).ptr;
    out.append(digits.begin(), end);
}

/// Reads the parts of a dateTime from left to right.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : rest_(text) {}

    bool skip(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// Exactly `count` digits.
    bool digits(std::size_t count, int& value) {
        if (rest_.size() < count) return false;
        value = 0;
        for (const char c : rest_.substr(0, count)) {
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }
    /// One digit or more, the first six as microseconds; further ones are cut off.
    bool fraction(int& microseconds) {
        std::size_t count = 0;
        microseconds = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
             rest_.remove_prefix(1), ++count)
            if (count < 6) microseconds = microseconds * 10 + (rest_.front() - '0');
        for (std::size_t i = count; i < 6; ++i) microseconds *= 10;
        return count > 0;
    }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

/// `Z`, `+hh:mm`, `-hh:mm` or nothing, which is taken as UTC.
bool parse_zone(Cursor& cursor, std::chrono::minutes& offset) {
    offset = {};
    if (cursor.at_end() || cursor.skip('Z')) return true;
    const bool east = cursor.skip('+');
    if (!east && !cursor.skip('-')) return false;
    int hours = 0, minutes = 0;
    if (!cursor.digits(2, hours) || !cursor.skip(':') || !cursor.digits(2, minutes)) return false;
    if (hours > 14 || minutes > 59 || (hours == 14 && minutes != 0)) return false;
    offset = std::chrono::minutes(hours * 60 + minutes) * (east ? 1 : -1);
    return true;
}

void append_padded(int value, std::size_t width, std::string& out) {
    std::string digits = std::to_string(value);
    out.append(width > digits.size() ? width - digits.size() : 0, '0').append(digits);
}

}  // namespace

bool parse_string(const Type&, void* value, std::string_view text) {
    *static_cast<std::string*>(value) = text;
    return true;
}
void print_string(const Type&, const void* value, std::string& out) {
    out += *static_cast<const std::string*>(value);
}

bool parse_decimal(const Type&, void* value, std::string_view text) {
    const auto number = base::Decimal::parse(text);
    if (number) *static_cast<base::Decimal*>(value) = *number;
    return number.has_value();
}
void print_decimal(const Type&, const void* value, std::string& out) {
    out += static_cast<const base::Decimal*>(value)->text();
}

bool parse_int(const Type&, void* value, std::string_view text) {
    return parse_integer<std::int32_t>(value, text);
}
void print_int(const Type&, const void* value, std::string& out) { print_integer<std::int32_t>(value, out); }

bool parse_long(const Type&, void* value, std::string_view text) {
    return parse_integer<std::int64_t>(value, text);
}
void print_long(const Type&, const void* value, std::string& out) { print_integer<std::int64_t>(value, out); }

bool parse_boolean(const Type&, void* value, std::string_view text) {
    const bool is_true = text == "true" || text == "1";
    *static_cast<bool*>(value) = is_true;
    return is_true || text == "false" || text == "0";
}
void print_boolean(const Type&, const void* value, std::string& out) {
    out += *static_cast<const bool*>(value) ? "true" : "false";
}

/// Years 0001 to 9999, which is what the database and everybody else can hold; 24:00:00 is the next day's
/// midnight.
bool parse_date_time(const Type&, void* value, std::string_view text) {
    using namespace std::chrono;
    Cursor cursor(text);
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, us = 0;
    if (!cursor.digits(4, y) || !cursor.skip('-') || !cursor.digits(2, mo) || !cursor.skip('-') ||
        !cursor.digits(2, d) || !cursor.skip('T') || !cursor.digits(2, h) || !cursor.skip(':') ||
        !cursor.digits(2, mi) || !cursor.skip(':') || !cursor.digits(2, s))
        return false;
    if (cursor.skip('.') && !cursor.fraction(us)) return false;
    minutes offset{};
    if (!parse_zone(cursor, offset) || !cursor.at_end()) return false;
    const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
    const bool end_of_day = h == 24 && mi == 0 && s == 0 && us == 0;
    if (y == 0 || !date.ok() || (h > 23 && !end_of_day) || mi > 59 || s > 59) return false;
    *static_cast<TimePoint*>(value) =
        sys_days(date) + hours(h) + minutes(mi) + seconds(s) + microseconds(us) - offset;
    return true;
}

void print_date_time(const Type&, const void* value, std::string& out) {
    using namespace std::chrono;
    const TimePoint time = *static_cast<const TimePoint*>(value);
    const auto midnight = floor<days>(time);
    const year_month_day date(midnight);
    const hh_mm_ss clock(time - midnight);
    append_padded(static_cast<int>(date.year()), 4, out);
    out += '-';
    append_padded(static_cast<int>(static_cast<unsigned>(date.month())), 2, out);
    out += '-';
    append_padded(static_cast<int>(static_cast<unsigned>(date.day())), 2, out);
    out += 'T';
    append_padded(static_cast<int>(clock.hours().count()), 2, out);
    out += ':';
    append_padded(static_cast<int>(clock.minutes().count()), 2, out);
    out += ':';
    append_padded(static_cast<int>(clock.seconds().count()), 2, out);
    if (const auto us = static_cast<int>(clock.subseconds().count()); us != 0) {
        out += '.';
        append_padded(us, 6, out);
        out.resize(out.find_last_not_of('0') + 1);
    }
    out += 'Z';
}

std::optional<std::size_t> find_literal(const Type& type, std::string_view text) {
    for (std::size_t i = 0; i < type.literals.size(); ++i)
        if (type.literals[i] == text) return i;
    return std::nullopt;
}

}  // namespace soap::detail
