// Texts and questions of limits.
#include "frontend/auth/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace auth {
namespace {

constexpr int day_minutes = 24 * 60;

std::optional<int> day_named(std::string_view name) {
    constexpr std::array<std::string_view, 7> names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    const auto* found = std::ranges::find_if(
        names, [&](std::string_view day) { return std::ranges::equal(name, day, same); });
    if (found == names.end()) return std::nullopt;
    return static_cast<int>(found - names.begin());
}

std::optional<int> two_digits(std::string_view text) {
    int value = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    const bool good = text.size() == 2 && result.ec == std::errc() && result.ptr == end && value >= 0;
    return good ? std::optional(value) : std::nullopt;
}

/// hh:mm as minutes.
std::optional<int> time_of(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hour = two_digits(text.substr(0, 2)), minute = two_digits(text.substr(3));
    if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > day_minutes) return std::nullopt;
    return *hour * 60 + *minute;
}

/// Both sides of the first `mark`; without one, the whole text twice.
std::pair<std::string_view, std::string_view> halves(std::string_view text, char mark) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return {text, text};
    return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

bool Hours::contain(int day, int minute) const {
    const auto on = [this](int which) { return (days >> which & 1) != 0; };
    const int before = (day + 6) % 7;
    return (on(day) && minute >= from && minute < to) || (on(before) && minute + day_minutes < to);
}

std::optional<Hours> parse_hours(std::string_view text) {
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto [first_day, last_day] = halves(text.substr(0, space), '-');
    const auto times = text.substr(space + 1);
    if (times.find('-') == std::string_view::npos) return std::nullopt;
    const auto [start, end] = halves(times, '-');
    const auto first = day_named(first_day), last = day_named(last_day);
    const auto from = time_of(start), to = time_of(end);
    if (!first || !last || !from || !to || *from == *to || *from == day_minutes) return std::nullopt;
    Hours hours;
    for (int day = *first;; day = (day + 1) % 7) {
        hours.days = static_cast<std::uint8_t>(hours.days | 1U << static_cast<unsigned>(day));
        if (day == *last) break;
    }
    hours.from = *from;
    hours.to = *to > *from ? *to : *to + day_minutes;
    return hours;
}

bool AccessLimits::any() const {
    return requests_per_second || !address_prefixes.empty() || !methods.empty() || !hours.empty();
}

bool AccessLimits::admits_address(std::string_view address) const {
    return address_prefixes.empty() || std::ranges::any_of(address_prefixes, [&](const std::string& prefix) {
               return address.starts_with(prefix);
           });
}

bool AccessLimits::admits_method(std::string_view interface, std::string_view operation) const {
    return methods.empty() || std::ranges::any_of(methods, [&](std::string_view method) {
               return method.size() == interface.size() + 1 + operation.size() &&
                      method.starts_with(interface) && method.ends_with(operation) &&
                      method[interface.size()] == '.';
           });
}

bool AccessLimits::admits_time(std::chrono::system_clock::time_point now) const {
    if (hours.empty()) return true;
    const auto local = std::chrono::floor<std::chrono::minutes>(now + utc_offset);
    const auto today = std::chrono::floor<std::chrono::days>(local);
    const auto day = static_cast<int>(std::chrono::weekday(today).iso_encoding()) - 1;
    const auto minute = static_cast<int>((local - today).count());
    return std::ranges::any_of(hours, [&](const Hours& open) { return open.contain(day, minute); });
}

void AccessLimits::add(std::string_view name, std::int64_t value, std::string_view item) {
    const std::array lists{
        std::pair{std::string_view("address_prefix"), &address_prefixes},
        std::pair{std::string_view("method"), &methods},
        std::pair{std::string_view("call_allow"), &calls.allow},
        std::pair{std::string_view("call_deny"), &calls.deny},
    };
    for (const auto& [list, items] : lists) {
        if (name != list) continue;
        items->emplace_back(item);
        return;
    }
    if (name == "calls_at_once") {
        calls.at_once = value;
        return;
    }
    if (name == "calls_per_second") {
        calls.per_second = value;
        return;
    }
    if (const auto open = name == "hours" ? parse_hours(item) : std::nullopt) {
        hours.push_back(*open);
        return;
    }
    // What is not understood is no request at all, and stays so whatever is taken up after it.
    const auto allowed = name == "requests_per_second" ? value : 0;
    requests_per_second = std::min(requests_per_second.value_or(allowed), allowed);
}

}  // namespace auth
