// ICU's copy of the IANA time zones.
#include "base/time_zone.hpp"

#include <unicode/timezone.h>

#include <utility>

namespace base {

class TimeZone::Rules {
  public:
    explicit Rules(std::unique_ptr<icu::TimeZone> zone) : zone_(std::move(zone)) {}

    [[nodiscard]] std::chrono::seconds offset(std::chrono::sys_seconds time) const {
        const auto at = static_cast<UDate>(std::chrono::milliseconds(time.time_since_epoch()).count());
        std::int32_t standard = 0, daylight = 0;
        UErrorCode error = U_ZERO_ERROR;
        zone_->getOffset(at, static_cast<UBool>(false), standard, daylight, error);
        // Fails for want of memory only.
        if (U_FAILURE(error) != 0) return std::chrono::seconds(0);
        return std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(standard + daylight));
    }

  private:
    std::unique_ptr<icu::TimeZone> zone_;
};

TimeZone::TimeZone() = default;

TimeZone::TimeZone(std::string name, std::shared_ptr<const Rules> rules)
    : name_(std::move(name)), rules_(std::move(rules)) {}

std::optional<TimeZone> TimeZone::named(std::string_view name) {
    const icu::StringPiece piece(name.data(), static_cast<std::int32_t>(name.size()));
    std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(piece)));
    // What ICU does not know becomes its unknown zone; what it takes as a custom one (`GMT+3`) is not IANA's.
    UErrorCode error = U_ZERO_ERROR;
    icu::UnicodeString canonical;
    UBool is_system = 0;
    icu::TimeZone::getCanonicalID(icu::UnicodeString::fromUTF8(piece), canonical, is_system, error);
    if (zone == nullptr || U_FAILURE(error) != 0 || is_system == 0) return std::nullopt;
    return TimeZone(std::string(name), std::make_shared<const Rules>(std::move(zone)));
}

std::chrono::local_seconds TimeZone::local(std::chrono::sys_seconds time) const {
    const auto offset = rules_ ? rules_->offset(time) : std::chrono::seconds(0);
    return std::chrono::local_seconds(time.time_since_epoch() + offset);
}

}  // namespace base
