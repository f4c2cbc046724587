// The settings of telephony's sections.
#pragma once

#include "app/settings.hpp"

#include <vector>

namespace app {

/// Their part of setting_table().
[[nodiscard]] std::vector<Setting> telephony_settings(Settings& s);

}  // namespace app
