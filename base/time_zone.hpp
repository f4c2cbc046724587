// Time zones by their IANA names: what the clock on the wall shows somewhere.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace base {

/// Cheap to copy; may be used by several threads at once.
class TimeZone {
  public:
    TimeZone();  ///< UTC

    /// `Europe/Berlin`, `UTC`, …; nothing for a name that the IANA data has not got.
    [[nodiscard]] static std::optional<TimeZone> named(std::string_view name);

    [[nodiscard]] const std::string& name() const { return name_; }

    /// The local date and time at that moment.
    [[nodiscard]] std::chrono::local_seconds local(std::chrono::sys_seconds time) const;

    bool operator==(const TimeZone& other) const { return name_ == other.name_; }

  private:
    class Rules;
    TimeZone(std::string name, std::shared_ptr<const Rules> rules);

    std::string name_ = "UTC";
    std::shared_ptr<const Rules> rules_;  ///< null: UTC
};

}  // namespace base
