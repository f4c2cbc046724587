// What a principal may ask for, when and how often: limits of access, pure. What may be posted is limited
// where it is posted, in the ledger.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

/// Hours of the week in local time, e.g. `mon-fri 08:00-18:00`. From a later to an earlier time they reach
/// into the next day.
struct Hours {
    std::uint8_t days = 0;  ///< bit 0: Monday
    int from = 0;           ///< minutes of the day
    int to = 0;             ///< exclusive; beyond 24 h: of the next day

    [[nodiscard]] bool contain(int day, int minute) const;
};

/// Days are mon … sun, one or a range; times hh:mm, up to 24:00. Letters of either case.
[[nodiscard]] std::optional<Hours> parse_hours(std::string_view text);

/// Whom a principal may have called, by the first characters of addresses.
struct CallScreen {
    std::vector<std::string> allow{};  ///< of outside addresses, in place of the server's; none: those
    std::vector<std::string> deny{};   ///< they win
    bool operator==(const CallScreen&) const = default;
};

/// What a principal may have called. What calls may cost is limited where it is posted.
struct CallLimits : CallScreen {
    std::optional<std::int64_t> at_once{};
    std::optional<std::int64_t> per_second{};
};

struct AccessLimits {
    std::optional<std::int64_t> requests_per_second{};
    std::vector<std::string> address_prefixes{};  ///< in the ledger's normal form; none: every address
    std::vector<std::string> methods{};           ///< Interface.operation; none: every one
    std::vector<Hours> hours{};                   ///< none: always
    CallLimits calls{};
    std::chrono::seconds utc_offset{0};  ///< of the hours, when the limits were read

    /// Whether there are any but those of calls.
    [[nodiscard]] bool any() const;
    [[nodiscard]] bool admits_address(std::string_view address) const;
    [[nodiscard]] bool admits_method(std::string_view interface, std::string_view operation) const;
    [[nodiscard]] bool admits_time(std::chrono::system_clock::time_point now) const;

    /// Takes one up as the database keeps it. A limit that this program does not know (a newer one made it)
    /// admits nothing.
    void add(std::string_view name, std::int64_t value, std::string_view item);
};

}  // namespace auth
